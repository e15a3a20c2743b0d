"""Which trainings of a tuning job are not worth going on with, by what they have reported so far.

Values here are losses: smaller is better, whatever the objective's type. A curve is what one
training has reported, a value for each epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Any, Protocol

from flywheel.local_aws.sagemaker.errors import validation_error

Curve = Sequence[float]

_REDUCTION = 3  # of Hyperband's trainings, one in so many goes on from each rung
# Source: API reference, HyperbandStrategyConfig.
_RESOURCE_KEYS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
_MAX_RESOURCE = 20_000


class Stopping(Protocol):
    """A rule."""

    def stops(self, name: str, running: Mapping[str, Curve], ended: Mapping[str, Curve]) -> bool:
        """Whether a training that runs is to be stopped now.

        Args:
            name: of the training.
            running: the curves of all that run, by name.
            ended: the curves of those that have ended.
        """


class Never:
    """Every training may end by itself."""

    def stops(self, name: str, running: Mapping[str, Curve], ended: Mapping[str, Curve]) -> bool:
        """Not this one either."""
        del name, running, ended
        return False


class Median:
    """TrainingJobEarlyStoppingType Auto.

    A training is stopped when it is worse than the median, over the trainings before it, of the
    mean of what they had reported up to the same epoch. Source: SageMaker developer guide, "Stop
    Training Jobs Early".
    """

    def stops(self, name: str, running: Mapping[str, Curve], ended: Mapping[str, Curve]) -> bool:
        """Whether it is worse than the median."""
        curve = running[name]
        epochs = len(curve)
        means = [fmean(other[:epochs]) for other in ended.values() if len(other) >= epochs > 0]
        return bool(means) and curve[-1] > median(means)


class Hyperband:
    """Asynchronous successive halving: from each rung, the best third goes on.

    A rung is a number of epochs; there is one at `min_resource` and at each three times as many as
    the one before. Whether a training goes on is decided once, when it gets there. SageMaker does
    not say how its own brackets are made. Source: Li et al., A system for massively parallel
    hyperparameter tuning, 2020 (the variant that stops).
    """

    def __init__(self, min_resource: int, max_resource: int) -> None:
        self._max_resource = max_resource
        self._rungs = []
        rung = min_resource
        while rung < max_resource:
            self._rungs.append(rung)
            rung *= _REDUCTION
        self._passed: set[tuple[str, int]] = set()

    def stops(self, name: str, running: Mapping[str, Curve], ended: Mapping[str, Curve]) -> bool:
        """Whether it stays behind on the highest rung it has reached, or has had enough."""
        curve = running[name]
        if len(curve) > self._max_resource:
            return True
        curves = [*running.values(), *ended.values()]
        for rung in self._rungs:
            if len(curve) < rung or (name, rung) in self._passed:
                continue
            there = sorted(other[rung - 1] for other in curves if len(other) >= rung)
            num_kept = max(1, len(there) // _REDUCTION)
            if curve[rung - 1] > there[num_kept - 1]:
                return True
            self._passed.add((name, rung))
        return False


def stopping(config: Mapping[str, Any], static: Mapping[str, str]) -> Stopping:
    """The rule of a tuning job.

    Args:
        config: HyperParameterTuningJobConfig.
        static: the hyperparameters that are the same for all trainings.

    Raises:
        ServiceError: the settings contradict each other, or Hyperband does not know when to end.
    """
    early = config.get("TrainingJobEarlyStoppingType", "Off")
    given = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    if config["Strategy"] != "Hyperband":
        if given:
            raise validation_error("HyperbandStrategyConfig is for Strategy Hyperband only.")
        return Median() if early == "Auto" else Never()
    if early != "Off":
        raise validation_error(
            f"TrainingJobEarlyStoppingType is {early}; with Strategy Hyperband it must be Off."
        )
    low = given.get("MinResource", 1)
    high = given.get("MaxResource") or _epochs(static)
    if not low <= high <= _MAX_RESOURCE:
        raise validation_error(
            f"MinResource is {low} and MaxResource is {high}; MinResource must not be greater, and "
            f"MaxResource at most {_MAX_RESOURCE}."
        )
    return Hyperband(low, high)


def _epochs(static: Mapping[str, str]) -> int:
    for key in _RESOURCE_KEYS:
        if static.get(key, "").isdecimal():
            return int(static[key])
    keys = ", ".join(_RESOURCE_KEYS)
    raise validation_error(
        "MaxResource cannot be inferred for Strategy Hyperband: give it in "
        f"HyperbandStrategyConfig, or one of {keys} among the StaticHyperParameters."
    )
