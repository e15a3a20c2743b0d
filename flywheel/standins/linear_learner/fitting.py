"""Stochastic gradient descent on all models at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from flywheel.standins.codecs.wire import Array, Features
from flywheel.standins.job import Job
from flywheel.standins.linear_learner.candidates import Candidates, num_steps, optimizer_of
from flywheel.standins.linear_learner.losses import Loss

SEED = 0
_AUTO = "auto"
_SMALL = 1e-8
_RMS_DECAY = 0.9
_LAST_SHARE = 0.03
"""What the schedule leaves of the learning rate at the end, where it is left to us."""
_MINIMUM_RATE = 1e-5


@dataclass
class Weights:
    """Of all models: features × models × outputs, and models × outputs."""

    weights: Array
    bias: Array

    def scores(self, features: Features) -> Array:
        """Rows × models × outputs; without the last dimension where there is one output."""
        width, models, outputs = self.weights.shape
        flat = np.asarray(features @ self.weights.reshape(width, -1))
        scores: Array = flat.reshape(-1, models, outputs) + self.bias
        return scores[:, :, 0] if outputs == 1 else scores

    def copy(self) -> Weights:
        """The weights as they are now."""
        return Weights(self.weights.copy(), self.bias.copy())


@dataclass(frozen=True)
class Data:
    """What the models learn from: scaled features, labels, and what each row counts by class."""

    features: Features
    labels: Array
    row_weights: Array


def epochs(
    job: Job, data: Data, loss: Loss, models: Candidates, num_outputs: int
) -> Iterator[Weights]:
    """The weights after every pass over the data; the same object each time."""
    chance = np.random.default_rng(SEED)
    weights = _initial(job, data.features.shape[1], len(models), num_outputs, chance)
    step = _optimizer(job, models, weights, num_steps(job, len(data.labels)))
    size = job.hyperparameters["mini_batch_size"]
    for _ in range(job.hyperparameters["epochs"]):
        order = chance.permutation(len(data.labels))
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            step(*_gradients(data, rows, loss, weights, models))
        yield weights


def _initial(
    job: Job, width: int, models: int, outputs: int, chance: np.random.Generator
) -> Weights:
    given = job.hyperparameters
    shape = (width, 1, outputs)
    if given["init_method"] == "normal":
        first = chance.normal(0, given["init_sigma"], shape)
    else:
        first = chance.uniform(-given["init_scale"], given["init_scale"], shape)
    bias = given["init_bias"] if given["use_bias"] else 0.0
    return Weights(np.repeat(first, models, axis=1), np.full((models, outputs), float(bias)))


def _gradients(
    data: Data, rows: Array, loss: Loss, weights: Weights, models: Candidates
) -> tuple[Array, Array]:
    """Of the mean loss of some rows, by weights and by bias."""
    features = data.features[rows]
    labels = data.labels[rows]
    # A model that has left all bounds stays there and is not chosen.
    with np.errstate(all="ignore"):
        slopes = loss(weights.scores(features), labels)[1].reshape(len(rows), len(models), -1)
        counts = data.row_weights[rows][:, None] * np.where(
            labels[:, None] == 1, models.positive_weights, 1.0
        )
        slopes = slopes * (counts / len(rows))[:, :, None]
        by_weight = np.asarray(features.T @ slopes.reshape(len(rows), -1))
        return by_weight.reshape(weights.weights.shape), slopes.sum(axis=0)


def _optimizer(
    job: Job, models: Candidates, weights: Weights, steps: int
) -> Callable[[Array, Array], None]:
    """A function that takes the gradients and changes the weights."""
    given = job.hyperparameters
    learns_bias = given["use_bias"]
    bias_rate = 1.0 if given["bias_lr_mult"] == _AUTO else given["bias_lr_mult"]
    bias_decay = 0.0 if given["bias_wd_mult"] == _AUTO else given["bias_wd_mult"]
    rates, decays, sparsities = (
        numbers[:, None] for numbers in (models.rates, models.decays, models.sparsities)
    )
    moves = [_RULES[optimizer_of(job)](job), _RULES[optimizer_of(job)](job)]
    schedule = _schedule(job, steps)

    def step(by_weight: Array, by_bias: Array) -> None:
        share, floor = next(schedule)
        now = np.maximum(rates * share, np.minimum(rates, floor))
        with np.errstate(all="ignore"):
            by_weight = by_weight + decays * weights.weights
            by_weight = by_weight + sparsities * np.sign(weights.weights)
            weights.weights -= now * moves[0](by_weight)
            if learns_bias:
                by_bias = by_bias + decays * bias_decay * weights.bias
                weights.bias -= now * bias_rate * moves[1](by_bias)

    return step


def _schedule(job: Job, steps: int) -> Iterator[tuple[float, float]]:
    """For each step: what the rates are multiplied by, and what they do not fall below."""
    given = job.hyperparameters
    if not given["use_lr_scheduler"]:
        while True:
            yield 1.0, 0.0
    factor, every, floor = (
        auto if given[name] == _AUTO else given[name]
        for name, auto in (
            ("lr_scheduler_factor", _LAST_SHARE ** (1 / steps)),
            ("lr_scheduler_step", 1),
            ("lr_scheduler_minimum_lr", _MINIMUM_RATE),
        )
    )
    done = 0
    while True:
        yield factor ** (done // every), floor
        done += 1


_Rule = Callable[[Array], Array]


def _adam(job: Job) -> _Rule:
    first, second = (
        auto if job.get(name, _AUTO) == _AUTO else job.hyperparameters[name]
        for name, auto in (("beta_1", 0.9), ("beta_2", 0.999))
    )
    state: dict[str, Any] = {"mean": 0.0, "square": 0.0, "steps": 0}

    def move(gradient: Array) -> Array:
        state["steps"] += 1
        state["mean"] = first * state["mean"] + (1 - first) * gradient
        state["square"] = second * state["square"] + (1 - second) * gradient**2
        # With a rate of 1, which the guide allows, nothing is ever learnt of it.
        mean = state["mean"] / max(1 - first ** state["steps"], _SMALL)
        square = state["square"] / max(1 - second ** state["steps"], _SMALL)
        moved: Array = mean / (np.sqrt(square) + _SMALL)
        return moved

    return move


def _sgd(job: Job) -> _Rule:
    given = job.get("momentum", _AUTO)
    momentum = 0.9 if given == _AUTO else given
    state: dict[str, Any] = {"speed": 0.0}

    def move(gradient: Array) -> Array:
        state["speed"] = momentum * state["speed"] + (1 - momentum) * gradient
        moved: Array = state["speed"]
        return moved

    return move


def _rmsprop(_: Job) -> _Rule:
    state: dict[str, Any] = {"square": 0.0}

    def move(gradient: Array) -> Array:
        state["square"] = _RMS_DECAY * state["square"] + (1 - _RMS_DECAY) * gradient**2
        moved: Array = gradient / (np.sqrt(state["square"]) + _SMALL)
        return moved

    return move


_RULES: dict[str, Callable[[Job], _Rule]] = {"adam": _adam, "sgd": _sgd, "rmsprop": _rmsprop}
