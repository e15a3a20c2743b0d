"""Ranks, and what is measured with them."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def mean_ranks(values: Array) -> Array:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last: Array = np.cumsum(counts)
    ranks: Array = (last - (counts - 1) / 2)[inverse]
    return ranks


def spearman(first: Array, second: Array) -> float:
    """Spearman's rank correlation; 0 where there is none: fewer than two values, or all alike."""
    if len(first) < 2:
        return 0.0
    a, b = mean_ranks(first), mean_ranks(second)
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm else 0.0


def area_under_roc(positive: Array, negative: Array) -> float:
    """The probability that a positive scores higher than a negative, half of it for a tie."""
    ranks = mean_ranks(np.concatenate([positive, negative]))[: len(positive)]
    above = ranks.sum() - len(positive) * (len(positive) + 1) / 2
    return float(above / (len(positive) * len(negative)))
