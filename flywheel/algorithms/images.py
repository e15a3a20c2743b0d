"""Container images that AWS publishes for SageMaker: built-in algorithms and frameworks.

images.json is generated from AWS's SDK (`python -m flywheel.algorithms.generate`); a test compares
the two for every image, version and region.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from flywheel.algorithms.errors import RefusedError, nearest
from flywheel.algorithms.instance_types import Processor, processor_of

Scope = Literal["training", "inference"]
SCRIPT_FRAMEWORKS = ("huggingface", "pytorch", "sklearn", "tensorflow", "xgboost")
"""Images that run a script of ours. All others are built-in algorithms, and so is xgboost 1."""
DATA_FILE = Path(__file__).with_name("images.json")

_Versions = Mapping[str, Mapping[Processor, str]]


def image_uri(
    framework_or_algorithm: str,
    version: str,
    region: str,
    *,
    instance_type: str | None = None,
    scope: Scope = "training",
) -> str:
    """The ECR URI of an image.

    Args:
      framework_or_algorithm: for example xgboost, pytorch or kmeans.
      version: exactly as AWS writes it, for example 3.2-0; built-in algorithms have version 1.
      region: where the job or endpoint runs; the image comes from a registry there.
      instance_type: what it runs on, which decides between images for CPU, GPU and arm64.
        Without it: the image for CPU, or the only one there is.
      scope: whether the image trains or serves.

    Raises:
      RefusedError: there is no such image; `about` names the argument that does not fit.
    """
    registry, image = _find(framework_or_algorithm, version, instance_type, scope)
    accounts = _data()["registries"][registry]
    if region not in accounts:
        raise RefusedError(
            f"AWS publishes {framework_or_algorithm} {version} in {', '.join(accounts)}",
            "Choose one of these regions, or another image.",
            about="region",
            value=region,
        )
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{accounts[region]}.dkr.ecr.{region}.{suffix}/{image}"


def repository_and_tag(
    framework_or_algorithm: str,
    version: str,
    *,
    instance_type: str | None = None,
    scope: Scope = "training",
) -> str:
    """The part of the URI that is the same in all regions, for example sagemaker-xgboost:3.2-0.

    Raises:
      RefusedError: as `image_uri` does.
    """
    return _find(framework_or_algorithm, version, instance_type, scope)[1]


def names() -> tuple[str, ...]:
    """All frameworks and algorithms, in alphabetical order."""
    return tuple(_data()["images"])


def versions(framework_or_algorithm: str, scope: Scope = "training") -> tuple[str, ...]:
    """All versions of a framework or algorithm, the newest first."""
    return tuple(_newest_first(_versions(framework_or_algorithm, scope)))


def _find(name: str, version: str, instance_type: str | None, scope: Scope) -> tuple[str, str]:
    versions = _versions(name, scope)
    if version not in versions:
        raise _unknown("version", version, f"{name} ({scope}) has", _newest_first(versions))
    registry, image = _for_processor(versions[version], instance_type).split("/")
    return registry, image


def _versions(name: str, scope: Scope) -> _Versions:
    images: Mapping[str, Mapping[str, _Versions]] = _data()["images"]
    if name not in images:
        raise _unknown("framework", name, "AWS publishes images of", images)
    return images[name][scope]


def _for_processor(images: Mapping[Processor, str], instance_type: str | None) -> str:
    if instance_type is None:
        return images["cpu"] if "cpu" in images else next(iter(images.values()))
    processor = processor_of(instance_type)
    if processor not in images:
        offered = " or ".join(_PROCESSOR_WORDS[known] for known in images)
        raise RefusedError(
            f"the image of this version runs on {offered}",
            "Choose such an instance type or another version.",
            about="instance_type",
            value=instance_type,
        )
    return images[processor]


_PROCESSOR_WORDS: Mapping[str, str] = {
    "cpu": "x86 CPUs",
    "gpu": "NVIDIA GPUs",
    "arm64": "Graviton (arm64) CPUs",
}


def _unknown(about: str, value: str, what: str, known: Iterable[str]) -> RefusedError:
    known = list(known)
    near = nearest(value, known)
    listed = ", ".join(known)
    remedy = f"The nearest is {near}." if near else ""
    return RefusedError(f"{what} {listed}", remedy, about=about, value=value)


def _newest_first(versions: Iterable[str]) -> list[str]:
    return sorted(versions, key=_numbers, reverse=True)


def _numbers(version: str) -> tuple[int, ...]:
    words = version.replace("-", ".").replace("py", ".").replace("torch", ".").split(".")
    return tuple(int(word) for word in words if word.isdigit())


@cache
def _data() -> Mapping[str, Mapping[str, Mapping[str, Mapping[str, Mapping[Processor, str]]]]]:
    return json.loads(DATA_FILE.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
