"""Warm start: what earlier tuning jobs have learnt, as points of a new job's search.

Source: SageMaker developer guide, "Run a Warm Start Hyperparameter Tuning Job".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, pstdev
from typing import Any

from flywheel.local_aws.sagemaker.errors import validation_error
from flywheel.local_aws.sagemaker.jobs import TERMINAL
from flywheel.local_aws.sagemaker.tuning_job import Trial, TuningJob
from flywheel.local_aws.sagemaker.tuning_search import Dimension, Point

_KINDS = ("CategoricalParameterRanges", "IntegerParameterRanges", "ContinuousParameterRanges")
_STRATEGIES = ("Bayesian", "Random")
Known = list[tuple[Point, float]]


def check(job: TuningJob, parents: Sequence[TuningJob]) -> None:
    """Refuse parents that a job cannot learn from.

    Raises:
        ServiceError: With what does not go together.
    """
    if not parents:
        return
    strategy = job.config["Strategy"]
    if strategy not in _STRATEGIES:
        raise validation_error(
            f"Strategy is {strategy}; with WarmStartConfig it must be Bayesian or Random."
        )
    for parent in parents:
        if parent.status not in TERMINAL:
            raise validation_error(
                f"Parent tuning job {parent.name} is {parent.status}; it must be in a terminal "
                "state (Completed, Stopped or Failed)."
            )
        mine, theirs = (" ".join(one.objective.values()) for one in (job, parent))
        if mine != theirs:
            raise validation_error(
                f"The objective is {mine} and that of parent tuning job {parent.name} is {theirs}; "
                "they must be the same."
            )
        _check_hyperparameters(job, parent)
        if job.identical and _image(job) != _image(parent):
            raise validation_error(
                f"The training image is {_image(job)} and that of parent tuning job {parent.name} "
                f"is {_image(parent)}; with IdenticalDataAndAlgorithm they must be the same."
            )


def _check_hyperparameters(job: TuningJob, parent: TuningJob) -> None:
    mine, theirs = _kinds(job), _kinds(parent)
    num_mine, num_theirs = len(job.static) + len(mine), len(parent.static) + len(theirs)
    if num_mine != num_theirs:
        raise validation_error(
            f"There are {num_mine} static and tunable hyperparameters, and {num_theirs} in parent "
            f"tuning job {parent.name}; their number must be the same."
        )
    for name in mine.keys() & theirs.keys():
        if mine[name] != theirs[name]:
            raise validation_error(
                f"Hyperparameter {name} is in {mine[name]}, and in {theirs[name]} of parent tuning "
                f"job {parent.name}; its type must not change."
            )


def known(job: TuningJob, parents: Sequence[TuningJob], space: Sequence[Dimension]) -> Known:
    """The parents' results as points of the new space, without those that lie outside of it.

    With TransferLearning data and algorithm may differ, so each parent's results count only
    relative to each other.
    """
    found: Known = []
    for parent in parents:
        results = [
            (trial, loss) for trial in parent.trials if (loss := parent.loss(trial)) is not None
        ]
        losses = [loss for _, loss in results]
        if not job.identical:
            losses = standardised(losses)
        points = [_point(trial, parent.static, space) for trial, _ in results]
        found += [
            (point, loss) for point, loss in zip(points, losses, strict=True) if point is not None
        ]
    return found


def with_own(job: TuningJob, learnt: Known) -> Known:
    """What the search knows: what was learnt before, and the results of the job itself."""
    results = [(one.point, loss) for one in job.trials if (loss := job.loss(one)) is not None]
    if not learnt or job.identical:
        return [*learnt, *results]
    losses = standardised([loss for _, loss in results])
    return [*learnt, *((point, loss) for (point, _), loss in zip(results, losses, strict=True))]


def overall_best(job: TuningJob, parents: Sequence[TuningJob]) -> tuple[TuningJob, Trial] | None:
    """The best training of a job and its parents together, with the tuning job it belongs to."""
    candidates = [(one, best) for one in (job, *parents) if (best := one.best()) is not None]
    ranked = [(loss, pair) for pair in candidates if (loss := job.loss(pair[1])) is not None]
    return min(ranked, key=lambda one: one[0])[1] if ranked else None


def standardised(losses: Sequence[float]) -> list[float]:
    """Losses with mean 0 and deviation 1, so that those of different jobs can be compared."""
    if not losses:
        return []
    mean, deviation = fmean(losses), pstdev(losses) or 1.0
    return [(loss - mean) / deviation for loss in losses]


def _point(trial: Trial, static: Mapping[str, str], space: Sequence[Dimension]) -> Point | None:
    given = {**static, **trial.tuned}
    positions = [one.position(given[one.name]) if one.name in given else None for one in space]
    found = [position for position in positions if position is not None]
    return tuple(found) if len(found) == len(space) else None


def _kinds(job: TuningJob) -> dict[str, str]:
    ranges: Mapping[str, Any] = job.config.get("ParameterRanges", {})
    return {one["Name"]: kind for kind in _KINDS for one in ranges.get(kind, ())}


def _image(job: TuningJob) -> str:
    specification = job.request["TrainingJobDefinition"]["AlgorithmSpecification"]
    return str(specification.get("TrainingImage"))
