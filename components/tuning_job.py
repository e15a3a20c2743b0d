"""The tuning job: several trainings, of which the best one's model goes on."""

import hashlib
import json
from math import ceil
from typing import Any

from components.loop.asl import expression
from components.time_limits import task_seconds
from components.training_job import TrainingJob, run_tag
from components.training_program import Manifests
from flywheel.settings import EnvironmentSettings, TuningSettings

NAME_LENGTH = 32
"""Source: Amazon SageMaker API, HyperParameterTuningJobName."""
_MARGIN_SECONDS = 30 * 60


class TuningJob:
    """A hyperparameter tuning job around the workload's training job, in the same role.

    Attributes:
        training: The job that is run several times.
        warm_start: Whether it begins with what the previous run's tuning has learnt.
        timeout_seconds: When a tuning that still runs is given up.
    """

    def __init__(
        self, training: TrainingJob, settings: TuningSettings, environment: EnvironmentSettings
    ) -> None:
        self.training, self._settings = training, settings
        self.warm_start = settings.warm_start
        batches = ceil(settings.max_jobs / settings.max_parallel_jobs)
        # SageMaker ends a tuning that would outlive the run; the best model until then goes on.
        self._seconds = min(
            batches * training.timeout_seconds, task_seconds(environment) - _MARGIN_SECONDS
        )
        self.timeout_seconds = self._seconds + _MARGIN_SECONDS

    def arguments(
        self, *, name: str, manifests: Manifests, run: str, parent: str | None = None
    ) -> dict[str, Any]:
        """CreateHyperParameterTuningJob's request; every argument is JSONata.

        Args:
            name: The job's name, unique and at most 32 characters.
            manifests: The S3 URI of each channel's manifest.
            run: The run's id.
            parent: An earlier tuning job whose results this one begins with.
        """
        request = {
            "HyperParameterTuningJobName": expression(name),
            "HyperParameterTuningJobConfig": self._config(),
            "TrainingJobDefinition": self.training.definition(manifests=manifests),
            "Tags": run_tag(run),
        }
        if parent:
            request["WarmStartConfig"] = {
                # The data is never the same as before: that is why the loop runs.
                "WarmStartType": "TransferLearning",
                "ParentHyperParameterTuningJobs": [
                    {"HyperParameterTuningJobName": expression(parent)}
                ],
            }
        return request

    @property
    def fingerprint(self) -> str:
        """Changes with what must be alike in a tuning job and its parent.

        SageMaker refuses a warm start with another objective, other hyperparameters or other types
        of them, and counts changed values; so after such a change tuning begins anew.
        Source: Amazon SageMaker Developer Guide, "Warm start tuning restrictions".
        """
        program, settings = self.training.program, self._settings
        alike = [
            program.image_uri,
            program.hyperparameters(),
            program.objective(settings),
            program.ranges(settings),
        ]
        return hashlib.sha256(json.dumps(alike, sort_keys=True).encode()).hexdigest()[:16]

    def _config(self) -> dict[str, Any]:
        settings, program = self._settings, self.training.program
        limits = {
            "MaxNumberOfTrainingJobs": settings.max_jobs,
            "MaxParallelTrainingJobs": settings.max_parallel_jobs,
            "MaxRuntimeInSeconds": self._seconds,
        }
        if settings.strategy == "Grid":
            # Grid tries every combination; SageMaker counts them itself.
            del limits["MaxNumberOfTrainingJobs"]
        return {
            "Strategy": settings.strategy,
            "HyperParameterTuningJobObjective": program.objective(settings),
            "ResourceLimits": limits,
            "ParameterRanges": program.ranges(settings),
            "TrainingJobEarlyStoppingType": "Auto" if settings.early_stopping else "Off",
        }
