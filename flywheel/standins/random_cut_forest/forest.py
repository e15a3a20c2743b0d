"""Random cut trees over samples of the training data, and the scores that they give.

Source: Guha, Mishra, Roy and Schrijvers, "Robust random cut forest based anomaly detection on
streams", ICML 2016. A cut is uniform over the summed side lengths of a node's bounding box. A
point's score in a tree is the expectation, over the cuts that would separate the point from each
box on its way, of one over the depth at which that happens; so no random number is drawn when
scoring. It is scaled by the logarithm of the sample's size, which puts ordinary points near or
below 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flywheel.standins.codecs.wire import Array

_PAIRS_AT_ONCE = 4_000_000  # numbers in one temporary array: 16 MB


@dataclass(frozen=True)
class Trees:
    """All trees' nodes in one table, level by level; the first nodes are the roots.

    Attributes:
        points: the training rows that the trees have, m × features.
        level_sizes: how many nodes each level has, all trees together.
        mass: how many points of the sample lie below the node.
        cut_feature, cut_value: a point goes left where its value is at most the cut's.
        left, right: the children; both 0 at a leaf.
        point: a leaf's, as a row of `points`.
    """

    points: Array
    level_sizes: Array
    mass: Array
    cut_feature: Array
    cut_value: Array
    left: Array
    right: Array
    point: Array


class Forest:
    """Trees with the bounding box of each node."""

    def __init__(self, trees: Trees) -> None:
        """Find the boxes, from the leaves upwards; they would make up most of the model's size."""
        self.trees = trees
        self.num_trees = int(trees.level_sizes[0])
        self.num_features = trees.points.shape[1]
        self._low = trees.points[trees.point]
        self._high = self._low.copy()
        ends: Array = np.cumsum(trees.level_sizes)
        starts = ends - trees.level_sizes
        for start, stop in zip(starts[::-1], ends[::-1], strict=True):
            node = np.arange(start, stop)[trees.left[start:stop] > 0]
            children = trees.left[node], trees.right[node]
            self._low[node] = np.minimum(*(self._low[child] for child in children))
            self._high[node] = np.maximum(*(self._high[child] for child in children))
        self._sides = np.einsum("nd->n", self._high - self._low, dtype=np.float64)

    def scores(self, points: Array) -> Array:
        """Anomaly scores of n × d points: higher is more anomalous."""
        rows_at_once = max(1, _PAIRS_AT_ONCE // (self.num_trees * points.shape[1]))
        chunks = [
            self._scores(points[start : start + rows_at_once])
            for start in range(0, len(points), rows_at_once)
        ]
        return np.concatenate(chunks) if chunks else np.zeros(0)

    def _scores(self, points: Array) -> Array:
        trees, num_points = self.trees, len(points)
        row: Array = np.repeat(np.arange(num_points), self.num_trees)
        node = np.tile(np.arange(self.num_trees), num_points)
        tree_mass = trees.mass[node]
        scores = np.zeros(num_points)
        not_yet_cut = np.ones(len(row))  # probability that no cut so far separated the point
        depth = 0
        while len(row):
            point = points[row]
            outside = np.maximum(self._low[node] - point, point - self._high[node]).clip(0).sum(1)
            whole = np.maximum(outside + self._sides[node], np.finfo(float).tiny)
            separated = outside / whole
            is_leaf = trees.left[node] == 0
            found = is_leaf & (outside == 0)  # the point is one of the sample
            mass = trees.mass[node[found]]
            gain = separated / (depth + 1.0)
            gain[found] = (1 - mass / (2 * tree_mass[found])) / (depth + np.log2(mass + 1.0))
            scale = np.log2(tree_mass + 1.0)
            scores += np.bincount(row, not_yet_cut * gain * scale, minlength=num_points)
            go_on = ~is_leaf & (separated < 1)
            not_yet_cut = (not_yet_cut * (1 - separated))[go_on]
            row, node, tree_mass, point = row[go_on], node[go_on], tree_mass[go_on], point[go_on]
            value = point[np.arange(len(row)), trees.cut_feature[node]]
            node = np.where(value <= trees.cut_value[node], trees.left[node], trees.right[node])
            depth += 1
        mean: Array = scores / self.num_trees
        return mean


def grow(rows: Array, samples: Array, rng: np.random.Generator) -> Forest:
    """A tree for each sample; all trees grow together, one level at a time.

    Args:
        rows: n × features.
        samples: the numbers of the rows that each tree has, trees × sample size.
        rng: where the cuts come from.
    """
    kept, order = np.unique(samples.ravel(), return_inverse=True)
    points = rows[kept]
    starts = np.arange(0, samples.size, samples.shape[1])
    levels: list[tuple[Array, ...]] = []
    num_nodes = 0
    while len(starts):
        low = np.minimum.reduceat(points[order], starts)
        high = np.maximum.reduceat(points[order], starts)
        mass = np.diff(starts, append=len(order))
        splits = (high > low).any(axis=1)
        cut = _cuts(low, high, rng)
        num_nodes += len(starts)
        left = np.where(splits, num_nodes + 2 * (np.cumsum(splits) - 1), 0)
        levels.append((mass, *cut, left, np.where(splits, left + 1, 0), order[starts]))
        order, starts = _split(points, order, np.where(splits, mass, -mass), cut)
    names = ("mass", "cut_feature", "cut_value", "left", "right", "point")
    columns = map(np.concatenate, zip(*levels, strict=True))
    table = {name: _narrow(column) for name, column in zip(names, columns, strict=True)}
    return Forest(Trees(points, np.array([len(level[0]) for level in levels]), **table))


def _narrow(column: Array) -> Array:
    return column.astype(np.float32 if column.dtype.kind == "f" else np.int32)


def _cuts(low: Array, high: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Feature and value of each node's cut; what it says of a node without sides is not used."""
    nodes = np.arange(len(low))
    sides = high.astype(np.float64) - low
    reach = np.cumsum(sides, axis=1)
    drawn = rng.random(len(low)) * reach[:, -1]
    drawn = np.minimum(drawn, np.nextafter(reach[:, -1], 0))  # rounded up it would miss all sides
    feature = np.minimum((reach <= drawn[:, None]).sum(axis=1), low.shape[1] - 1)
    within = drawn - (reach - sides)[nodes, feature]
    lowest, highest = low[nodes, feature], high[nodes, feature]
    value = (lowest + within).astype(np.float32)
    # Rounding must not put every point on one side.
    value = np.clip(value, lowest, np.nextafter(highest, lowest))
    return feature, value


def _split(
    points: Array, order: Array, mass: Array, cut: tuple[Array, Array]
) -> tuple[Array, Array]:
    """The points of the next level, node by node, and where each node's begin.

    Args:
        points: of all trees.
        order: which of them each node of this level has, node by node.
        mass: how many; negative where the node is a leaf.
        cut: feature and value.
    """
    feature, value = cut
    node: Array = np.repeat(np.arange(len(mass)), np.abs(mass))
    kept = mass[node] > 0
    node, order = node[kept], order[kept]
    goes_right = points[order, feature[node]] > value[node]
    child = 2 * node + goes_right
    by_child = np.argsort(child, kind="stable")
    child = child[by_child]
    starts = np.flatnonzero(np.diff(child, prepend=-1))
    return order[by_child], starts
