"""The files of a model, by the names that Amazon's have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flywheel.standins.job import Job
from flywheel.standins.object_detection import network
from flywheel.standins.vision import weights

_WEIGHTS = "model_algo_1-0000.params"
_DESCRIPTION = "model_algo_1-symbol.json"
_HYPERPARAMETERS = "hyperparams.json"
_MEMBERS = ("base_network", "num_classes", "image_shape", "nms_threshold")


def description(job: Job, width: int) -> Mapping[str, Any]:
    """What defines the network."""
    return {name: job.get(name) for name in _MEMBERS} | {"width": width}


def create(described: Mapping[str, Any]) -> Any:
    """The network with random weights."""
    return network.create(
        described["base_network"],
        described["width"],
        described["image_shape"],
        described["num_classes"],
        described["nms_threshold"],
    )


def save(job: Job, net: Any, described: Mapping[str, Any]) -> None:
    """Write the model."""
    weights.save(net, job.model_dir / _WEIGHTS)
    weights.write_json(job.model_dir / _DESCRIPTION, described)
    weights.write_json(job.model_dir / _HYPERPARAMETERS, dict(job.hyperparameters))


def describe(folder: Path) -> Mapping[str, Any]:
    """What the model says of itself.

    Raises:
        RefusedError: it is not one of `save`.
    """
    return weights.read_json(folder / _DESCRIPTION, (*_MEMBERS, "width"))


def load(folder: Path, described: Mapping[str, Any]) -> Any:
    """The described network with the weights of the model.

    Raises:
        RefusedError: the weights are missing, or do not fit.
    """
    net = create(described)
    weights.load(net, folder / _WEIGHTS)
    return net
