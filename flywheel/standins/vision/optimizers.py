"""Optimisers and learning-rate schedules by the names of the hyperparameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from torch import optim

from flywheel.standins.job import Job
from flywheel.standins.remarks import log

_ADADELTA = {"lr": 1.0, "rho": 0.9, "eps": 1e-5}
"""MXNet's: its steps know no learning rate."""
_POLY_POWER = 0.9
"""Source: GluonCV, LRScheduler."""
_BELOW_ONE, _ABOVE_ZERO = 1 - 1e-6, 1e-12
"""The hyperparameters' ranges include 1 and 0, with which nothing can be computed."""


def create(job: Job, network: Any) -> Any:
    """The optimiser of the job, for every weight that is not frozen.

    Weight decay is that of the hyperparameter where the algorithm's guide gives it to the chosen
    optimiser, otherwise none.
    """
    name = job.get("optimizer")
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    if name == "adadelta":
        log("adadelta finds its own steps: learning_rate and its schedule have no effect.")
        return optim.Adadelta(weights, **_ADADELTA)
    kind, settings = _KINDS[name](job)
    return kind(weights, lr=job.get("learning_rate"), **settings)


def schedule(job: Job, steps_per_epoch: int) -> Callable[[int], float]:
    """The share of the learning rate that a step has, by its number from 0."""
    factor = job.get("lr_scheduler_factor", 0.1)
    changes = job.get("lr_scheduler_step", [])
    last = max(job.get("epochs") * steps_per_epoch, 1)
    shapes: Mapping[str, Callable[[int], float]] = {
        "step": lambda step: factor ** sum(step >= epoch * steps_per_epoch for epoch in changes),
        "poly": lambda step: (1 - step / last) ** _POLY_POWER,
        "cosine": lambda step: (1 + math.cos(math.pi * step / last)) / 2,
    }
    return shapes[job.get("lr_scheduler", "step")]


def _sgd(job: Job) -> tuple[Any, dict[str, Any]]:
    return optim.SGD, {"momentum": job.get("momentum", 0.0), "weight_decay": _decay(job)}


def _nag(job: Job) -> tuple[Any, dict[str, Any]]:
    momentum = job.get("momentum", 0.9)
    nesterov = momentum > 0  # without momentum there is nothing to look ahead with
    return optim.SGD, {"momentum": momentum, "nesterov": nesterov, "weight_decay": _decay(job)}


def _adam(job: Job) -> tuple[Any, dict[str, Any]]:
    betas = (min(job.get("beta_1", 0.9), _BELOW_ONE), min(job.get("beta_2", 0.999), _BELOW_ONE))
    return optim.Adam, {"betas": betas, "eps": max(job.get("eps", 1e-8), _ABOVE_ZERO)}


def _rmsprop(job: Job) -> tuple[Any, dict[str, Any]]:
    return optim.RMSprop, {
        "alpha": job.get("gamma", job.get("gamma1", 0.9)),
        "momentum": job.get("gamma2", 0.0),
        "eps": max(job.get("eps", 1e-8), _ABOVE_ZERO),
        "weight_decay": _decay(job),
    }


def _adagrad(_: Job) -> tuple[Any, dict[str, Any]]:
    return optim.Adagrad, {"eps": 1e-7}


def _decay(job: Job) -> float:
    return float(job.get("weight_decay", 0.0))


_KINDS: Mapping[str, Callable[[Job], tuple[Any, dict[str, Any]]]] = {
    "sgd": _sgd,
    "nag": _nag,
    "adam": _adam,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
}
