"""Learning rates over the checkpoints."""

from __future__ import annotations

import math

PLATEAU, INVERSE, INVERSE_ROOT = "plateau_reduce", "fixed_rate_inv_t", "fixed_rate_inv_sqrt_t"


class Schedule:
    """The learning rate, which falls with time or where checkpoints get no better.

    Args:
        kind: plateau_reduce, fixed_rate_inv_t or fixed_rate_inv_sqrt_t.
        initial: the rate to begin with.
        factor: plateau_reduce multiplies with it,
        threshold: after so many checkpoints that are no better.
        half_life: of the others, in checkpoints.
    """

    def __init__(
        self, kind: str, initial: float, *, factor: float, threshold: int, half_life: int
    ) -> None:
        self._kind = kind
        self._initial = initial
        self._factor = factor
        self._threshold = threshold
        self._half_life = half_life
        self._reduced = 1.0
        self._num_bad = 0

    def after_checkpoint(self, *, is_better: bool) -> None:
        """Take note of a checkpoint."""
        self._num_bad = 0 if is_better else self._num_bad + 1
        if self._num_bad >= self._threshold:
            self._reduced *= self._factor
            self._num_bad = 0

    def rate(self, num_checkpoints: float) -> float:
        """The rate after so many checkpoints; between two of them, a part of one counts too."""
        if self._kind == INVERSE:
            return self._initial / (1 + num_checkpoints / self._half_life)
        if self._kind == INVERSE_ROOT:
            return self._initial / math.sqrt(1 + 3 * num_checkpoints / self._half_life)
        return self._initial * self._reduced
