"""Bayesian search of a tuning job; apart from the other searches, for numpy is slow to import."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from flywheel.local_aws.sagemaker.tuning_search import Point, Random

_NUM_CANDIDATES = 512  # points at which the expected improvement is looked at
_LENGTH_SCALE = 0.25  # of the kernel, in the unit cube
_NOISE = 1e-4


class Bayesian:
    """A Gaussian process over the results; the point with the greatest expected improvement.

    Source: Jones, Schonlau, Welch: Efficient global optimization of expensive black-box functions,
    1998. A point whose result is still to come counts as if it gave the mean.
    """

    def __init__(self, num_dimensions: int, seed: int | None) -> None:
        self._num_first = 2 * num_dimensions + 1
        self._random = Random(num_dimensions, seed)

    def next(self, known: Sequence[tuple[Point, float]], running: Sequence[Point]) -> Point:
        """The most promising of many candidates."""
        if len(known) + len(running) < self._num_first or not known:
            return self._random.next(known, running)
        points = np.array([point for point, _ in known] + list(running))
        results = np.array([result for _, result in known])
        spread = results.std() or 1.0
        targets = np.concatenate([(results - results.mean()) / spread, np.zeros(len(running))])
        candidates = [self._random.next(known, running) for _ in range(_NUM_CANDIDATES)]
        gains = _expected_improvement(points, targets, np.array(candidates))
        return candidates[int(gains.argmax())]


def _expected_improvement(points: Any, targets: Any, candidates: Any) -> Any:
    """How much lower than the best known target each candidate (m × d) may be expected to be."""
    covariance = _kernel(points, points) + _NOISE * np.eye(len(points))
    cross = _kernel(candidates, points)  # m × n
    solved = np.linalg.solve(covariance, np.column_stack([targets, cross.T]))
    mean = cross @ solved[:, 0]
    variance = np.maximum(1 + _NOISE - np.einsum("mn,nm->m", cross, solved[:, 1:]), 1e-12)
    deviation = np.sqrt(variance)
    gain = (targets.min() - mean) / deviation
    density = np.exp(-0.5 * gain**2) / math.sqrt(2 * math.pi)
    below = np.array([0.5 * (1 + math.erf(one / math.sqrt(2))) for one in gain])
    return deviation * (gain * below + density)


def _kernel(left: Any, right: Any) -> Any:
    distance = ((left[:, None, :] - right[None, :, :]) ** 2).sum(axis=2)
    return np.exp(-0.5 * distance / _LENGTH_SCALE**2)
