"""The models that are trained in parallel: the one that is asked for, and some close to it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from flywheel.standins.codecs.wire import Array
from flywheel.standins.job import Job

_AUTO = "auto"
AUTO_MODELS = 32
MAX_NUMBERS = 4_000_000
"""Weights of all models together where the number of models is left to us."""

_DISTANCES = {"adam": 9.0, "rmsprop": 3.0, "sgd": 9.0}
"""By optimizer: the learning rate times the steps. With a third of the steps a weight of scaled
features then gets as far as it has to."""
_RATE_LIMITS = (0.003, 0.3)
_RATE_FACTORS = (1.0, 0.3, 2.0, 0.1)
_DECAYS = (1e-4, 0.0, 1e-2, 1e-6)
_SPARSITIES = (0.0, 1e-4)
_CLOSE = (1.0, 0.1)
"""What a value that is given is multiplied by for the models close to it."""


@dataclass(frozen=True)
class Candidates:
    """One number for each model.

    Attributes:
        rates: learning rates.
        decays: L2 regularisation.
        sparsities: L1 regularisation.
        positive_weights: what a positive example counts where a negative one counts 1.
    """

    rates: Array
    decays: Array
    sparsities: Array
    positive_weights: Array

    def __len__(self) -> int:
        return len(self.rates)

    def described(self, model: int) -> str:
        """One model in words for the log."""
        return (
            f"learning_rate {self.rates[model]:g}, wd {self.decays[model]:g}, "
            f"l1 {self.sparsities[model]:g}, positive_example_weight_mult "
            f"{self.positive_weights[model]:g}"
        )


def candidates(job: Job, num_weights: int, labels: Array) -> Candidates:
    """The models of a job.

    Args:
        job: with the values that are given, or auto.
        num_weights: of one model.
        labels: of the training data.
    """
    given = job.hyperparameters
    rate, optimizer = given["learning_rate"], optimizer_of(job)
    base = _auto_rate(optimizer, num_steps(job, len(labels))) if rate == _AUTO else rate
    factors = _RATE_FACTORS if rate == _AUTO else _CLOSE
    grid = itertools.product(
        _around(given["wd"], _DECAYS),
        _around(given["l1"], _SPARSITIES),
        [base * factor for factor in factors],
        _positive_weights(job, labels),
    )
    count = given["num_models"]
    if count == _AUTO:
        count = max(1, min(AUTO_MODELS, MAX_NUMBERS // max(num_weights, 1)))
    # The first is the one that is asked for; when more are wanted than there are, some come twice.
    chosen = list(itertools.islice(itertools.cycle(list(grid)), count))
    decays, sparsities, rates, weights = np.array(chosen).T
    return Candidates(rates, decays, sparsities, weights)


def num_steps(job: Job, num_rows: int) -> int:
    """How many mini batches the whole training has."""
    given = job.hyperparameters
    return int(given["epochs"] * -(-num_rows // given["mini_batch_size"]))


def _auto_rate(optimizer: str, steps: int) -> float:
    low, high = _RATE_LIMITS
    return min(max(_DISTANCES[optimizer] / steps, low), high)


def optimizer_of(job: Job) -> str:
    """Its name; auto is adam."""
    name = job.hyperparameters["optimizer"]
    return "adam" if name == _AUTO else str(name)


def _around(value: float | str, auto: tuple[float, ...]) -> list[float]:
    if isinstance(value, str):
        return list(auto)
    return [value * factor for factor in _CLOSE] if value else [0.0]


def _positive_weights(job: Job, labels: Array) -> list[float]:
    if job.hyperparameters["predictor_type"] != "binary_classifier":
        return [1.0]
    value = job.hyperparameters["positive_example_weight_mult"]
    positive = float(labels.sum())
    balanced = (len(labels) - positive) / positive if 0 < positive < len(labels) else 1.0
    if value == "balanced":
        return [balanced]
    return [1.0, balanced] if value == _AUTO else [float(value)]
