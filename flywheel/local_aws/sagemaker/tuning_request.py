"""A tuning request: what is checked in it, and the training requests that it becomes."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from flywheel.local_aws.images import ImageCatalogue
from flywheel.local_aws.sagemaker import stand_ins, training_request
from flywheel.local_aws.sagemaker.errors import not_local, validation_error
from flywheel.local_aws.sagemaker.schema import check_request
from flywheel.local_aws.sagemaker.storage import join_uri
from flywheel.local_aws.sagemaker.tuning_job import TuningJob
from flywheel.local_aws.sagemaker.tuning_search import (
    Dimension,
    check_size,
    dimensions,
    search,
)
from flywheel.local_aws.sagemaker.tuning_stopping import stopping

MAX_TRAINING_JOBS = 750  # also when ResourceLimits names none
_MAX_RANDOM_JOBS = 10_000
_MAX_PARALLEL_JOBS = 100
_MAX_HYPERPARAMETERS = 100
# Source of the four: SageMaker developer guide, "Resource Limits for Automatic Model Tuning" (what
# a limit can be raised to) and "Define Hyperparameter Ranges".
_DEFINED = (
    "AlgorithmSpecification", "RoleArn", "InputDataConfig", "VpcConfig", "OutputDataConfig",
    "ResourceConfig", "StoppingCondition", "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "CheckpointConfig",
    "RetryStrategy", "Environment",
)  # fmt: skip


def check(job: TuningJob, images: ImageCatalogue) -> None:
    """Refuse what AWS would refuse, and what this machine cannot do.

    Raises:
        ServiceError: With what is wrong and what to do.
    """
    for member in ("TrainingJobDefinitions", "Autotune"):
        if job.request.get(member):
            raise not_local(member, "Give one TrainingJobDefinition.")
    if "TrainingJobDefinition" not in job.request or (
        "HyperParameterTuningJobObjective" not in job.config
    ):
        raise validation_error(
            "TrainingJobDefinition and HyperParameterTuningJobObjective must be given."
        )
    space = dimensions(job.config.get("ParameterRanges", {}))
    check_size(space)
    search(job.config["Strategy"], space, None)
    stopping(job.config, job.static)
    _check_limits(job, space)
    sample = training(job, {one.name: one.text(0.5) for one in space})
    check_request("CreateTrainingJob", sample)
    training_request.check(sample, images)
    _check_objective(job, sample, space, images)


def training(job: TuningJob, tuned: Mapping[str, str]) -> dict[str, Any]:
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
            **job.static,
            **tuned,
            "_tuning_objective_metric": job.objective["MetricName"],
        },
    }


def _check_limits(job: TuningJob, space: Sequence[Dimension]) -> None:
    limits = job.config["ResourceLimits"]
    strategy = job.config["Strategy"]
    wanted = limits.get("MaxNumberOfTrainingJobs")
    greatest = _MAX_RANDOM_JOBS if strategy == "Random" else MAX_TRAINING_JOBS
    if strategy == "Grid":
        size = check_size(space)
        if wanted not in (None, size):
            raise validation_error(
                f"MaxNumberOfTrainingJobs is {wanted}; with Strategy Grid it must be left out, or "
                f"be the number of combinations, which is {size}."
            )
        wanted = size
    parallel = limits["MaxParallelTrainingJobs"]
    num_hyperparameters = len(space) + len(job.static)
    for name, value, most in (
        ("MaxNumberOfTrainingJobs", wanted or 0, greatest),
        ("MaxParallelTrainingJobs", parallel, _MAX_PARALLEL_JOBS),
        ("The number of static and tunable hyperparameters", num_hyperparameters,
         _MAX_HYPERPARAMETERS),
    ):  # fmt: skip
        if value > most:
            raise validation_error(f"{name} is {value}; it must be at most {most}.")


def _check_objective(
    job: TuningJob,
    sample: dict[str, Any],
    space: Sequence[Dimension],
    images: ImageCatalogue,
) -> None:
    objective = job.objective["MetricName"]
    algorithm = stand_ins.algorithm_of(sample, images)
    if algorithm is not None:
        stand_ins.check_tuning(algorithm, job.objective, [one.name for one in space])
        return
    completed = training_request.completed(sample, images)
    defined = completed["AlgorithmSpecification"].get("MetricDefinitions", ())
    if objective not in [one["Name"] for one in defined]:
        raise validation_error(
            f"The objective metric {objective} must be one of the MetricDefinitions of the "
            "AlgorithmSpecification."
        )
