"""The raw objects of a data set: made once in the environment of the data packages, then kept."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from flywheel.algorithms import catalogue
from flywheel.algorithms.errors import nearest
from flywheel.environments import Environment, exclusive
from flywheel.errors import UserError
from flywheel.retraining_loop import RawObject

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements" / "samples.txt"
MAKER = Path(__file__).with_name("make.py")


def keys() -> tuple[str, ...]:
    """What there is a data set for: every row of the catalogue."""
    return catalogue.keys()


def raw_objects(
    key: str,
    *,
    home: Path = ROOT / ".flywheel",
    progress: Callable[[str], None] = lambda _: None,
) -> list[RawObject]:
    """What a producer delivers for this algorithm, below `<workload>/` of the raw zone.

    In the order in which to put it: what is no month's first, then month by month, an image after
    what is said about it. The first call makes the data set, which takes seconds.

    Args:
        key: a row of the catalogue, such as kmeans.
        home: what was made is kept below it.
        progress: called with one sentence before and after an environment is built.

    Raises:
        UserError: there is no such data set, or it cannot be made.
    """
    if key not in keys():
        near = nearest(key, keys())
        remedy = f"The nearest is {near}." if near else f"There are {', '.join(keys())}."
        raise UserError(f"sample is {key}; it must be a row of the catalogue. {remedy}")
    folder = _made(key, home, progress)
    found = [
        RawObject(path.relative_to(folder).as_posix(), path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    ]
    return sorted(found, key=_arrival)


def _made(key: str, home: Path, progress: Callable[[str], None]) -> Path:
    folder = home / "samples" / f"{key}-{_version()}"
    if folder.is_dir():
        return folder
    environment = Environment(
        root=home,
        requirements=REQUIREMENTS,
        name="samples",
        called="the environment of the sample data",
        progress=progress,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            environment.run(["-P", MAKER, key, partial])
            partial.rename(folder)
    return folder


def _version() -> str:
    """Of what the data sets depend on: the packages, and the code that reads them."""
    sources = [REQUIREMENTS, *sorted(MAKER.parent.glob("*.py"))]
    together = b"\0".join(source.read_bytes() for source in sources)
    return hashlib.sha256(together).hexdigest()[:12]


def _arrival(item: RawObject) -> tuple[bool, str, bool, str]:
    month = next((part for part in item.key.split("/") if part.startswith("month=")), "")
    return bool(month), month, item.key.endswith((".png", ".jpg")), item.key
