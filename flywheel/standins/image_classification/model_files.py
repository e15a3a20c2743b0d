"""The files of a model, by the names that Amazon's have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flywheel.standins.image_classification import network
from flywheel.standins.image_classification.pictures import Shape
from flywheel.standins.job import Job
from flywheel.standins.vision import weights

_DESCRIPTION = "image-classification-symbol.json"
_SHAPES = "model-shapes.json"
_MEMBERS = ("num_layers", "image_shape", "num_classes", "multi_label", "epoch")


def weights_name(epoch: int) -> str:
    """The file of an epoch's weights."""
    return f"image-classification-{epoch:04d}.params"


def save(job: Job, net: Any, shape: Shape, epoch: int) -> None:
    """Write the model; `epoch` is the one that it comes from."""
    weights.save(net, job.model_dir / weights_name(epoch))
    description = {name: job.get(name) for name in _MEMBERS} | {"epoch": epoch}
    weights.write_json(job.model_dir / _DESCRIPTION, description)
    size = [1, shape.channels, shape.height, shape.width]
    weights.write_json(job.model_dir / _SHAPES, [{"shape": size, "name": "data"}])


def describe(folder: Path) -> Mapping[str, Any]:
    """What the model says of itself.

    Raises:
        RefusedError: it is not one of `save`.
    """
    return weights.read_json(folder / _DESCRIPTION, _MEMBERS)


def load(folder: Path, description: Mapping[str, Any]) -> Any:
    """The network with the weights of the model.

    Raises:
        RefusedError: the weights are missing, or do not fit.
    """
    shape = Shape.parse(description["image_shape"])
    net = network.create(description["num_layers"], shape, description["num_classes"])
    weights.load(net, folder / weights_name(description["epoch"]))
    return net
