"""A training job as a container finds it below /opt/ml."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flywheel.algorithms import catalogue
from flywheel.algorithms.catalogue import Algorithm, Hyperparameter
from flywheel.algorithms.given import Training, given


@dataclass(frozen=True)
class Channel:
    """One input of the job.

    Attributes:
        content_type: lower case, without parameters; None where the request names none and the
            algorithm has no default.
        parameters: of the content type, such as label_size.
        files: what was downloaded, sorted by name. In Pipe mode: what the pipe gave, as one file.
    """

    name: str
    folder: Path
    content_type: str | None
    parameters: Mapping[str, str]
    files: tuple[Path, ...]
    record_wrapper: str | None = None
    input_mode: str = "File"


@dataclass(frozen=True)
class Job:
    """What a stand-in learns with.

    Attributes:
        algorithm: its row of the catalogue.
        hyperparameters: every one that is written or has a default, typed: numbers, booleans,
            lists; what is neither is absent. `auto` and other words stay text.
        written: the names of those that the request gives itself.
        channels: by name.
        model_dir: what lies here becomes model.tar.gz.
        checkpoint_dir: kept in S3 where the request has a CheckpointConfig.
    """

    algorithm: Algorithm
    hyperparameters: Mapping[str, Any]
    written: frozenset[str]
    channels: Mapping[str, Channel]
    model_dir: Path
    checkpoint_dir: Path

    def get(self, name: str, default: Any = None) -> Any:
        """A hyperparameter, or what to take where it has neither a value nor a default."""
        return self.hyperparameters.get(name, default)


def read_job(key: str, opt_ml: Path | None = None) -> Job:
    """The job that SAGEMAKER_BASE_DIR (or /opt/ml) describes, for one row of the catalogue."""
    base = opt_ml or Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    config = base / "input" / "config"
    algorithm = catalogue.find(key)
    written: dict[str, str] = json.loads((config / "hyperparameters.json").read_text())
    return Job(
        algorithm=algorithm,
        hyperparameters=typed(algorithm, written),
        written=frozenset(_own_name(algorithm, name) for name in values_of(algorithm, written)),
        channels=_channels(
            json.loads((config / "inputdataconfig.json").read_text()), base, algorithm
        ),
        model_dir=base / "model",
        checkpoint_dir=base / "checkpoints",
    )


def typed(algorithm: Algorithm, written: Mapping[str, str]) -> dict[str, Any]:
    """Hyperparameters as values: SageMaker passes every one as text.

    Args:
        algorithm: its row of the catalogue.
        written: as the request has them; other names than the algorithm's are passed over.

    Returns:
        Numbers, booleans, lists and words, by the algorithm's own names: what is written, and the
        defaults of the rest. What has no effect with these settings is left out.
    """
    values = values_of(algorithm, written)
    known = given(algorithm, Training(hyperparameters=values))
    own = {_own_name(algorithm, name): value for name, value in values.items()}
    found = {}
    for hyperparameter in algorithm.hyperparameters.values():
        value = own.get(hyperparameter.name, hyperparameter.default)
        if value is not None and known.holds(hyperparameter.applies_when, in_doubt=True):
            found[hyperparameter.name] = _plain(hyperparameter, value)
    return found


def values_of(algorithm: Algorithm, written: Mapping[str, str]) -> dict[str, Any]:
    """What is written, with the same names, as values; what cannot be one stays text."""
    pairs = ((name, text, algorithm.hyperparameter(name)) for name, text in written.items())
    return {name: _value(found, text) for name, text, found in pairs if found is not None}


def _plain(hyperparameter: Hyperparameter, value: Any) -> Any:
    """A value in the one form of its type."""
    if isinstance(value, tuple):
        return list(value)
    is_whole = hyperparameter.type == "float" and isinstance(value, int)
    return float(value) if is_whole else value


def _own_name(algorithm: Algorithm, name: str) -> str:
    hyperparameter = algorithm.hyperparameter(name)
    return name if hyperparameter is None else hyperparameter.name


def _value(hyperparameter: Hyperparameter, text: str) -> Any:
    if text in hyperparameter.also:
        return text
    value = _READERS[hyperparameter.type](hyperparameter, text.strip())
    return text if value is None else value


def _integer(hyperparameter: Hyperparameter, text: str) -> int | float | None:
    whole = re.fullmatch(r"[+-]?[0-9]{1,18}", text)
    return int(text) if whole else _float(hyperparameter, text)


def _float(_: Hyperparameter, text: str) -> float | None:
    number = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
    return float(text) if re.fullmatch(number, text) else None


def _boolean(hyperparameter: Hyperparameter, text: str) -> bool | None:
    return bool(hyperparameter.words.index(text)) if text in hyperparameter.words else None


def _words(_: Hyperparameter, text: str) -> str:
    return text


def _list(hyperparameter: Hyperparameter, text: str) -> Sequence[Any] | None:
    if hyperparameter.written in ("json", "nested"):
        try:
            entries = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return entries if isinstance(entries, list) else None
    if hyperparameter.written == "tuple":
        text = text.removeprefix("(").removesuffix(")").removesuffix(",")
    items = hyperparameter.items
    read = _READERS[items.type] if items else _words
    words = [word.strip() for word in text.split(",")]
    values = [read(hyperparameter, word) for word in words]
    return [word if value is None else value for word, value in zip(words, values, strict=True)]


_READERS: Mapping[str, Callable[[Hyperparameter, str], Any]] = {
    "integer": _integer,
    "float": _float,
    "boolean": _boolean,
    "choice": _words,
    "text": _words,
    "list": _list,
}


def split_content_type(text: str) -> tuple[str, dict[str, str]]:
    """`text/csv; label_size=0` becomes ("text/csv", {"label_size": "0"})."""
    base, *rest = (part.strip() for part in text.split(";"))
    pairs = (part.partition("=") for part in rest if part)
    return base.lower(), {name.strip().lower(): value.strip() for name, _, value in pairs}


def _channels(
    settings: Mapping[str, Mapping[str, str]], base: Path, algorithm: Algorithm
) -> dict[str, Channel]:
    channels = {}
    for name, channel in settings.items():
        folder = base / "input" / "data" / name
        known = algorithm.channels.get(name)
        default = known.default_content_type if known else None
        content_type, parameters = split_content_type(channel.get("ContentType") or default or "")
        wrapper = channel.get("RecordWrapperType", "None")  # which SageMaker always writes
        channels[name] = Channel(
            name=name,
            folder=folder,
            content_type=content_type or None,
            parameters=parameters,
            files=tuple(sorted(path for path in folder.rglob("*") if path.is_file())),
            record_wrapper=None if wrapper == "None" else wrapper,
            input_mode=channel.get("TrainingInputMode", "File"),
        )
    return channels
