"""Metrics that Amazon's container adds to XGBoost's own.

They are of labels, which the container takes to be the class 1 where the raw prediction is more
than 0; here the objective decides what a prediction means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError

MAXIMIZED = (
    *("accuracy", "auc", "aucpr", "balanced_accuracy", "f1", "f1_binary", "f1_macro", "map"),
    *("ndcg", "precision", "r2", "recall", "precision_macro", "precision_micro", "recall_macro"),
    "recall_micro",
)
_TWO_CLASSES_ONLY = ("f1_binary", "precision", "recall")


def custom_metric(
    names: Sequence[str], objective: str
) -> Callable[[Array, Any], list[tuple[str, float]]] | None:
    """A function for `xgb.train` that computes these metrics; None where there is none of them.

    Raises:
        RefusedError: a metric for two classes and an objective of several.
    """
    added = [name for name in names if name in MEASURES]
    for name in added:
        if name in _TWO_CLASSES_ONLY and objective.startswith("multi:"):
            raise RefusedError(
                f"eval_metric is {name}; it is for two classes, and objective is {objective}"
            )
    if not added:
        return None

    def measure(predictions: Array, matrix: Any) -> list[tuple[str, float]]:
        labels = matrix.get_label()
        decided = _decided(predictions, objective)
        return [
            (name, MEASURES[name](labels, predictions if name in ("mse", "r2") else decided))
            for name in added
        ]

    return measure


def _decided(predictions: Array, objective: str) -> Array:
    """The class of each prediction."""
    decided: Array = predictions
    if objective == "multi:softprob":
        decided = predictions.argmax(axis=1)
    elif objective != "multi:softmax":
        threshold = 0.0 if objective == "binary:logitraw" else 0.5
        decided = (predictions > threshold).astype(np.float32)
    return decided


def _counts(labels: Array, decided: Array) -> tuple[Array, Array, Array, Array]:
    """The classes, and of each: rightly predicted, predicted, and there."""
    classes = np.union1d(labels, decided)
    right = np.array([np.sum((labels == c) & (decided == c)) for c in classes], float)
    predicted = np.array([np.sum(decided == c) for c in classes], float)
    there = np.array([np.sum(labels == c) for c in classes], float)
    return classes, right, predicted, there


def _ratio(part: Array, whole: Array) -> Array:
    """0 where there is nothing to divide by."""
    ratio: Array = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return ratio


def _accuracy(labels: Array, decided: Array) -> float:
    return float(np.mean(labels == decided))


def _balanced_accuracy(labels: Array, decided: Array) -> float:
    _, right, _, there = _counts(labels, decided)
    return float(np.mean(right[there > 0] / there[there > 0]))


def _precisions(labels: Array, decided: Array) -> Array:
    _, right, predicted, _ = _counts(labels, decided)
    return _ratio(right, predicted)


def _recalls(labels: Array, decided: Array) -> Array:
    _, right, _, there = _counts(labels, decided)
    return _ratio(right, there)


def _f1s(labels: Array, decided: Array) -> Array:
    _, right, predicted, there = _counts(labels, decided)
    return _ratio(2 * right, predicted + there)


def _mean(of: Callable[[Array, Array], Array]) -> Callable[[Array, Array], float]:
    return lambda labels, decided: float(np.mean(of(labels, decided)))


def _of_class_one(of: Callable[[Array, Array], Array]) -> Callable[[Array, Array], float]:
    def measure(labels: Array, decided: Array) -> float:
        values = of(labels, decided)[np.union1d(labels, decided) == 1]
        return float(values[0]) if values.size else 0.0

    return measure


def _mse(labels: Array, predictions: Array) -> float:
    return float(np.mean((labels - predictions) ** 2))


def _r2(labels: Array, predictions: Array) -> float:
    spread = float(np.var(labels))
    return 1 - _mse(labels, predictions) / spread if spread else 0.0


MEASURES: dict[str, Callable[[Array, Array], float]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _mean(_f1s),
    "f1_macro": _mean(_f1s),
    "f1_binary": _of_class_one(_f1s),
    "precision": _of_class_one(_precisions),
    "precision_macro": _mean(_precisions),
    "precision_micro": _accuracy,
    "recall": _of_class_one(_recalls),
    "recall_macro": _mean(_recalls),
    "recall_micro": _accuracy,
    "mse": _mse,
    "r2": _r2,
}
