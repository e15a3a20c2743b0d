"""Instance types that SageMaker's API knows, by what runs on them."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from flywheel.algorithms.errors import RefusedError, nearest

Kind = Literal["training", "processing", "hosting", "transform"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Processor = Literal["cpu", "gpu", "arm64", "neuron"]
DATA_FILE = Path(__file__).with_name("instance_types.json")

_ARM64 = re.compile(r"[a-z]+\d+g[a-z]*|.*-gb\d+")
_NEURON = re.compile(r"(inf|trn)\d+.*")
_GPU = re.compile(r"[gp]\d+.*")


@cache
def known(kind: Kind) -> tuple[str, ...]:
    """All instance types of this kind, in alphabetical order."""
    return tuple(_data()[kind])


def check(kind: Kind, instance_type: str) -> None:
    """Raises RefusedError for an instance type that SageMaker's API does not take for this kind."""
    types = known(kind)
    if instance_type in types:
        return
    guess = instance_type if instance_type.startswith("ml.") else f"ml.{instance_type}"
    near = guess if guess in types else _nearest(guess, types)
    raise RefusedError(
        f"it must be an instance type that SageMaker offers for {kind}",
        f"The nearest is {near}." if near else "For example ml.m5.xlarge.",
    )


def processor_of(instance_type: str) -> Processor:
    """What the code in the container runs on; AWS builds an image for each.

    Source: Amazon EC2 User Guide, "Naming conventions": `g` after the generation is Graviton.
    """
    family = instance_type.removeprefix("ml.").split(".")[0]
    if _NEURON.fullmatch(family):
        return "neuron"
    if _ARM64.fullmatch(family):
        return "arm64"
    return "gpu" if _GPU.fullmatch(family) else "cpu"


def _nearest(guess: str, types: tuple[str, ...]) -> str | None:
    family = guess.rsplit(".", 1)[0]
    same_family = [name for name in types if name.rsplit(".", 1)[0] == family]
    return nearest(guess, same_family or types)


@cache
def _data() -> dict[str, list[str]]:
    data: dict[str, list[str]] = json.loads(DATA_FILE.read_text(encoding="utf-8"))
    return data
