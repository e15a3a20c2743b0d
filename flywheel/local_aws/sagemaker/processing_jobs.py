"""Processing jobs: any program in an image, with files in and out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flywheel.local_aws.sagemaker.errors import not_local
from flywheel.local_aws.sagemaker.files import gunzip_all
from flywheel.local_aws.sagemaker.jobs import Job, JobService, algorithm_error, clear
from flywheel.local_aws.sagemaker.resources import echo, now, page
from flywheel.local_aws.sagemaker.sandbox import FolderSync

_DAY_SECONDS = 86400
_MAX_EXIT_MESSAGE = 1024
_ECHOED = (
    "ProcessingInputs", "ProcessingOutputConfig", "ProcessingResources", "StoppingCondition",
    "AppSpecification", "Environment", "NetworkConfig", "RoleArn", "ExperimentConfig",
)  # fmt: skip


@dataclass(kw_only=True)
class ProcessingJob(Job):
    """One processing job."""

    exit_message: str | None = None


class ProcessingJobs(JobService[ProcessingJob]):
    """The processing jobs of one account and region."""

    noun = "Processing Job"
    kind = "processing-job"
    log_group = "/aws/sagemaker/ProcessingJobs"

    def actions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """What this part of the service answers."""
        return {
            "CreateProcessingJob": self.create,
            "DescribeProcessingJob": lambda params: self.describe_job(
                self.get(params["ProcessingJobName"])
            ),
            "StopProcessingJob": lambda params: self.stop(params["ProcessingJobName"]),
            "ListProcessingJobs": self.find,
        }

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """Check a request and start the job.

        Raises:
            ServiceError: The request means something that this machine cannot do.
        """
        self._check(params)
        name = params["ProcessingJobName"]
        job = ProcessingJob(
            name=name,
            arn=self.config.arn(self.kind, name),
            request=params,
            sandbox=self.sandbox(name),
        )
        self.begin(job)
        self.tell(job)
        return {"ProcessingJobArn": job.arn}

    def find(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer ListProcessingJobs."""
        return page(self.jobs.all(), params, "ProcessingJobSummaries", _summary)

    def describe_job(self, job: ProcessingJob) -> dict[str, Any]:
        """Answer DescribeProcessingJob."""
        with self.services.state.changed:
            return {
                "ProcessingJobName": job.name,
                "ProcessingJobArn": job.arn,
                "ProcessingJobStatus": job.status,
                "CreationTime": job.created,
                "LastModifiedTime": job.modified,
                **echo(job.request, *_ECHOED),
                **_known(
                    ProcessingStartTime=job.started,
                    ProcessingEndTime=job.ended,
                    ExitMessage=job.exit_message,
                    FailureReason=job.failure_reason,
                ),
            }

    def carry_out(self, job: ProcessingJob) -> None:
        """Download, run, upload."""
        request, sandbox = job.request, job.sandbox
        sandbox.create("config", "output")
        for given in request.get("ProcessingInputs", ()):
            self._download(given, job)
        outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", ())
        key = request.get("ProcessingOutputConfig", {}).get("KmsKeyId")
        for output in outputs:
            sandbox.folder(output["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
        self._write_settings(job)
        app = request["AppSpecification"]
        python = self.config.images.python(app["ImageUri"])
        continuous = self._continuous(job, outputs)
        for sync in continuous:
            sync.start()
        job.started = now()
        try:
            ended = self.execute(
                job,
                _command(job, python),
                sandbox.environment(
                    self.config,
                    python,
                    {"PROCESSING_JOB_ARN": job.arn, **request.get("Environment", {})},
                    isolated=request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False),
                ),
                request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DAY_SECONDS),
            )
        finally:
            for sync in continuous:
                sync.finish()
        logs = self.services.logs.send(
            self.log_group, f"{job.name}/algo-1-{int(job.created)}", sandbox.log
        )
        message = sandbox.opt_ml / "output" / "message"
        if message.exists():
            job.exit_message = message.read_text("utf-8", "replace")[:_MAX_EXIT_MESSAGE]
        if ended.cause == "itself" and ended.code != 0:
            tail = job.process.tail(800) if job.process else ""
            logs.result()
            self.finish(job, "Failed", reason=algorithm_error(tail, ended.code))
            return
        if ended.cause == "time":
            job.exit_message = (
                "MaxRuntimeExceeded: the job ran longer than MaxRuntimeInSeconds and was stopped."
            )
        if ended.cause == "itself":
            for output in outputs:
                s3 = output["S3Output"]
                if s3["S3UploadMode"] == "EndOfJob":
                    self.services.storage.upload_folder(
                        sandbox.folder(s3["LocalPath"]), s3["S3Uri"], key
                    )
        logs.result()
        self.finish(job, "Completed" if ended.cause == "itself" else "Stopped")
        if job.status == "Completed":
            clear(job)

    def finish(self, job: ProcessingJob, status: str, *, reason: str | None = None) -> None:
        """Set the last state and tell it."""
        with self.services.state.changed:
            job.status, job.failure_reason = status, reason
            job.ended = job.modified = now()
            self.services.state.changed.notify_all()
        self.tell(job)

    def _download(self, given: Mapping[str, Any], job: ProcessingJob) -> None:
        source = given["S3Input"]
        folder = job.sandbox.folder(source["LocalPath"])
        storage = self.services.storage
        storage.download(storage.objects(source["S3Uri"], source["S3DataType"]), folder)
        if source.get("S3CompressionType") == "Gzip":
            gunzip_all(folder)

    def _continuous(self, job: ProcessingJob, outputs: Any) -> list[FolderSync]:
        return [
            FolderSync(
                self.services.storage,
                job.sandbox.folder(output["S3Output"]["LocalPath"]),
                output["S3Output"]["S3Uri"],
                self.config.checkpoint_sync_seconds,
            )
            for output in outputs
            if output["S3Output"]["S3UploadMode"] == "Continuous"
        ]

    def _write_settings(self, job: ProcessingJob) -> None:
        folder = job.sandbox.opt_ml / "config"
        description = self.describe_job(job) | {"Environment": job.request.get("Environment", {})}
        (folder / "processingjobconfig.json").write_text(json.dumps(description))
        hosts = {"current_host": "localhost", "hosts": ["localhost"]}
        (folder / "resourceconfig.json").write_text(json.dumps(hosts))

    def _check(self, params: Mapping[str, Any]) -> None:
        app = params["AppSpecification"]
        self.config.images.find(app["ImageUri"])
        if not app.get("ContainerEntrypoint"):
            raise not_local(
                f"The default entry point of image {app['ImageUri'].rsplit('/', 1)[-1]}",
                "Give a ContainerEntrypoint.",
            )
        for given in params.get("ProcessingInputs", ()):
            source = given.get("S3Input")
            if source is None or "LocalPath" not in source:
                raise not_local(
                    f"ProcessingInput {given['InputName']}: a DatasetDefinition", "Use S3Input."
                )
            if source.get("S3InputMode", "File") != "File":
                raise not_local(
                    f"ProcessingInput {given['InputName']}: S3InputMode Pipe", "Use File."
                )
        for output in params.get("ProcessingOutputConfig", {}).get("Outputs", ()):
            if "S3Output" not in output or "LocalPath" not in output["S3Output"]:
                raise not_local(
                    f"ProcessingOutput {output['OutputName']}: a FeatureStoreOutput",
                    "Use S3Output.",
                )


def _command(job: ProcessingJob, python: Path) -> list[str]:
    app = job.request["AppSpecification"]
    words = [
        job.sandbox.local(word)
        for word in (*app["ContainerEntrypoint"], *app.get("ContainerArguments", ()))
    ]
    if Path(words[0]).name in ("python", "python3"):
        words[0] = str(python)
    return words


def _known(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _summary(job: ProcessingJob) -> dict[str, Any]:
    return {
        "ProcessingJobName": job.name,
        "ProcessingJobArn": job.arn,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
        "ProcessingJobStatus": job.status,
        **_known(
            ProcessingEndTime=job.ended,
            FailureReason=job.failure_reason,
            ExitMessage=job.exit_message,
        ),
    }
