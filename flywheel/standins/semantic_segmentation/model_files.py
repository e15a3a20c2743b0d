"""The files of a model, by the names that Amazon's have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flywheel.standins.job import Job
from flywheel.standins.semantic_segmentation.network import Segmenter
from flywheel.standins.vision import weights

_WEIGHTS = "model_algo-1"
_HYPERPARAMETERS = "hyperparams.json"
_MEMBERS = ("algorithm", "backbone", "num_classes", "crop_size", "width")


def description(job: Job, width: int) -> Mapping[str, Any]:
    """The hyperparameters, and the channels of the network's first layer."""
    return {**job.hyperparameters, "width": width}


def create(described: Mapping[str, Any]) -> Any:
    """The network with random weights."""
    names = ("algorithm", "backbone", "width", "num_classes")
    return Segmenter(*(described[name] for name in names))


def save(job: Job, net: Any, described: Mapping[str, Any]) -> None:
    """Write the model."""
    weights.save(net, job.model_dir / _WEIGHTS)
    weights.write_json(job.model_dir / _HYPERPARAMETERS, dict(described))


def describe(folder: Path) -> Mapping[str, Any]:
    """What the model says of itself.

    Raises:
        RefusedError: it is not one of `save`.
    """
    return weights.read_json(folder / _HYPERPARAMETERS, _MEMBERS)


def load(folder: Path, described: Mapping[str, Any]) -> Any:
    """The described network with the weights of the model.

    Raises:
        RefusedError: the weights are missing, or do not fit.
    """
    net = create(described)
    weights.load(net, folder / _WEIGHTS)
    return net
