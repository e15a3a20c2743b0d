"""Which features the model of a job uses, and whether a series has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flywheel.standins.contract import RefusedError
from flywheel.standins.deepar.series import Series
from flywheel.standins.job import Job

MIN_OBSERVATIONS = 300
"""Source: Amazon SageMaker Developer Guide, "Best Practices for Using the DeepAR Algorithm"."""
_UNUSED = ("ignore", "")
_RANGES = {"negative-binomial": (0, float("inf")), "beta": (0, 1)}


@dataclass(frozen=True)
class Schema:
    """The features of the series.

    Attributes:
        prediction_length: how many values are predicted.
        likelihood: which values are possible.
        cardinality: of each categorical feature that is used.
        num_dynamic_feat: how many dynamic features are used.
    """

    prediction_length: int
    likelihood: str
    cardinality: tuple[int, ...]
    num_dynamic_feat: int

    @staticmethod
    def of(job: Job, series: Sequence[Series]) -> Schema:
        """What the hyperparameters say, or the training data where they are `auto`."""
        features = series[0].dynamic_feat
        num_features = 0 if features is None else len(features)
        return Schema(
            job.get("prediction_length"),
            job.get("likelihood"),
            _cardinality(job.get("cardinality", "auto"), series),
            _number(job.get("num_dynamic_feat", "auto"), num_features),
        )

    def check_all(self, series: Sequence[Series]) -> None:
        """Refuse training data that cannot be learnt from.

        Raises:
            RefusedError: a series does not fit, or there are too few values.
        """
        for entry in series:
            self.check(entry)
        observed = sum(int(np.isfinite(entry.target).sum()) for entry in series)
        if observed < MIN_OBSERVATIONS:
            raise RefusedError(
                f"the series of the channel train have {observed} values together; there must be "
                f"at least {MIN_OBSERVATIONS}"
            )
        if not any(len(entry.target) >= self.prediction_length for entry in series):
            raise RefusedError(
                f"prediction_length is {self.prediction_length}; every series of the channel train "
                "is shorter"
            )

    def check(self, series: Series, *, beyond: int = 0) -> None:
        """Refuse a series that does not fit.

        Args:
            series: to train with, to test or to continue.
            beyond: how many values of the dynamic features must follow the end of the target.

        Raises:
            RefusedError: what does not fit.
        """
        if self.cardinality:
            self._check_groups(series)
        if self.num_dynamic_feat:
            self._check_features(series, beyond)
        lowest, highest = _RANGES.get(self.likelihood, (-float("inf"), float("inf")))
        known = series.target[np.isfinite(series.target)]
        if known.size and not (lowest <= known.min() and known.max() <= highest):
            rule = "from 0 to 1" if highest == 1 else "0 or more"
            raise RefusedError(
                f"target of {series.name} has values from {known.min():g} to {known.max():g}; with "
                f"the likelihood {self.likelihood} they must be {rule}"
            )

    def _check_groups(self, series: Series) -> None:
        if len(series.cat) != len(self.cardinality):
            raise RefusedError(
                f"cat of {series.name} has {len(series.cat)} entries; it must have "
                f"{len(self.cardinality)}"
            )
        for group, size in zip(series.cat, self.cardinality, strict=True):
            if group >= size:
                raise RefusedError(
                    f"cat of {series.name} is {list(series.cat)}; its entries must be below "
                    f"{list(self.cardinality)}, the numbers of groups"
                )

    def _check_features(self, series: Series, beyond: int) -> None:
        found = 0 if series.dynamic_feat is None else len(series.dynamic_feat)
        if found != self.num_dynamic_feat:
            raise RefusedError(
                f"dynamic_feat of {series.name} has {found} features; it must have "
                f"{self.num_dynamic_feat}"
            )
        length = 0 if series.dynamic_feat is None else series.dynamic_feat.shape[1]
        needed = len(series.target) + beyond
        if length not in (needed, len(series.target) + self.prediction_length):
            raise RefusedError(
                f"dynamic_feat of {series.name} has {length} values; it must have {needed}: as "
                "many as the target" + (f" and {beyond} of the time to predict" if beyond else "")
            )


def _cardinality(given: Any, series: Sequence[Series]) -> tuple[int, ...]:
    if isinstance(given, list):
        return tuple(given)
    if given in _UNUSED:
        return ()
    widths = {len(entry.cat) for entry in series}
    if len(widths) > 1:
        shown = " and ".join(map(str, sorted(widths)))
        raise RefusedError(f"the series have {shown} entries in cat; all must have as many")
    if widths == {0}:
        return ()
    return tuple(int(size) for size in np.max([entry.cat for entry in series], axis=0) + 1)


def _number(given: Any, found: int) -> int:
    if given in _UNUSED:
        return 0
    return found if given == "auto" else int(given)
