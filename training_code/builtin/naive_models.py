"""What a model answers that knows next to nothing: of the answers, the truth, the months before."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np

from training_code.builtin.answers import Truth, labels, true_masks

SEED = 2013


def most_frequent(_: list[Any], truth: Truth, reference: Truth) -> list[Any]:
    """The training months' most frequent label."""
    return [Counter(labels(reference)).most_common(1)[0][0]] * len(truth)


def mean_label(_: list[Any], truth: Truth, reference: Truth) -> list[float]:
    """The training months' mean."""
    return [float(np.mean(labels(reference)))] * len(truth)


def all_the_same(answers: list[Any], _: Truth, __: Truth) -> list[float]:
    """No row stands out."""
    return [0.0] * len(answers)


def random_clusters(answers: list[int], _: Truth, __: Truth) -> list[int]:
    """As many clusters, drawn at random."""
    return [int(cluster) for cluster in np.random.default_rng(SEED).permutation(answers)]


def widest_columns(answers: list[Any], truth: Truth, reference: Truth) -> list[list[float]]:
    """As many raw columns as there are components: those that vary most in the training months."""
    spread = np.var([row["features"] for row in reference], axis=0)
    widest = np.argsort(-spread, kind="stable")[: len(answers[0])]
    return [[row["features"][column] for column in widest] for row in truth]


def one_topic(answers: list[Any], _: Truth, __: Truth) -> list[list[float]]:
    """All documents alike."""
    return [[1.0]] * len(answers)


def day_before(_: list[Any], truth: Truth, __: Truth) -> list[list[float]]:
    """The same hour of the day before."""
    return [row["season"] for row in truth]


def one_vector(answers: list[Any], _: Truth, __: Truth) -> list[tuple[str, list[float]]]:
    """All words alike."""
    return [(word, [1.0]) for word, _ in answers]


def token_by_token(_: list[Any], truth: Truth, reference: Truth) -> list[list[str]]:
    """Each source token by what most often stands in its place where both sides are as long."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for row in reference:
        source, target = row["source"].split(), row["target"].split()
        if len(source) == len(target):
            for left, right in zip(source, target, strict=True):
                seen[left][right] += 1
    return [
        [seen[token].most_common(1)[0][0] for token in row["source"].split() if token in seen]
        for row in truth
    ]


def mean_box(_: list[Any], truth: Truth, reference: Truth) -> list[np.ndarray]:
    """The training months' mean box of the most frequent class, in every picture."""
    boxes = np.array([box for row in reference for box in row["boxes"]], float).reshape(-1, 5)
    kinds, numbers = np.unique(boxes[:, 0], return_counts=True)
    kind = kinds[np.argmax(numbers)]
    mean = boxes[boxes[:, 0] == kind][:, 1:].mean(axis=0)
    return [np.array([[kind, 1.0, *mean]])] * len(truth)


def one_class(_: list[Any], truth: Truth, reference: Truth) -> list[np.ndarray]:
    """The training months' most frequent class, everywhere."""
    pixels = np.concatenate([mask.ravel() for mask in true_masks(reference)])
    kind = np.bincount(pixels).argmax()
    return [np.full_like(mask, kind) for mask in true_masks(truth)]
