"""One tuning job: what it is, whether it is done, how AWS describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flywheel.local_aws.sagemaker.jobs import TERMINAL, Job
from flywheel.local_aws.sagemaker.training_job import TrainingJob
from flywheel.local_aws.sagemaker.tuning_search import Point

_COUNTED = {"Completed": "Completed", "Failed": "NonRetryableError", "Stopped": "Stopped"}


@dataclass(frozen=True)
class Trial:
    """One training job of a tuning job."""

    job: TrainingJob
    point: Point
    tuned: Mapping[str, str]


@dataclass(kw_only=True)
class TuningJob(Job):
    """One tuning job."""

    trials: list[Trial] = field(default_factory=list)
    parents: list[TuningJob] = field(default_factory=list)

    @property
    def config(self) -> dict[str, Any]:
        """HyperParameterTuningJobConfig."""
        config: dict[str, Any] = self.request["HyperParameterTuningJobConfig"]
        return config

    @property
    def static(self) -> dict[str, str]:
        """The hyperparameters that are the same for all trainings."""
        static: dict[str, str] = self.request["TrainingJobDefinition"].get(
            "StaticHyperParameters", {}
        )
        return static

    @property
    def identical(self) -> bool:
        """Whether it says to have the data and the algorithm of the jobs that it learns from."""
        given = self.request.get("WarmStartConfig", {})
        return bool(given.get("WarmStartType") == "IdenticalDataAndAlgorithm")

    @property
    def objective(self) -> dict[str, str]:
        """The metric, and whether it is to be great or small."""
        objective: dict[str, str] = self.config["HyperParameterTuningJobObjective"]
        return objective

    def value(self, trial: Trial) -> float | None:
        """The objective's value of a trial that has ended, or was stopped after it told one."""
        if trial.job.status not in ("Completed", "Stopped"):
            return None
        name = self.objective["MetricName"]
        return next((one["Value"] for one in trial.job.metrics if one["MetricName"] == name), None)

    def loss(self, trial: Trial) -> float | None:
        """The objective's value, turned so that smaller is better."""
        value = self.value(trial)
        return -value if value is not None and self.objective["Type"] == "Maximize" else value

    def best(self) -> Trial | None:
        """The trial with the best value so far, of those that ended by themselves."""
        completed = [trial for trial in self.trials if trial.job.status == "Completed"]
        known = [(loss, trial) for trial in completed if (loss := self.loss(trial)) is not None]
        return min(known, key=lambda pair: pair[0])[1] if known else None


def reached(job: TuningJob) -> bool:
    """Whether the completion criteria say that it is enough."""
    criteria = job.config.get("TuningJobCompletionCriteria", {})
    best = job.best()
    if best is None:
        return False
    target: float | None = criteria.get("TargetObjectiveMetricValue")
    value = job.value(best)
    if target is not None and value is not None:
        return value >= target if job.objective["Type"] == "Maximize" else value <= target
    patience: int | None = criteria.get("BestObjectiveNotImproving", {}).get(
        "MaxNumberOfTrainingJobsNotImproving"
    )
    ended = [trial.job.created for trial in job.trials if trial.job.status in TERMINAL]
    num_since = len([created for created in ended if created > best.job.created])
    return patience is not None and num_since >= patience


def summary(job: TuningJob) -> dict[str, Any]:
    """What ListHyperParameterTuningJobs says about a job."""
    statuses = [_COUNTED.get(trial.job.status, "InProgress") for trial in job.trials]
    values = [job.value(trial) is not None for trial in job.trials if trial.job.status in TERMINAL]
    answer = {
        "HyperParameterTuningJobName": job.name,
        "HyperParameterTuningJobArn": job.arn,
        "HyperParameterTuningJobStatus": job.status,
        "Strategy": job.config["Strategy"],
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
        "ResourceLimits": job.config["ResourceLimits"],
        "TrainingJobStatusCounters": {
            status: statuses.count(status)
            for status in (
                "Completed",
                "InProgress",
                "RetryableError",
                "NonRetryableError",
                "Stopped",
            )
        },
        "ObjectiveStatusCounters": {
            "Succeeded": values.count(True),
            "Pending": len(job.trials) - len(values),
            "Failed": values.count(False),
        },
    }
    return answer if job.ended is None else answer | {"HyperParameterTuningEndTime": job.ended}


def trial_summary(job: TuningJob, trial: Trial) -> dict[str, Any]:
    """What is said about one training job of a tuning job."""
    value = job.value(trial)
    status = "Pending" if trial.job.status not in TERMINAL else "Failed"
    answer: dict[str, Any] = {
        "TrainingJobName": trial.job.name,
        "TrainingJobArn": trial.job.arn,
        "TuningJobName": job.name,
        "CreationTime": trial.job.created,
        "TrainingJobStatus": trial.job.status,
        "TunedHyperParameters": dict(trial.tuned),
        "ObjectiveStatus": "Succeeded" if value is not None else status,
    }
    times = {"TrainingStartTime": trial.job.started, "TrainingEndTime": trial.job.ended}
    answer |= {name: time for name, time in times.items() if time is not None}
    if trial.job.failure_reason is not None:
        answer["FailureReason"] = trial.job.failure_reason
    if value is not None:
        answer["FinalHyperParameterTuningJobObjectiveMetric"] = {**job.objective, "Value": value}
    return answer
