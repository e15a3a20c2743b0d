"""Loss functions: what a score costs, and how the cost changes with the score.

Scores are rows × models for two classes and numbers, rows × models × classes for several. Labels
are rows: 0 or 1, numbers, or classes. A loss gives the cost of every row and model, and its
derivative by every score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from flywheel.standins.codecs.wire import Array

Loss = Callable[[Array, Array], tuple[Array, Array]]
_Options = Mapping[str, Any]


def loss_named(name: str, options: _Options) -> Loss:
    """The loss of this name; the options are hyperparameters."""
    return _LOSSES[name](options)


def label_power(name: str) -> int:
    """How a regression's loss grows with the label: times s where the label is times s to this."""
    return 2 if name in ("squared_loss", "eps_insensitive_squared_loss", "huber_loss") else 1


def probabilities(name: str, scores: Array) -> Array:
    """Scores as an endpoint gives them: probabilities where the loss makes them such."""
    found = scores
    if name == "logistic":
        found = 0.5 * (1 + np.tanh(0.5 * scores))
    elif name == "softmax_loss":
        found = _softmax(scores)
    return found


def _softmax(scores: Array) -> Array:
    powers: Array = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Array = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def _logistic(_: _Options) -> Loss:
    def loss(scores: Array, labels: Array) -> tuple[Array, Array]:
        signed = scores * (1 - 2 * labels[:, None])
        return np.logaddexp(0, signed), probabilities("logistic", scores) - labels[:, None]

    return loss


def _hinge(options: _Options) -> Loss:
    margin = options["margin"]

    def loss(scores: Array, labels: Array) -> tuple[Array, Array]:
        signs: Array = 2 * labels[:, None] - 1
        short = margin - signs * scores
        return np.maximum(short, 0), np.where(short > 0, -signs, 0.0)

    return loss


def _softmax_loss(_: _Options) -> Loss:
    def loss(scores: Array, labels: Array) -> tuple[Array, Array]:
        rows: Array = np.arange(len(labels))
        classes: Array = labels.astype(int)
        chances = _softmax(scores)
        costs = -np.log(np.maximum(chances[rows, :, classes], 1e-30))
        chances[rows, :, classes] -= 1
        return costs, chances

    return loss


def _of_residual(costs: Callable[[Array], tuple[Array, Array]]) -> Loss:
    """A loss of what the prediction is too high by."""
    return lambda scores, labels: costs(scores - labels[:, None])


def _squared(_: _Options) -> Loss:
    return _of_residual(lambda over: (over**2, 2 * over))


def _absolute(_: _Options) -> Loss:
    return _of_residual(lambda over: (np.abs(over), np.sign(over)))


def _insensitive_squared(options: _Options) -> Loss:
    free = options["loss_insensitivity"]

    def costs(over: Array) -> tuple[Array, Array]:
        beyond = np.maximum(np.abs(over) - free, 0)
        return beyond**2, 2 * beyond * np.sign(over)

    return _of_residual(costs)


def _insensitive_absolute(options: _Options) -> Loss:
    free = options["loss_insensitivity"]

    def costs(over: Array) -> tuple[Array, Array]:
        beyond = np.maximum(np.abs(over) - free, 0)
        return beyond, np.sign(over) * (beyond > 0)

    return _of_residual(costs)


def _quantile(options: _Options) -> Loss:
    # The guide says that the label is greater than the prediction with this probability; taken is
    # what the name says: the label is smaller with it.
    share = options["quantile"]

    def costs(over: Array) -> tuple[Array, Array]:
        slope = np.where(over > 0, 1 - share, -share)
        return slope * over, slope

    return _of_residual(costs)


def _huber(options: _Options) -> Loss:
    delta = options["huber_delta"]

    def costs(over: Array) -> tuple[Array, Array]:
        within = np.clip(over, -delta, delta)
        return within * (over - 0.5 * within), within

    return _of_residual(costs)


_LOSSES: Mapping[str, Callable[[_Options], Loss]] = {
    "logistic": _logistic,
    "hinge_loss": _hinge,
    "softmax_loss": _softmax_loss,
    "squared_loss": _squared,
    "absolute_loss": _absolute,
    "eps_insensitive_squared_loss": _insensitive_squared,
    "eps_insensitive_absolute_loss": _insensitive_absolute,
    "quantile_loss": _quantile,
    "huber_loss": _huber,
}
