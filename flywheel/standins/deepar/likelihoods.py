"""The likelihoods by Amazon's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gluonts.torch.distributions import (
    BetaOutput,
    DistributionOutput,
    NegativeBinomialOutput,
    NormalOutput,
    StudentTOutput,
)
from torch.distributions import Distribution, constraints

from flywheel.standins.codecs.wire import Array


class Point(Distribution):  # type: ignore[misc]
    """Always the same value; how likely another one is falls with its distance."""

    arg_constraints: Mapping[str, Any] = {"loc": constraints.real}
    support = constraints.real

    def __init__(self, loc: Any) -> None:
        self.loc = loc
        super().__init__(loc.shape)

    @property
    def mean(self) -> Any:
        """The value."""
        return self.loc

    def log_prob(self, value: Any) -> Any:
        """Minus the distance: the loss is the mean absolute error."""
        return -(value - self.loc).abs()

    def sample(self, sample_shape: Any = ()) -> Any:
        """The value, as often as asked for."""
        return self.loc.detach().expand(torch.Size(sample_shape) + self.loc.shape)


class PointOutput(DistributionOutput):  # type: ignore[misc]
    """Lets a network predict a point."""

    args_dim: Mapping[str, int] = {"loc": 1}
    distr_cls = Point

    @classmethod
    def domain_map(cls, loc: Any) -> Any:
        """The network's output is the value."""
        return (loc.squeeze(-1),)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """One number."""
        return ()


_OUTPUTS = {
    "gaussian": NormalOutput,
    "beta": BetaOutput,
    "negative-binomial": NegativeBinomialOutput,
    "student-T": StudentTOutput,
    "deterministic-L1": PointOutput,
}
_BETA_MARGIN = 1e-4
"""0 and 1 are allowed, but infinitely unlikely."""


def output(likelihood: str) -> Any:
    """What GluonTS calls the likelihood's output."""
    return _OUTPUTS[likelihood]()


def is_scaled(likelihood: str) -> bool:
    """Whether a series is divided by its mean first; between 0 and 1 it need not be."""
    return likelihood != "beta"


def within(likelihood: str, target: Array) -> Array:
    """The values, none of them impossible."""
    return np.clip(target, _BETA_MARGIN, 1 - _BETA_MARGIN) if likelihood == "beta" else target
