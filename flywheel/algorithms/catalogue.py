"""SageMaker's built-in algorithms, as data: `catalogue/<algorithm>.json`, read when asked for.

17 files describe 19 rows: BlazingText and Linear Learner have two modes each, which share what is
the same. A file says in `corrections` where AWS's own sources disagree and which one it follows,
and in `unverified` what none of them states.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

from flywheel.algorithms.errors import RefusedError, nearest

DATA_FOLDER = Path(__file__).with_name("catalogue")

Scalar = bool | int | float | str
Condition = tuple[Mapping[str, tuple[str, ...]], ...]
"""Alternatives, each a set of settings with the values that it wants, as text; `*` is any value.
A setting is a hyperparameter, channels.<name>.content_type, channels.<name>.input_mode, processor
(cpu or gpu) or several_instances (true or false). Empty: always."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a value must be; None and empty: no such limit."""

    min: float | None = None
    above: float | None = None
    max: float | None = None
    below: float | None = None
    multiple_of: int | None = None
    choices: tuple[Scalar, ...] = ()
    pattern: str | None = None
    """A regular expression for the whole text; with choices: what else is one of them."""


@dataclass(frozen=True, kw_only=True)
class Stricter(Bounds):
    """The stricter of two rules where AWS's sources disagree: a value that breaks it may work."""

    source: str


@dataclass(frozen=True, kw_only=True)
class Items(Bounds):
    """What the entries of a list must be."""

    type: Literal["integer", "float", "choice", "text"]


@dataclass(frozen=True, kw_only=True)
class TuningRange:
    """The range that AWS recommends for tuning: from min to max, or some values."""

    min: float | None = None
    max: float | None = None
    scaling: str = "Auto"
    values: tuple[Scalar, ...] = ()
    when: Condition = ()


@dataclass(frozen=True, kw_only=True)
class Hyperparameter(Bounds):
    """One hyperparameter. SageMaker passes every value as text."""

    name: str
    type: Literal["integer", "float", "boolean", "choice", "text", "list"]
    required: bool = False
    required_when: Condition = ()
    says: str = ""
    """The pattern in words."""
    words: tuple[str, ...] = ()
    """How the algorithm writes false and true."""
    also: tuple[str, ...] = ()
    """Words that it takes besides, for example auto."""
    written: Literal["json", "commas", "nested", "tuple"] = "json"
    """How a list is written as text."""
    items: Items | None = None
    stricter: Stricter | None = None
    default: Scalar | tuple[Scalar, ...] | None = None
    """None: there is none, or it is not to be written."""
    applies_when: Condition = ()
    requires: str | None = None
    """Another hyperparameter that must be given with it."""
    requires_channel: str | None = None
    aliases: tuple[str, ...] = ()
    tuning: tuple[TuningRange, ...] = ()
    """Empty: SageMaker does not tune it."""


@dataclass(frozen=True, kw_only=True)
class ContentType:
    """One content type of a channel."""

    input_modes: tuple[str, ...]
    doubtful_input_modes: tuple[str, ...] = ()
    """Named by a common page of AWS's guide, not by the algorithm's own."""
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What may follow the content type, for example label_size. One with a single value is
    written by Flywheel where the settings leave it out."""


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One input of a training job."""

    name: str
    required: bool = False
    required_when: Condition = ()
    content_types: Mapping[str, ContentType] = field(default_factory=dict)
    """Empty: AWS names none."""
    input_modes: tuple[str, ...] = ("File",)
    """Where there are no content types."""
    default_content_type: str | None = None
    exact_content_type: bool = False
    """The container compares the content type as a whole: nothing may follow it."""
    distribution: str | None = None
    """The S3DataDistributionType that AWS recommends."""
    files: tuple[str, ...] = ()
    augmented_manifest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Instances:
    """What it runs on."""

    cpu: bool
    gpu: bool
    gpu_families: tuple[str, ...] = ()
    """Families that AWS names (2023; newer ones may work). Empty: it names none."""
    cpu_doubtful: bool = False
    gpu_unused: bool = False
    gpu_when: Condition = ()
    several_instances: bool = False
    several_instances_when: Condition = ()
    recommended: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number that the algorithm reports, which tuning can have as its objective."""

    name: str
    goal: Literal["minimize", "maximize"]
    when: Condition = ()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule between settings; exactly one of choices, one_of, order and sum is given."""

    when: Condition = ()
    choices: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    one_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of these entries a list may have one."""
    order: tuple[str, ...] = ()
    """Two hyperparameters with `at most` or `less than` between them."""
    sum: tuple[str, ...] = ()
    min: float | None = None
    max: float | None = None


@dataclass(frozen=True, kw_only=True)
class Response:
    """What an endpoint answers to one value of Accept. A protobuf record is shown by its parts."""

    accept: str
    example: Any
    when: Condition = ()


@dataclass(frozen=True, kw_only=True)
class Transform:
    """How batch transform asks the algorithm, which is how Flywheel evaluates it.

    Source: Amazon SageMaker Developer Guide, "Use Batch Transform with Built-in Algorithms", and
    the algorithm's own page where it names other formats.
    """

    content_type: str
    """Of a request, one of `requests`."""
    accept: str
    """Of the answer, one of `responses`."""
    split_type: Literal["None", "Line"]
    """None: a file is one request; Line: each line is one, and many are sent at once."""
    assemble_with: Literal["None", "Line"]
    """Line: the answers in an output file end in a line break each."""
    batch_strategy: Literal["MultiRecord", "SingleRecord"] | None = None
    """None: the container says how many lines it takes at once."""


@dataclass(frozen=True, kw_only=True)
class Inference:
    """Requests by content type, an example for each form that is taken; and the responses."""

    requests: Mapping[str, tuple[Any, ...]]
    responses: tuple[Response, ...]
    transform: Transform
    accept_equals_content_type: bool = False
    request_parameters: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    row: tuple[str, ...] = ()
    """What the numbers of a row of the response are."""
    max_payload_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Image:
    """Name and version as `images.image_uri` takes them."""

    name: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Correction:
    """Where AWS's sources disagree: what another one says and what is taken."""

    about: str
    other: str
    taken: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """One row of the catalogue."""

    key: str
    name: str
    image: Image
    learning: Literal["supervised", "unsupervised"]
    tasks: tuple[str, ...]
    channels: Mapping[str, Channel]
    fast_file: bool = True
    """Whether FastFile may be had where File may."""
    training: Instances
    hosting: Instances
    hyperparameters: Mapping[str, Hyperparameter]
    rules: tuple[Rule, ...] = ()
    tunable: bool = True
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    metric_regex: str | None = None
    """How the container's log shows a metric; `<metric>` stands for its name."""
    inference: Inference
    artifacts: tuple[str, ...] = ()
    incremental_training: Mapping[str, Any] = field(default_factory=dict)
    checkpoints: bool | None = None
    """None: AWS does not say."""
    sources: tuple[str, ...]
    corrections: tuple[Correction, ...] = ()
    unverified: tuple[str, ...] = ()

    def hyperparameter(self, name: str) -> Hyperparameter | None:
        """The hyperparameter of this name or alias, if there is one."""
        return self.hyperparameters.get(name) or next(
            (known for known in self.hyperparameters.values() if name in known.aliases), None
        )


@cache
def keys() -> tuple[str, ...]:
    """The keys of all 19 rows, in alphabetical order."""
    return tuple(sorted(key for path in DATA_FOLDER.glob("*.json") for key in _rows(path)))


@cache
def find(key: str) -> Algorithm:
    """One row; reads its file only.

    Raises:
      RefusedError: there is no such algorithm.
    """
    for path in DATA_FOLDER.glob("*.json"):
        if key.startswith(path.stem) and key in _rows(path):
            return _algorithm(key, _rows(path)[key])
    near = nearest(key, keys())
    raise RefusedError(
        f"the built-in algorithms are {', '.join(keys())}",
        f"The nearest is {near}." if near else "",
    )


@cache
def _rows(path: Path) -> Mapping[str, Mapping[str, Any]]:
    data = json.loads(path.read_text(encoding="utf-8"))
    modes: Mapping[str, Mapping[str, Any]] = data.pop("modes", {})
    if not modes:
        return {path.stem: data}
    return {f"{path.stem}_{mode}": _merged(data, own) for mode, own in modes.items()}


def _merged(shared: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    merged = dict(shared)
    for section, value in own.items():
        before = merged.get(section)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[section] = before | value
        elif isinstance(before, list) and isinstance(value, list):
            merged[section] = before + value
        else:
            merged[section] = value
    return merged


def _algorithm(key: str, data: Mapping[str, Any]) -> Algorithm:
    return _read(Algorithm, {"key": key, **data})


def _read[T](kind: type[T], data: Mapping[str, Any]) -> T:
    """A dataclass from its JSON; a key that it does not have is a TypeError."""
    readers = {f.name: _NESTED[f.name] for f in fields(kind) if f.name in _NESTED}  # type: ignore[arg-type]
    return kind(**{name: readers.get(name, _plain)(value) for name, value in data.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_plain(entry) for entry in value)
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    return value


def _as_it_is(value: Any) -> Any:
    return value


def _one(kind: type[Any]) -> Any:
    return lambda data: _read(kind, data)


def _many(kind: type[Any]) -> Any:
    return lambda data: tuple(_read(kind, entry) for entry in data)


def _named(kind: type[Any]) -> Any:
    return lambda data: {name: _read(kind, {"name": name, **entry}) for name, entry in data.items()}


_NESTED: Mapping[str, Any] = {
    "image": _one(Image),
    "channels": _named(Channel),
    "content_types": lambda data: {name: _read(ContentType, e) for name, e in data.items()},
    "training": _one(Instances),
    "hosting": _one(Instances),
    "hyperparameters": _named(Hyperparameter),
    "items": _one(Items),
    "stricter": _one(Stricter),
    "tuning": _many(TuningRange),
    "rules": _many(Rule),
    "metrics": _named(Metric),
    "inference": _one(Inference),
    "responses": _many(Response),
    "transform": _one(Transform),
    "example": _as_it_is,
    "requests": lambda data: {name: tuple(examples) for name, examples in data.items()},
    "corrections": _many(Correction),
}
