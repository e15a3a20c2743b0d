"""Which hyperparameters a tuning job tries next: grid, random and Bayesian search."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flywheel.local_aws.sagemaker.errors import not_local, validation_error

# Source: SageMaker developer guide, "Define Hyperparameter Ranges".
_MAX_RANGES = 30
_AUTO_LOGARITHMIC = 1000.0  # from this ratio on, ScalingType Auto means Logarithmic

Point = tuple[float, ...]  # one number from 0 to 1 for each hyperparameter


class Dimension(Protocol):
    """One hyperparameter; a number from 0 to 1 stands for each of its values."""

    @property
    def name(self) -> str:
        """What the script calls it."""

    @property
    def size(self) -> int | None:
        """How many values there are, where they can be counted."""

    def text(self, position: float) -> str:
        """The value at a position, as SageMaker hands it to a script."""

    def position(self, text: str) -> float | None:
        """Where a value is; None when it is not one of this hyperparameter's."""


@dataclass(frozen=True)
class Categorical:
    """One of some words."""

    name: str
    values: Sequence[str]

    def text(self, position: float) -> str:
        """The word at a position."""
        return self.values[min(int(position * len(self.values)), len(self.values) - 1)]

    @property
    def size(self) -> int:
        """How many words there are."""
        return len(self.values)

    def position(self, text: str) -> float | None:
        """The middle of a word's room."""
        return (self.values.index(text) + 0.5) / len(self.values) if text in self.values else None


@dataclass(frozen=True)
class Numeric:
    """A number in a range, evenly spread on one of SageMaker's scales."""

    name: str
    low: float
    high: float
    scaling: str
    whole: bool

    def text(self, position: float) -> str:
        """The number at a position."""
        if self.whole and self.scaling == "Linear":  # every whole number gets the same room
            return str(min(int(self.low + position * (self.high - self.low + 1)), int(self.high)))
        value = self._at(position)
        return str(round(value)) if self.whole else repr(value)

    @property
    def size(self) -> None:
        """A range is searched, not counted."""
        return

    def position(self, text: str) -> float | None:
        """Where a number is in the range."""
        try:
            value = float(text)
        except ValueError:
            return None
        if not self.low <= value <= self.high:
            return None
        if self.whole and self.scaling == "Linear":
            return (value - self.low + 0.5) / (self.high - self.low + 1)
        if self.low == self.high:
            return 0.5
        low, high, at = (self._scaled(one) for one in (self.low, self.high, value))
        return (at - low) / (high - low)

    def _scaled(self, value: float) -> float:
        if self.scaling == "Logarithmic":
            return math.log(value)
        return math.log1p(-value) if self.scaling == "ReverseLogarithmic" else value

    def _at(self, position: float) -> float:
        if self.scaling == "Logarithmic":
            return math.exp(_between(math.log(self.low), math.log(self.high), position))
        if self.scaling == "ReverseLogarithmic":
            return 1 - math.exp(_between(math.log1p(-self.low), math.log1p(-self.high), position))
        return _between(self.low, self.high, position)


class Search(Protocol):
    """Chooses points one after the other."""

    def next(self, known: Sequence[tuple[Point, float]], running: Sequence[Point]) -> Point | None:
        """The next point; None when there is nothing left to try.

        Args:
            known: Points with their results; smaller is better.
            running: Points whose results are still to come.
        """


def dimensions(ranges: Mapping[str, Any]) -> list[Dimension]:
    """The hyperparameters of a ParameterRanges structure.

    Raises:
        ServiceError: A range is empty, or its scale does not fit.
    """
    if ranges.get("AutoParameters"):
        raise not_local("ParameterRanges.AutoParameters", "Give ranges.")
    found: list[Dimension] = [
        Categorical(one["Name"], one["Values"])
        for one in ranges.get("CategoricalParameterRanges", ())
    ]
    found += [_numeric(one, whole=True) for one in ranges.get("IntegerParameterRanges", ())]
    found += [_numeric(one, whole=False) for one in ranges.get("ContinuousParameterRanges", ())]
    if not found:
        raise validation_error("ParameterRanges must have at least one range.")
    return found


def check_size(space: Sequence[Dimension]) -> int:
    """How many combinations there are of what can be counted.

    Raises:
        ServiceError: There are more hyperparameters than SageMaker tunes.
    """
    if len(space) > _MAX_RANGES:
        raise validation_error(
            f"ParameterRanges has {len(space)} hyperparameters; it must have at most {_MAX_RANGES}."
        )
    return math.prod(one.size or 1 for one in space)


def search(strategy: str, space: Sequence[Dimension], seed: int | None) -> Search:
    """The search of a tuning job's Strategy.

    Raises:
        ServiceError: The strategy is not here, or does not fit the hyperparameters.
    """
    if strategy == "Grid":
        if not all(isinstance(one, Categorical) for one in space):
            raise validation_error("Strategy Grid supports categorical hyperparameters only.")
        return Grid([one for one in space if isinstance(one, Categorical)])
    if strategy in ("Random", "Hyperband"):  # which decides how long each one may run
        return Random(len(space), seed)
    if strategy == "Bayesian":
        from flywheel.local_aws.sagemaker.tuning_bayesian import (  # noqa: PLC0415 - numpy: 0.3 s
            Bayesian,
        )

        return Bayesian(len(space), seed)
    raise not_local(f"Strategy {strategy}", "Use Bayesian, Random, Hyperband or Grid.")


class Grid:
    """Every combination, once."""

    def __init__(self, space: Sequence[Categorical]) -> None:
        steps = [[(i + 0.5) / len(one.values) for i in range(len(one.values))] for one in space]
        self._points: Iterator[Point] = itertools.product(*steps)

    def next(self, known: Sequence[tuple[Point, float]], running: Sequence[Point]) -> Point | None:
        """The next combination."""
        del known, running
        return next(self._points, None)


class Random:
    """Points without a plan; the same seed gives the same points."""

    def __init__(self, num_dimensions: int, seed: int | None) -> None:
        self._num_dimensions = num_dimensions
        self._random = random.Random(seed)  # noqa: S311 - a search, not secrets

    def next(self, known: Sequence[tuple[Point, float]], running: Sequence[Point]) -> Point:
        """Any point."""
        del known, running
        return tuple(self._random.random() for _ in range(self._num_dimensions))


def _numeric(given: Mapping[str, Any], *, whole: bool) -> Numeric:
    name = given["Name"]
    try:
        low, high = float(given["MinValue"]), float(given["MaxValue"])
    except ValueError as error:
        raise validation_error(f"The range of {name} must be two numbers: {error}.") from error
    if not low <= high:
        raise validation_error(f"The range of {name} is {low} to {high}; it must not be empty.")
    scaling = given.get("ScalingType", "Auto")
    if scaling == "Auto":
        wide = low > 0 and high / low >= _AUTO_LOGARITHMIC
        scaling = "Logarithmic" if wide else "Linear"
    if scaling == "Logarithmic" and low <= 0:
        raise validation_error(f"Logarithmic scaling of {name} needs a MinValue above 0.")
    if scaling == "ReverseLogarithmic" and not (0 <= low <= high < 1 and not whole):
        raise validation_error(f"ReverseLogarithmic scaling of {name} needs a range within [0, 1).")
    return Numeric(name, low, high, scaling, whole)


def _between(low: float, high: float, position: float) -> float:
    return low + position * (high - low)
