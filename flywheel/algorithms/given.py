"""What a training is given, as conditions see it: every setting with the values it may have."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flywheel.algorithms.catalogue import Algorithm, Condition, Hyperparameter, TuningRange
from flywheel.algorithms.instance_types import processor_of
from flywheel.algorithms.values import refusal, texts

DEFAULT_INPUT_MODE = "File"


@dataclass(frozen=True, kw_only=True)
class ChannelUse:
    """How a training uses one channel. None: not known, or said elsewhere to be wrong."""

    content_type: str | None = None
    input_mode: str | None = DEFAULT_INPUT_MODE


@dataclass(frozen=True, kw_only=True)
class RangeUse:
    """What a tuning job tries for one hyperparameter.

    With neither bounds nor values it is the range that AWS recommends.
    """

    min: object = None
    max: object = None
    values: tuple[object, ...] | None = None
    scaling: str | None = None

    @property
    def is_recommended(self) -> bool:
        """Whether it leaves the bounds to the catalogue."""
        return self.min is None and self.max is None and self.values is None


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """A tuning job: what it tries and which metric decides."""

    ranges: Mapping[str, RangeUse]
    objective: str | None = None
    """None: said elsewhere to be wrong."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """A plain description of a training job, or with `tuning` of many."""

    hyperparameters: Mapping[str, object] = field(default_factory=dict)
    channels: Mapping[str, ChannelUse] = field(default_factory=dict)
    instance_type: str | None = None
    instance_count: int | None = 1
    tuning: Tuning | None = None


_UNKNOWN = None
_Texts = frozenset[str] | None


@dataclass(frozen=True)
class Given:
    """Each setting with the texts it may have; None: it may have any."""

    texts: Mapping[str, _Texts]
    written: frozenset[str]
    """Hyperparameters that are given themselves."""
    defaults: frozenset[str]
    """Hyperparameters that have their default."""

    def holds(self, condition: Condition, *, in_doubt: bool) -> bool:
        """Whether the condition is met; `in_doubt` is the answer where a value is not known."""
        if not condition:
            return True
        met = [self._meets(alternative) for alternative in condition]
        return True in met or (None in met and in_doubt)

    def _meets(self, wanted: Mapping[str, tuple[str, ...]]) -> bool | None:
        met = [self._has(setting, values) for setting, values in wanted.items()]
        return False if False in met else None if None in met else True

    def _has(self, setting: str, values: tuple[str, ...]) -> bool | None:
        if values == ("*",):
            return setting in self.written
        if setting not in self.texts:
            return False
        known = self.texts[setting]
        return None if known is _UNKNOWN else not known.isdisjoint(values)


def given(algorithm: Algorithm, training: Training) -> Given:
    """The settings of a training, with the defaults of what it leaves out."""
    known: dict[str, _Texts] = {}
    written: set[str] = set()
    for own in algorithm.hyperparameters.values():
        if own.default is not None:
            known[own.name] = texts(own, own.default)
    for name, value in training.hyperparameters.items():
        if hyperparameter := algorithm.hyperparameter(name):
            known[hyperparameter.name] = _texts(hyperparameter, [value])
            written.add(hyperparameter.name)
    for name, tried in (training.tuning.ranges if training.tuning else {}).items():
        if hyperparameter := algorithm.hyperparameter(name):
            known[hyperparameter.name] = _tried(hyperparameter, tried)
            written.add(hyperparameter.name)
    for name, channel in training.channels.items():
        base = content_type_of(channel.content_type)[0] if channel.content_type else None
        default = (
            algorithm.channels[name].default_content_type if name in algorithm.channels else None
        )
        known[f"channels.{name}.content_type"] = _one(base or default)
        known[f"channels.{name}.input_mode"] = _one(channel.input_mode)
    if training.instance_type is not None:
        known["processor"] = _one(processor_of(training.instance_type))
    if training.instance_count is not None:
        known["several_instances"] = _one("true" if training.instance_count > 1 else "false")
    defaults = algorithm.hyperparameters.keys() & known.keys() - written
    return Given(known, frozenset(written), frozenset(defaults))


def recommended_range(hyperparameter: Hyperparameter, known: Given) -> TuningRange:
    """The range that AWS recommends for tuning with these settings; there must be one."""
    fitting = [found for found in hyperparameter.tuning if known.holds(found.when, in_doubt=True)]
    return (fitting or hyperparameter.tuning)[0]


def content_type_of(text: str) -> tuple[str, dict[str, str]]:
    """A content type and its parameters: `text/csv; label_size=0`."""
    base, *rest = text.split(";")
    pairs = [part.partition("=") for part in rest if part.strip()]
    return base.strip(), {name.strip(): value.strip() for name, _, value in pairs}


def steps_of(setting: str) -> tuple[str, ...]:
    """Where the settings of a condition stand in a workload."""
    if setting == "processor":
        return ("training", "instance_type")
    if setting == "several_instances":
        return ("training", "instance_count")
    if setting.startswith("channels."):
        return ("training", *setting.split("."))
    return ("training", "hyperparameters", setting)


def in_words(algorithm: Algorithm, condition: Condition) -> str:
    """`optimizer is adam or rmsprop`; alternatives are joined by or."""
    return ", or ".join(
        " and ".join(_in_words(algorithm, setting, values) for setting, values in wanted.items())
        for wanted in condition
    )


def _in_words(algorithm: Algorithm, setting: str, values: tuple[str, ...]) -> str:
    if values == ("*",):
        return f"{setting} is given"
    if setting == "several_instances":
        return "instance_count is more than 1"
    if setting == "processor":
        return f"it runs on a {values[0].upper()}"
    own = algorithm.hyperparameters.get(setting)
    if own and own.words:
        return (
            f"{setting} is {' or '.join('true' if v == own.words[1] else 'false' for v in values)}"
        )
    listed = f"{', '.join(values[:-1])} or {values[-1]}" if len(values) > 1 else values[0]
    return f"{setting} is {listed}"


def _texts(hyperparameter: Hyperparameter, values: Iterable[object]) -> _Texts:
    values = list(values)
    if any(refusal(hyperparameter, value) for value in values):
        return _UNKNOWN
    return frozenset().union(*(texts(hyperparameter, value) for value in values))


def _tried(hyperparameter: Hyperparameter, tried: RangeUse) -> _Texts:
    recommended = hyperparameter.tuning[0].values if hyperparameter.tuning else ()
    values = tried.values or (recommended if tried.is_recommended else ())
    return _texts(hyperparameter, values) if values else _UNKNOWN


def _one(text: str | None) -> _Texts:
    return _UNKNOWN if text is None else frozenset({text})
