"""The epochs of a training job, with its metric lines, early stopping and the best model kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from flywheel.standins import metrics
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Job
from flywheel.standins.remarks import log
from flywheel.standins.vision import optimizers
from flywheel.standins.vision.stopping import EarlyStopping

MAX_GRADIENT = 10.0
"""Longest gradient: one strange batch must not undo what was learnt."""


class Task(Protocol):
    """What is learnt from, and how well it was."""

    num_batches: int
    """Of one epoch."""

    def batches(self, random: np.random.Generator) -> Iterator[Any]:
        """One epoch."""
        ...

    def loss(self, batch: Any) -> Any:
        """Of one batch, with its gradient."""
        ...

    def remark(self) -> str:
        """What the log says of the epoch's training besides; begins anew after it."""
        ...

    def metrics(self) -> Mapping[str, float]:
        """On the validation data; the first one decides, and more of it is better."""
        ...


@dataclass(frozen=True)
class Epoch:
    """What an epoch, counted from 1, reached."""

    number: int
    metrics: Mapping[str, float]

    @property
    def score(self) -> float:
        """The metric that decides."""
        return next(iter(self.metrics.values()))


def follow_quickly(network: Any, num_batches: int) -> None:
    """Let batch normalisation's running means follow within an epoch, also where it is short."""
    momentum = min(0.5, max(0.1, 5 / num_batches))
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = momentum


def fit(
    job: Job,
    network: Any,
    task: Task,
    random: np.random.Generator,
    after_epoch: Callable[[int], None] = lambda _: None,
) -> Epoch:
    """Train; the network has the weights of the best epoch afterwards.

    Args:
        job: its hyperparameters.
        network: with random weights, or those of an earlier model.
        task: its data.
        random: shuffles it and draws its views.
        after_epoch: called with the number of each epoch, from 1.

    Raises:
        RefusedError: the loss grows beyond all numbers.
    """
    network.to(memory_format=torch.channels_last)  # a CPU convolves faster so
    follow_quickly(network, task.num_batches)
    steps = _Steps(job, network, task, random)
    stopping = EarlyStopping.of(job)
    best, weights = Epoch(0, {}), network.state_dict()
    for number in range(1, job.get("epochs") + 1):
        began = time.monotonic()
        loss = steps.epoch(number)
        network.eval()
        with torch.no_grad():
            reached = Epoch(number, task.metrics())
        seconds = time.monotonic() - began
        log(f"epoch {number}: loss {loss:.4f}{task.remark()}, {seconds:.1f} seconds")
        _report(reached)
        after_epoch(number)
        if not best.number or reached.score >= best.score:  # of two equal ones the later
            best = reached
            weights = {name: value.clone() for name, value in network.state_dict().items()}
        if stopping.ends(number, reached.score):
            log(f"no improvement any more: training ends after epoch {number}.")
            break
    network.load_state_dict(weights)
    if reached is not best:
        log(f"the model is that of epoch {best.number}, the best one:")
        _report(best)
    return best


class _Steps:
    """Steps of the optimiser, over all epochs."""

    def __init__(self, job: Job, network: Any, task: Task, random: np.random.Generator) -> None:
        self._network, self._task = network, task
        self._optimizer = optimizers.create(job, network)
        self._rates = [group["lr"] for group in self._optimizer.param_groups]
        self._share = optimizers.schedule(job, task.num_batches)
        self._has_schedule = job.get("optimizer") != "adadelta"
        self._random = random
        self._step = 0

    def epoch(self, number: int) -> float:
        """One epoch; returns the mean loss of its batches."""
        self._network.train()
        losses = []
        for batch in self._task.batches(self._random):
            self._set_rate()
            loss = self._task.loss(batch)
            losses.append(float(loss.detach()))
            if not math.isfinite(losses[-1]):
                raise RefusedError(
                    f"the loss is {losses[-1]} in epoch {number}; give a smaller learning_rate"
                )
            self._optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._network.parameters(), MAX_GRADIENT)
            self._optimizer.step()
            self._step += 1
        return float(np.mean(losses))

    def _set_rate(self) -> None:
        if not self._has_schedule:
            return
        share = self._share(self._step)
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * share


def _report(epoch: Epoch) -> None:
    for name, value in epoch.metrics.items():
        metrics.report(name, value)
