"""Mean average precision, as the PASCAL VOC challenge defines it since 2010.

Source: Everingham et al., The PASCAL Visual Object Classes Challenge: A Retrospective, 2015.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flywheel.standins.codecs.wire import Array


def mean_average_precision(
    truths: Sequence[Array], found: Sequence[Array], overlap: float
) -> float:
    """The mean over the classes that occur of the area below the precision-recall curve.

    Args:
        truths: of each picture: class, left, top, right, bottom.
        found: of each picture: class, score, left, top, right, bottom.
        overlap: intersection over union from which a found object is a true one.
    """
    kinds = np.unique(np.concatenate([truth[:, 0] for truth in truths]))
    if not len(kinds):
        return 0.0
    return float(np.mean([_average_precision(kind, truths, found, overlap) for kind in kinds]))


def _average_precision(
    kind: float, truths: Sequence[Array], found: Sequence[Array], overlap: float
) -> float:
    scores: list[float] = []
    right: list[bool] = []
    total = 0
    for truth, objects in zip(truths, found, strict=True):
        wanted = truth[truth[:, 0] == kind, 1:]
        total += len(wanted)
        own = objects[objects[:, 0] == kind]
        own = own[np.argsort(-own[:, 1], kind="stable")]
        scores.extend(own[:, 1])
        right.extend(_matches(wanted, own[:, 2:], overlap))
    order = np.argsort(-np.array(scores), kind="stable")
    hits: Array = np.cumsum(np.array(right, bool)[order])
    recall = hits / total
    precision = hits / np.arange(1, len(hits) + 1)
    # At each recall the best precision that is had there or further on.
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * envelope))


def _matches(wanted: Array, boxes: Array, overlap: float) -> list[bool]:
    """Whether each box, best first, is the first one on a wanted box."""
    free: Array = np.ones(len(wanted), bool)
    right = []
    for shares in intersection_over_union(boxes, wanted):
        best = int(np.argmax(shares)) if len(wanted) else -1
        hit = best >= 0 and bool(shares[best] >= overlap) and bool(free[best])
        if hit:
            free[best] = False
        right.append(hit)
    return right


def intersection_over_union(first: Array, second: Array) -> Array:
    """Of each box of the first with each of the second, n × m."""
    corner = np.maximum(first[:, None, :2], second[None, :, :2])
    opposite = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.prod(np.clip(opposite - corner, 0, None), axis=2)
    union = _area(first)[:, None] + _area(second)[None, :] - common
    shares: Array = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return shares


def _area(boxes: Array) -> Array:
    sizes: Array = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return sizes
