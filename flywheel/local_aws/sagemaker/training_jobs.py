"""Training jobs: real processes under Amazon's own training toolkit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flywheel.local_aws.processes import tail_of
from flywheel.local_aws.sagemaker import channels, training_request
from flywheel.local_aws.sagemaker.jobs import (
    SIGKILLED,
    TERMINAL,
    Exit,
    Job,
    JobService,
    algorithm_error,
    clear,
)
from flywheel.local_aws.sagemaker.resources import echo, now, page
from flywheel.local_aws.sagemaker.sandbox import FolderSync, restore
from flywheel.local_aws.sagemaker.storage import files_in, join_uri, pack

_DEFAULT_CHECKPOINTS = "/opt/ml/checkpoints"
_ECHOED = (
    "HyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig",
    "ResourceConfig", "VpcConfig", "StoppingCondition", "CheckpointConfig", "DebugHookConfig",
    "ExperimentConfig", "DebugRuleConfigurations", "TensorBoardOutputConfig", "ProfilerConfig",
    "Environment", "RetryStrategy",
)  # fmt: skip
_MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "DownloadingTrainingImage": "Downloading the training image",
    "Training": "Training image download completed. Training in progress.",
    "Interrupted": "Training job was interrupted. It is started again from its checkpoints.",
    "Restarting": "Restarting the training job",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
}


@dataclass(kw_only=True)
class TrainingJob(Job):
    """One training job."""

    secondary: str = "Starting"
    transitions: list[dict[str, Any]] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    tuning_job_arn: str | None = None

    @property
    def output(self) -> str:
        """URI below which the results go."""
        return join_uri(self.request["OutputDataConfig"]["S3OutputPath"], self.name, "output")


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
        name = params["TrainingJobName"]
        job = TrainingJob(
            name=name,
            arn=self.config.arn(self.kind, name),
            request=params,
            sandbox=self.sandbox(name),
            tuning_job_arn=tuning_job_arn,
        )
        job.transitions.append(_transition("Starting", job.created))
        self.begin(job)
        return {"TrainingJobArn": job.arn}

    def find(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer ListTrainingJobs."""
        return page(self.jobs.all(), params, "TrainingJobSummaries", _summary, order="Ascending")

    def describe_job(self, job: TrainingJob) -> dict[str, Any]:
        """Answer DescribeTrainingJob."""
        with self.services.state.changed:
            answer: dict[str, Any] = {
                "TrainingJobName": job.name,
                "TrainingJobArn": job.arn,
                "ModelArtifacts": {"S3ModelArtifacts": self._artifact(job)},
                "TrainingJobStatus": job.status,
                "SecondaryStatus": job.secondary,
                "CreationTime": job.created,
                "LastModifiedTime": job.modified,
                "SecondaryStatusTransitions": [dict(transition) for transition in job.transitions],
                "EnableNetworkIsolation": job.request.get("EnableNetworkIsolation", False),
                "EnableInterContainerTrafficEncryption": job.request.get(
                    "EnableInterContainerTrafficEncryption", False
                ),
                "EnableManagedSpotTraining": job.request.get("EnableManagedSpotTraining", False),
                **echo(job.request, *_ECHOED),
            }
            if job.started is not None:
                answer["TrainingStartTime"] = job.started
            if job.ended is not None:
                answer["TrainingEndTime"] = job.ended
                seconds = round(job.ended - (job.started or job.ended))
                answer |= {
                    "TrainingTimeInSeconds": max(1, seconds),
                    "BillableTimeInSeconds": max(1, seconds),
                }
            if job.failure_reason is not None:
                answer["FailureReason"] = job.failure_reason
            if job.metrics:
                answer["FinalMetricDataList"] = [dict(metric) for metric in job.metrics]
            if job.tuning_job_arn is not None:
                answer["TuningJobArn"] = job.tuning_job_arn
            return answer

    def carry_out(self, job: TrainingJob) -> None:
        """Download, train, upload."""
        request, sandbox = job.request, job.sandbox
        sandbox.create("input/config", "input/data", "model", "output/data")
        self._move(job, "Downloading")
        for channel in request.get("InputDataConfig", ()):
            channels.download(self.services.storage, channel, sandbox)
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

    def _train(self, job: TrainingJob, python: Path, checkpoint_dir: Path | None) -> Exit:
        """Run the process; a killed spot job starts again, as when its instance is taken away."""
        request = job.request
        command = training_request.command(request, job.sandbox, python)
        environment = job.sandbox.environment(
            self.config,
            python,
            {
                "TRAINING_JOB_NAME": job.name,
                "TRAINING_JOB_ARN": job.arn,
                **request.get("Environment", {}),
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

    def _artifact(self, job: TrainingJob) -> str:
        folder = job.request["OutputDataConfig"].get("CompressionType") == "NONE"
        return join_uri(job.output, "model/" if folder else "model.tar.gz")

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
        last = _transition(secondary, time)
        if job.status in TERMINAL:
            last["EndTime"] = time
        job.transitions.append(last)


def _transition(secondary: str, time: float) -> dict[str, Any]:
    return {"Status": secondary, "StartTime": time, "StatusMessage": _MESSAGES[secondary]}


def _summary(job: TrainingJob) -> dict[str, Any]:
    answer = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
        "TrainingJobStatus": job.status,
        "SecondaryStatus": job.secondary,
    }
    return answer if job.ended is None else answer | {"TrainingEndTime": job.ended}
