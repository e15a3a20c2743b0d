"""Hyperparameter tuning jobs: training jobs, some at a time, each with other hyperparameters."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flywheel.local_aws.sagemaker import tuning_request, tuning_warm_start
from flywheel.local_aws.sagemaker.errors import ServiceError, validation_error
from flywheel.local_aws.sagemaker.jobs import TERMINAL, JobService, Services
from flywheel.local_aws.sagemaker.resources import echo, now, page
from flywheel.local_aws.sagemaker.training_jobs import TrainingJobs
from flywheel.local_aws.sagemaker.tuning_job import (
    Trial,
    TuningJob,
    reached,
    summary,
    trial_summary,
)
from flywheel.local_aws.sagemaker.tuning_search import Point, dimensions, search
from flywheel.local_aws.sagemaker.tuning_stopping import stopping
from flywheel.local_aws.sagemaker.tuning_watch import Watch

_MONTH_SECONDS = 30 * 86400
_LOOK_SECONDS = 0.1  # at what running trainings report


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
        tuning_request.check(job, self.config.images)
        job.parents = self._parents(params)
        tuning_warm_start.check(job, job.parents)
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
                **echo(
                    job.request,
                    "HyperParameterTuningJobConfig",
                    "TrainingJobDefinition",
                    "WarmStartConfig",
                ),
                "ConsumedResources": {
                    "RuntimeInSeconds": round((job.ended or now()) - job.created)
                },
            }
            answer.pop("Strategy")
            answer.pop("ResourceLimits")
            if (best := job.best()) is not None:
                answer["BestTrainingJob"] = trial_summary(job, best)
            if job.identical and (overall := tuning_warm_start.overall_best(job, job.parents)):
                answer["OverallBestTrainingJob"] = trial_summary(*overall)
            if job.failure_reason is not None:
                answer["FailureReason"] = job.failure_reason
            return answer

    def carry_out(self, job: TuningJob) -> None:
        """Keep as many training jobs running as the limits allow, until there are enough."""
        limits = job.config["ResourceLimits"]
        end = job.created + limits.get("MaxRuntimeInSeconds", _MONTH_SECONDS)
        space = dimensions(job.config["ParameterRanges"])
        chooser = search(job.config["Strategy"], space, job.config.get("RandomSeed"))
        learnt = tuning_warm_start.known(job, job.parents, space)
        watch = Watch(job, stopping(job.config, job.static))
        more = True
        while True:
            running = [trial for trial in job.trials if trial.job.status not in TERMINAL]
            most = limits.get("MaxNumberOfTrainingJobs", tuning_request.MAX_TRAINING_JOBS)
            wanted = len(job.trials) < most
            more = more and wanted and not (job.stopping.is_set() or now() >= end or reached(job))
            if more and len(running) < limits["MaxParallelTrainingJobs"]:
                known = tuning_warm_start.with_own(job, learnt)
                point = chooser.next(known, [one.point for one in running])
                if point is None:
                    more = False
                    continue
                tuned = {one.name: one.text(at) for one, at in zip(space, point, strict=True)}
                self._start(job, point, tuned)
            elif running:
                self._wait_for_change(job, running, end, watch)
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

    def _parents(self, params: Mapping[str, Any]) -> list[TuningJob]:
        """The jobs of WarmStartConfig.

        Raises:
            ServiceError: One is not there.
        """
        given = params.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", ())
        found = []
        for one in given:
            name = one.get("HyperParameterTuningJobName", "")
            parent = self.jobs.find(name)
            if parent is None:
                raise validation_error(f"Parent tuning job {name} was not found.")
            found.append(parent)
        return found

    def _stop(self, trials: Iterable[Trial]) -> None:
        for trial in trials:
            if trial.job.status == "InProgress":
                with contextlib.suppress(ServiceError):  # it has ended in the meantime
                    self._training.stop(trial.job.name)

    def _wait_for_change(
        self, job: TuningJob, running: list[Trial], end: float, watch: Watch
    ) -> None:
        """Wait until one of the running trials ends; stop those that need not go on."""
        if job.stopping.is_set() or now() >= end:
            self._stop(running)
            self.services.state.wait_for(
                lambda: all(one.job.status in TERMINAL for one in running) or None, None
            )
            return
        self.services.state.wait_for(
            lambda: (
                job.stopping.is_set() or any(one.job.status in TERMINAL for one in running) or None
            ),
            max(0.0, min(end - now(), _LOOK_SECONDS if watch.looks else math.inf)),
        )
        self._stop(watch.hopeless(running))

    def _start(self, job: TuningJob, point: Point, tuned: Mapping[str, str]) -> None:
        request = tuning_request.training(job, tuned)
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
