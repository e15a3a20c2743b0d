"""Training jobs: real processes under Amazon's own training toolkit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flywheel.local_aws.processes import tail_of
from flywheel.local_aws.sagemaker import channels, stand_ins, training_request
from flywheel.local_aws.sagemaker.files import files_in, pack
from flywheel.local_aws.sagemaker.input_pipes import flowing
from flywheel.local_aws.sagemaker.jobs import (
    SIGKILLED,
    TERMINAL,
    Exit,
    JobService,
    algorithm_error,
    clear,
)
from flywheel.local_aws.sagemaker.resources import now, page
from flywheel.local_aws.sagemaker.sandbox import FolderSync, restore
from flywheel.local_aws.sagemaker.storage import join_uri
from flywheel.local_aws.sagemaker.training_job import (
    TrainingJob,
    describe,
    summary,
    transition,
)

_DEFAULT_CHECKPOINTS = "/opt/ml/checkpoints"


class TrainingJobs(JobService[TrainingJob]):
    """The training jobs of one account and region."""

    noun = "Training Job"
    kind = "training-job"
    log_group = "/aws/sagemaker/TrainingJobs"

    def actions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """What this part of the service answers."""
        return {
            "CreateTrainingJob": self.create,
            "DescribeTrainingJob": lambda params: self.describe_job(
                self.get(params["TrainingJobName"])
            ),
            "StopTrainingJob": lambda params: self.stop(params["TrainingJobName"]),
            "ListTrainingJobs": self.find,
        }

    def create(self, params: dict[str, Any], tuning_job_arn: str | None = None) -> dict[str, Any]:
        """Check a request and start the job.

        Raises:
            ServiceError: The request means something that AWS or this machine cannot do.
        """
        training_request.check(params, self.config.images)
        params = training_request.completed(params, self.config.images)
        name = params["TrainingJobName"]
        job = TrainingJob(
            name=name,
            arn=self.config.arn(self.kind, name),
            request=params,
            sandbox=self.sandbox(name),
            algorithm=stand_ins.algorithm_of(params, self.config.images),
            tuning_job_arn=tuning_job_arn,
        )
        job.transitions.append(transition("Starting", job.created))
        self.begin(job)
        return {"TrainingJobArn": job.arn}

    def find(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer ListTrainingJobs."""
        return page(self.jobs.all(), params, "TrainingJobSummaries", summary, order="Ascending")

    def describe_job(self, job: TrainingJob) -> dict[str, Any]:
        """Answer DescribeTrainingJob."""
        with self.services.state.changed:
            return describe(job)

    def carry_out(self, job: TrainingJob) -> None:
        """Download, train, upload."""
        request, sandbox = job.request, job.sandbox
        sandbox.create("input/config", "input/data", "model", "output/data")
        self._move(job, "Downloading")
        self._deliver(job)
        checkpoints = request.get("CheckpointConfig")
        checkpoint_dir = sandbox.folder((checkpoints or {}).get("LocalPath", _DEFAULT_CHECKPOINTS))
        if checkpoints:
            restore(self.services.storage, checkpoints["S3Uri"], checkpoint_dir)
        training_request.write_settings(request, sandbox)
        self._move(job, "DownloadingTrainingImage")
        python = self.config.images.python(request["AlgorithmSpecification"]["TrainingImage"])
        job.started = now()
        ended = self._train(job, python, checkpoint_dir if checkpoints else None)
        job.metrics = training_request.metrics(
            request, sandbox.log.read_text("utf-8", "replace") if sandbox.log.exists() else ""
        )
        logs = self.services.logs.send(
            self.log_group, f"{job.name}/algo-1-{int(job.created)}", sandbox.log
        )
        failed = ended.cause == "itself" and ended.code != 0
        if not failed:
            self._move(job, "Uploading")
            self._upload(job)
        logs.result()
        if failed:
            failure = sandbox.opt_ml / "output" / "failure"
            text = tail_of(sandbox.log, 900)
            if failure.exists():
                text = failure.read_text("utf-8", "replace")
            self.finish(job, "Failed", reason=algorithm_error(text, ended.code))
        elif ended.cause == "time":
            self.finish(job, "Stopped", secondary="MaxRuntimeExceeded")
        else:
            self.finish(job, "Stopped" if ended.cause == "stopped" else "Completed")
        if job.status == "Completed":
            clear(job)

    def finish(
        self,
        job: TrainingJob,
        status: str,
        *,
        reason: str | None = None,
        secondary: str | None = None,
    ) -> None:
        """Set the last state and tell it."""
        with self.services.state.changed:
            job.failure_reason = reason
            job.ended = now()
            job.status = status
            self._set_secondary(job, secondary or status)
            self.services.state.changed.notify_all()
        self.tell(job)

    def mark_stopping(self, job: TrainingJob) -> None:
        """Show that the job is being stopped; the state is locked."""
        self._set_secondary(job, "Stopping")
        super().mark_stopping(job)

    def _deliver(self, job: TrainingJob) -> None:
        """Put the channels in place; a stand-in gets what a pipe would give as a file."""
        mode = job.request["AlgorithmSpecification"]["TrainingInputMode"]
        for channel in job.request.get("InputDataConfig", ()):
            pipe = channels.deliver(self.services.storage, channel, mode, job.sandbox)
            if pipe is not None and job.algorithm is not None:
                pipe.as_file()
            elif pipe is not None:
                job.pipes.append(pipe)

    def _train(self, job: TrainingJob, python: Path, checkpoint_dir: Path | None) -> Exit:
        """Run the process; a killed spot job starts again, as when its instance is taken away."""
        request = job.request
        command = training_request.command(request, job.sandbox, python, job.algorithm)
        own = (
            stand_ins.training_environment(job.sandbox, self.config.stand_ins)
            if job.algorithm
            else {}
        )
        environment = job.sandbox.environment(
            self.config,
            python,
            {
                "TRAINING_JOB_NAME": job.name,
                "TRAINING_JOB_ARN": job.arn,
                **request.get("Environment", {}),
                **own,
            },
            isolated=request.get("EnableNetworkIsolation", False),
        )
        condition = request.get("StoppingCondition", {})
        limit_seconds = condition.get("MaxRuntimeInSeconds", training_request.DAY_SECONDS)
        spot = request.get("EnableManagedSpotTraining", False)
        wait_until = job.created + condition.get("MaxWaitTimeInSeconds", limit_seconds)
        while True:
            sync = None
            if checkpoint_dir is not None:
                uri = request["CheckpointConfig"]["S3Uri"]
                sync = FolderSync(
                    self.services.storage, checkpoint_dir, uri, self.config.checkpoint_sync_seconds
                )
                sync.start()
            self._move(job, "Training")
            try:
                with flowing(job.pipes):
                    ended = self.execute(job, command, environment, limit_seconds)
            finally:
                if sync is not None:
                    sync.finish()
            if not (
                spot and ended.cause == "itself" and ended.code == SIGKILLED and now() < wait_until
            ):
                return ended
            self._move(job, "Interrupted")
            self._move(job, "Restarting")

    def _upload(self, job: TrainingJob) -> None:
        output, key = (
            job.request["OutputDataConfig"],
            job.request["OutputDataConfig"].get("KmsKeyId"),
        )
        model, data = job.sandbox.opt_ml / "model", job.sandbox.opt_ml / "output" / "data"
        if output.get("CompressionType") == "NONE":
            self.services.storage.upload_folder(model, join_uri(job.output, "model"), key)
        elif files_in(model):
            self._upload_archive(job, model, "model.tar.gz", key)
        if files_in(data):
            self._upload_archive(job, data, "output.tar.gz", key)

    def _upload_archive(
        self, job: TrainingJob, folder: Path, name: str, kms_key_id: str | None
    ) -> None:
        archive = job.sandbox.root / name
        pack(folder, archive)
        self.services.storage.write(join_uri(job.output, name), archive, kms_key_id)
        archive.unlink()

    def _move(self, job: TrainingJob, secondary: str) -> None:
        with self.services.state.changed:
            if job.stopping.is_set():
                return
            self._set_secondary(job, secondary)
            self.services.state.changed.notify_all()
        self.tell(job)

    def _set_secondary(self, job: TrainingJob, secondary: str) -> None:
        time = now()
        job.transitions[-1]["EndTime"] = time
        job.secondary, job.modified = secondary, time
        last = transition(secondary, time)
        if job.status in TERMINAL:
            last["EndTime"] = time
        job.transitions.append(last)
