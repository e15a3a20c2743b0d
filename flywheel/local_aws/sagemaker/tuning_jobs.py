"""Hyperparameter tuning jobs: training jobs, some at a time, each with other hyperparameters."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from flywheel.local_aws.sagemaker import training_request
from flywheel.local_aws.sagemaker.errors import not_local, validation_error
from flywheel.local_aws.sagemaker.jobs import TERMINAL, JobService, Services
from flywheel.local_aws.sagemaker.resources import echo, now, page
from flywheel.local_aws.sagemaker.schema import check_request
from flywheel.local_aws.sagemaker.storage import join_uri
from flywheel.local_aws.sagemaker.training_jobs import TrainingJobs
from flywheel.local_aws.sagemaker.tuning_job import (
    Trial,
    TuningJob,
    reached,
    summary,
    trial_summary,
)
from flywheel.local_aws.sagemaker.tuning_search import Point, dimensions, search

_MAX_TRAINING_JOBS = 750  # AWS's limit when ResourceLimits names none
_MONTH_SECONDS = 30 * 86400
_DEFINED = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
    "Environment",
)


class TuningJobs(JobService[TuningJob]):
    """The tuning jobs of one account and region."""

    noun = "HyperParameter Tuning Job"
    kind = "hyper-parameter-tuning-job"
    log_group = ""

    def __init__(self, services: Services, training: TrainingJobs) -> None:
        super().__init__(services)
        self._training = training

    def actions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """What this part of the service answers."""
        return {
            "CreateHyperParameterTuningJob": self.create,
            "DescribeHyperParameterTuningJob": lambda params: self.describe_job(
                self._named(params)
            ),
            "StopHyperParameterTuningJob": lambda params: self.stop(self._named(params).name),
            "ListHyperParameterTuningJobs": lambda params: page(
                self.jobs.all(), params, "HyperParameterTuningJobSummaries", summary
            ),
            "ListTrainingJobsForHyperParameterTuningJob": self.find_trials,
        }

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """Check a request and start the first training jobs.

        Raises:
            ServiceError: The request means something that AWS or this machine cannot do.
        """
        name = params["HyperParameterTuningJobName"]
        job = TuningJob(
            name=name,
            arn=self.config.arn(self.kind, name),
            request=params,
            sandbox=self.sandbox(name),
        )
        self._check(job)
        self.begin(job)
        self.tell(job)
        return {"HyperParameterTuningJobArn": job.arn}

    def find_trials(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer ListTrainingJobsForHyperParameterTuningJob."""
        job = self._named(params)
        trials = {trial.job.name: trial for trial in job.trials}
        jobs = [trial.job for trial in job.trials]
        if params.get("SortBy") == "FinalObjectiveMetricValue":
            jobs = [one for one in jobs if job.value(trials[one.name]) is not None]
        return page(
            jobs,
            params,
            "TrainingJobSummaries",
            lambda one: trial_summary(job, trials[one.name]),
            order="Ascending",
            sort_keys={"FinalObjectiveMetricValue": lambda one: job.value(trials[one.name])},
        )

    def describe_job(self, job: TuningJob) -> dict[str, Any]:
        """Answer DescribeHyperParameterTuningJob."""
        with self.services.state.changed:
            answer = {
                **summary(job),
                **echo(job.request, "HyperParameterTuningJobConfig", "TrainingJobDefinition"),
                "ConsumedResources": {
                    "RuntimeInSeconds": round((job.ended or now()) - job.created)
                },
            }
            answer.pop("Strategy")
            answer.pop("ResourceLimits")
            if (best := job.best()) is not None:
                answer["BestTrainingJob"] = trial_summary(job, best)
            if job.failure_reason is not None:
                answer["FailureReason"] = job.failure_reason
            return answer

    def carry_out(self, job: TuningJob) -> None:
        """Keep as many training jobs running as the limits allow, until there are enough."""
        limits = job.config["ResourceLimits"]
        end = job.created + limits.get("MaxRuntimeInSeconds", _MONTH_SECONDS)
        space = dimensions(job.config["ParameterRanges"])
        chooser = search(job.config["Strategy"], space, job.config.get("RandomSeed"))
        more = True
        while True:
            running = [trial for trial in job.trials if trial.job.status not in TERMINAL]
            wanted = len(job.trials) < limits.get("MaxNumberOfTrainingJobs", _MAX_TRAINING_JOBS)
            more = more and wanted and not (job.stopping.is_set() or now() >= end or reached(job))
            if more and len(running) < limits["MaxParallelTrainingJobs"]:
                known = [
                    (one.point, loss) for one in job.trials if (loss := job.loss(one)) is not None
                ]
                point = chooser.next(known, [one.point for one in running])
                if point is None:
                    more = False
                    continue
                tuned = {one.name: one.text(at) for one, at in zip(space, point, strict=True)}
                self._start(job, point, tuned)
            elif running:
                self._wait_for_change(job, running, end)
            else:
                break
        self._end(job)

    def finish(self, job: TuningJob, status: str, *, reason: str | None = None) -> None:
        """Set the last state and tell it."""
        with self.services.state.changed:
            job.status, job.failure_reason = status, reason
            job.ended = job.modified = now()
            self.services.state.changed.notify_all()
        self.tell(job)

    def _named(self, params: Mapping[str, Any]) -> TuningJob:
        return self.get(params["HyperParameterTuningJobName"])

    def _wait_for_change(self, job: TuningJob, running: list[Trial], end: float) -> None:
        """Wait until one of the running trials ends; stop them when the tuning job has to end."""
        if job.stopping.is_set() or now() >= end:
            for trial in running:
                if trial.job.status == "InProgress":
                    self._training.stop(trial.job.name)
            self.services.state.wait_for(
                lambda: all(one.job.status in TERMINAL for one in running) or None, None
            )
            return
        self.services.state.wait_for(
            lambda: (
                job.stopping.is_set() or any(one.job.status in TERMINAL for one in running) or None
            ),
            max(0.0, end - now()),
        )

    def _start(self, job: TuningJob, point: Point, tuned: Mapping[str, str]) -> None:
        request = _training_request(job, tuned)
        self._training.create(request, tuning_job_arn=job.arn)
        trial = Trial(self._training.get(request["TrainingJobName"]), point, tuned)
        with self.services.state.changed:
            job.trials.append(trial)
            job.modified = now()

    def _end(self, job: TuningJob) -> None:
        if job.stopping.is_set():
            self.finish(job, "Stopped")
        elif job.trials and all(trial.job.status == "Failed" for trial in job.trials):
            self.finish(
                job,
                "Failed",
                reason="All training jobs failed. Please take a look at the training jobs failures "
                "to get more details.",
            )
        else:
            self.finish(job, "Completed")

    def _check(self, job: TuningJob) -> None:
        for member in ("TrainingJobDefinitions", "WarmStartConfig", "Autotune"):
            if job.request.get(member):
                raise not_local(member, "Give one TrainingJobDefinition.")
        definition = job.request.get("TrainingJobDefinition")
        if definition is None or "HyperParameterTuningJobObjective" not in job.config:
            raise validation_error(
                "TrainingJobDefinition and HyperParameterTuningJobObjective must be given."
            )
        defined = definition["AlgorithmSpecification"].get("MetricDefinitions", ())
        if job.objective["MetricName"] not in [one["Name"] for one in defined]:
            raise validation_error(
                f"The objective metric {job.objective['MetricName']} must be one of the "
                "MetricDefinitions of the AlgorithmSpecification."
            )
        space = dimensions(job.config.get("ParameterRanges", {}))
        search(job.config["Strategy"], space, None)
        sample = _training_request(job, {one.name: one.text(0.5) for one in space})
        check_request("CreateTrainingJob", sample)
        training_request.check(sample, self.config.images)


def _training_request(job: TuningJob, tuned: Mapping[str, str]) -> dict[str, Any]:
    """CreateTrainingJob for one trial; checkpoints of trials lie beside each other."""
    definition = job.request["TrainingJobDefinition"]
    name = f"{job.name}-{len(job.trials) + 1:03d}-{secrets.token_hex(4)}"
    request = copy.deepcopy(
        {member: definition[member] for member in _DEFINED if member in definition}
    )
    if "CheckpointConfig" in request:
        request["CheckpointConfig"]["S3Uri"] = join_uri(request["CheckpointConfig"]["S3Uri"], name)
    return request | {
        "TrainingJobName": name,
        "HyperParameters": {
            **definition.get("StaticHyperParameters", {}),
            **tuned,
            "_tuning_objective_metric": job.objective["MetricName"],
        },
    }
