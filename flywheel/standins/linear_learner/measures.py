"""The metrics of a finished model, by the names of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from flywheel.standins.codecs.wire import Array


def binary(scores: Array, threshold: float, labels: Array, beta: float) -> dict[str, float]:
    """Of two classes."""
    decided = scores >= threshold
    right = float(np.sum(decided & (labels == 1)))
    precision = right / max(float(decided.sum()), 1)
    recall = right / max(float(labels.sum()), 1)
    return {
        "binary_classification_accuracy": float(np.mean(decided == labels)),
        "binary_f_beta": _f_score(precision, recall, beta),
        "precision": precision,
        "recall": recall,
        "roc_auc_score": _roc_auc(scores, labels),
    }


def multiclass(scores: Array, labels: Array, options: Mapping[str, Any]) -> dict[str, float]:
    """Of several classes; scores are rows × classes."""
    truth: Array = labels.astype(int)
    decided = scores.argmax(axis=1)
    own = scores[np.arange(len(truth)), truth]
    ranks = 1 + np.sum(scores > own[:, None], axis=1)
    classes = np.union1d(truth, decided)
    right = np.array([np.sum((decided == c) & (truth == c)) for c in classes], float)
    precision = right / np.maximum([np.sum(decided == c) for c in classes], 1)
    recall = right / np.maximum([np.sum(truth == c) for c in classes], 1)
    scores_by_class = [
        _f_score(p, r, options["f_beta"]) for p, r in zip(precision, recall, strict=True)
    ]
    return {
        "multiclass_accuracy": float(np.mean(decided == truth)),
        "multiclass_top_k_accuracy": float(np.mean(ranks <= options["accuracy_top_k"])),
        "dcg": float(np.mean(1 / np.log2(ranks + 1))),
        "macro_f_beta": float(np.mean(scores_by_class)),
        "macro_precision": float(precision.mean()),
        "macro_recall": float(recall.mean()),
    }


def regression(predictions: Array, labels: Array) -> dict[str, float]:
    """Of numbers."""
    over = predictions - labels
    mse = float(np.mean(over**2))
    return {"mse": mse, "rmse": mse**0.5, "absolute_loss": float(np.mean(np.abs(over)))}


def _f_score(precision: float, recall: float, beta: float) -> float:
    below = beta * beta * precision + recall
    return float((1 + beta * beta) * precision * recall / below) if below else 0.0


def _roc_auc(scores: Array, labels: Array) -> float:
    """The chance that a positive row has the higher score; 0.5 where one class is missing."""
    positive = float(labels.sum())
    negative = len(labels) - positive
    if not positive or not negative:
        return 0.5
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2
    total = float(mean_ranks[inverse][labels == 1].sum())
    return (total - positive * (positive + 1) / 2) / (positive * negative)
