"""Where a score becomes the class 1: what the selection criterion of a binary classifier asks for.

Everything is computed for each threshold between two different scores at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from flywheel.standins.codecs.wire import Array

LOSSES = ("cross_entropy_loss", "loss_function")
"""Criteria that are the loss itself: they need no threshold."""


@dataclass(frozen=True)
class Cuts:
    """Every way to cut sorted scores in two, from none positive to all.

    Attributes:
        thresholds: a score of at least this is the class 1.
        right: positives at or above it.
        predicted: how many are at or above it.
        positives: of all.
        count: of all.
    """

    thresholds: Array
    right: Array
    predicted: Array
    positives: float
    count: int

    @property
    def precision(self) -> Array:
        """1 where nothing is predicted: nothing is wrong either."""
        precision: Array = np.ones_like(self.right)
        np.divide(self.right, self.predicted, out=precision, where=self.predicted > 0)
        return precision

    @property
    def recall(self) -> Array:
        """Of the positives; 0 where there is none."""
        return self.right / self.positives if self.positives else np.zeros_like(self.right)

    @property
    def accuracy(self) -> Array:
        """Right positives and right negatives."""
        wrong = self.predicted - self.right
        accuracy: Array = (self.right + (self.count - self.positives) - wrong) / self.count
        return accuracy

    def f_score(self, beta: float) -> Array:
        """The weighted harmonic mean of precision and recall."""
        square = beta * beta
        below = square * self.positives + self.predicted
        score: Array = np.zeros_like(self.right)
        np.divide((1 + square) * self.right, below, out=score, where=below > 0)
        return score


def cuts(scores: Array, labels: Array) -> Cuts:
    """The cuts of one model's scores."""
    order = np.argsort(-scores, kind="stable")
    ordered, positive = scores[order], labels[order]
    # Equal scores fall on the same side.
    ends = np.flatnonzero(np.append(np.diff(ordered) != 0, True))
    right = np.concatenate(([0.0], np.cumsum(positive)[ends]))
    predicted = np.concatenate(([0.0], ends + 1.0))
    lowest = ordered[ends]
    higher = np.concatenate(([np.inf], (lowest[:-1] + lowest[1:]) / 2))
    # Between two scores, so that a row that is nearly the same falls on the same side.
    thresholds = np.concatenate((higher, [-np.inf]))
    thresholds[0] = np.nextafter(ordered[0], np.inf)
    return Cuts(thresholds, right, predicted, float(labels.sum()), len(labels))


def best_cut(scores: Array, labels: Array, options: Mapping[str, Any]) -> tuple[float, float]:
    """The threshold that fits the criterion best, and the criterion's value there.

    Args:
        scores: of one model, finite.
        labels: 0 and 1.
        options: hyperparameters; the criterion is none of `LOSSES`.
    """
    found = cuts(scores, labels)
    criterion = options["binary_classifier_model_selection_criteria"]
    values = _VALUES[criterion](found, options)
    best = np.flatnonzero(values == values.max())
    # Several are as good: the one in the middle is the furthest from being worse.
    at = int(best[len(best) // 2])
    return float(found.thresholds[at]), float(values[at])


def _at_least(wanted: Array, target: float, then: Array) -> Array:
    """The second, where the first reaches the target; below all that where it does not."""
    value: Array = np.where(wanted >= target, 1 + then, wanted - target)
    return value


_VALUES: Mapping[str, Callable[[Cuts, Mapping[str, Any]], Array]] = {
    "accuracy": lambda found, _: found.accuracy,
    "f1": lambda found, _: found.f_score(1.0),
    "f_beta": lambda found, options: found.f_score(options["f_beta"]),
    "precision_at_target_recall": lambda found, options: _at_least(
        found.recall, options["target_recall"], found.precision
    ),
    "recall_at_target_precision": lambda found, options: _at_least(
        found.precision, options["target_precision"], found.recall
    ),
}
