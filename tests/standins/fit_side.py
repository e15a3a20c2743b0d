"""Runs in the environment of the image algorithms: trainings of one number, printed as JSON."""

import contextlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from flywheel.standins.contract import RefusedError
from flywheel.standins.vision import fit, optimizers


class Settings:
    """Stands for a job."""

    def __init__(self, **values: Any) -> None:
        self.values = {"optimizer": "sgd", "learning_rate": 0.1, "epochs": 4, **values}
        self.hyperparameters = self.values

    def get(self, name: str, default: Any = None) -> Any:
        """As a job's."""
        return self.values.get(name, default)


class Task:
    """The loss is the number, so that each step takes the learning rate away from it."""

    num_batches = 2

    def __init__(self, network: Any, scores: Sequence[float], factor: float = 1.0) -> None:
        self.network = network
        self.scores = iter(scores)
        self.factor = factor
        self.seen: list[float] = []

    def batches(self, _: np.random.Generator) -> Iterator[None]:
        """Two of nothing."""
        return iter([None] * self.num_batches)

    def loss(self, _: None) -> Any:
        """The number."""
        return self.network.weight.sum() * self.factor

    def remark(self) -> str:
        """Nothing."""
        return ""

    def metrics(self) -> Mapping[str, float]:
        """The next score."""
        self.seen.append(float(self.network.weight))
        return {"validation:score": next(self.scores)}


def train(scores: Sequence[float], factor: float = 1.0, **settings: Any) -> dict[str, Any]:
    """One training."""
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(network.weight)
    task = Task(network, scores, factor)
    log = io.StringIO()
    job: Any = Settings(**settings)
    try:
        with contextlib.redirect_stdout(log):
            best = fit.fit(job, network, task, np.random.default_rng(0)).number
    except RefusedError as error:
        return {"refused": str(error)}
    seen, final = np.round(task.seen, 5).tolist(), round(float(network.weight), 5)
    return {"best": best, "seen": seen, "final": final, "log": log.getvalue()}


def shares(**settings: Any) -> list[float]:
    """The learning rate's share at each of eight steps, two an epoch."""
    job: Any = Settings(**settings)
    share = optimizers.schedule(job, 2)
    return [round(share(step), 4) for step in range(8)]


print(  # noqa: T201
    json.dumps(
        {
            "best in between": train([0.1, 0.9, 0.2, 0.3]),
            "equals": train([0.5, 0.5, 0.2, 0.5]),
            "infinite": train([0.1] * 4, factor=float("inf")),
            "frozen schedule": train([0.1] * 4, optimizer="adadelta", lr_scheduler_step=[1]),
            "step": shares(lr_scheduler_step=[1, 3], lr_scheduler_factor=0.5),
            "no step": shares(),
            "poly": shares(lr_scheduler="poly"),
            "cosine": shares(lr_scheduler="cosine"),
        }
    )
)
