"""One training job: what it is, and how AWS describes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flywheel.algorithms.catalogue import Algorithm
from flywheel.local_aws.sagemaker.input_pipes import InputPipe
from flywheel.local_aws.sagemaker.jobs import Job
from flywheel.local_aws.sagemaker.resources import echo
from flywheel.local_aws.sagemaker.storage import join_uri

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
    algorithm: Algorithm | None = None  # None: a script, or a program of the request's
    pipes: list[InputPipe] = field(default_factory=list)

    @property
    def output(self) -> str:
        """URI below which the results go."""
        return join_uri(self.request["OutputDataConfig"]["S3OutputPath"], self.name, "output")


def describe(job: TrainingJob) -> dict[str, Any]:
    """The DescribeTrainingJob response; the state is locked."""
    answer: dict[str, Any] = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "ModelArtifacts": {"S3ModelArtifacts": artifact(job)},
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


def artifact(job: TrainingJob) -> str:
    """URI of the model."""
    folder = job.request["OutputDataConfig"].get("CompressionType") == "NONE"
    return join_uri(job.output, "model/" if folder else "model.tar.gz")


def transition(secondary: str, time: float) -> dict[str, Any]:
    """One entry of SecondaryStatusTransitions."""
    return {"Status": secondary, "StartTime": time, "StatusMessage": _MESSAGES[secondary]}


def summary(job: TrainingJob) -> dict[str, Any]:
    """What ListTrainingJobs says about a job."""
    answer = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
        "TrainingJobStatus": job.status,
        "SecondaryStatus": job.secondary,
    }
    return answer if job.ended is None else answer | {"TrainingEndTime": job.ended}
