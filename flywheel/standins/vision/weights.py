"""A network's weights as a file, and those of an earlier model to begin with."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flywheel.standins import torch_training
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Job
from flywheel.standins.remarks import log

MODEL_CHANNEL = "model"
_FOREIGN = "a model that Amazon's container or another program wrote cannot be read here"


def save(network: Any, path: Path) -> None:
    """Write the weights."""
    torch_training.save(path, {}, network)


def load(network: Any, path: Path) -> None:
    """Read weights that `save` wrote.

    Raises:
        RefusedError: they are of another network, or were not written by `save`.
    """
    _, parameters = torch_training.read(path)
    try:
        network.load_state_dict(parameters)
    except RuntimeError as error:
        raise RefusedError(f"{path.name} has the weights of another network") from error


def write_json(path: Path, content: Any) -> None:
    """Write a description of a model."""
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def read_json(path: Path, names: tuple[str, ...]) -> Mapping[str, Any]:
    """Read a description with these members.

    Raises:
        RefusedError: it is not there, or lacks a member.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RefusedError(f"the model has no readable file {path.name}") from error
    if not isinstance(content, dict) or not all(name in content for name in names):
        raise RefusedError(f"{path.name} has no {', '.join(names)}; {_FOREIGN}")
    return content


@contextmanager
def earlier_model(job: Job) -> Iterator[Path | None]:
    """The folder of the model that the channel `model` brings; None without one.

    Raises:
        RefusedError: the channel holds no model.
    """
    channel = job.channels.get(MODEL_CHANNEL)
    if channel is None:
        yield None
        return
    archives = [path for path in channel.files if path.name.endswith(".tar.gz")]
    if not archives:
        yield channel.folder
        return
    with TemporaryDirectory() as folder:
        try:
            with tarfile.open(archives[0]) as archive:
                archive.extractall(folder, filter="data")
        except (tarfile.TarError, EOFError, OSError) as error:
            raise RefusedError(
                f"{archives[0].name} of the channel {MODEL_CHANNEL} is no model.tar.gz: {error}"
            ) from error
        yield Path(folder)


def check_same(job: Job, earlier: Mapping[str, Any]) -> None:
    """Refuse to go on from a model of another network.

    Raises:
        RefusedError: a hyperparameter that defines the network differs.
    """
    for name in job.algorithm.incremental_training["must_match"]:
        if job.get(name) != earlier.get(name):
            raise RefusedError(
                f"{name} is {job.get(name)}; the model of the channel {MODEL_CHANNEL} has "
                f"{earlier.get(name)}, and both must be the same"
            )
    log("training goes on from the weights of the channel model.")


def say_no_pretrained(job: Job) -> None:
    """Say that use_pretrained_model, which is a default of two algorithms, cannot be had here."""
    if job.get("use_pretrained_model") and MODEL_CHANNEL not in job.channels:
        log(
            "use_pretrained_model: there are no pretrained weights offline; training starts from "
            "random weights, which needs more epochs."
        )
