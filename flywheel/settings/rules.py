"""Rules between settings. Each looks at what is valid by itself and is skipped where it is not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flywheel.settings.document import Step, setting_name

Steps = tuple[Step, ...]


@dataclass(frozen=True)
class Broken:
    """A rule that is not kept: at which setting, and the rule and remedy in words."""

    steps: Steps
    rule: str
    remedy: str = ""
    value: str | None = None
    """What is said in the place of the value, where the value itself says nothing."""


class AbsentError(Exception):
    """A value that a rule needs is missing or already refused."""


class Values:
    """Reads nested settings; what is missing or invalid by itself raises AbsentError."""

    def __init__(self, data: object, invalid: frozenset[Steps] = frozenset()) -> None:
        self._data = data
        self._invalid = invalid

    def __call__(self, *steps: Step) -> Any:
        here: Any = self._data
        for index, step in enumerate(steps):
            if steps[: index + 1] in self._invalid:
                raise AbsentError(setting_name(steps))
            try:
                here = here[step]
            except (KeyError, IndexError, TypeError) as error:
                raise AbsentError(setting_name(steps)) from error
        if steps in self._invalid:
            raise AbsentError(setting_name(steps))
        return here

    def get(self, *steps: Step, default: Any) -> Any:
        """The value, or the default where its group is given without it."""
        group = self(*steps[:-1]) if len(steps) > 1 else self._data
        if self.is_refused(*steps):
            raise AbsentError(setting_name(steps))
        if isinstance(group, dict) and steps[-1] not in group:
            return default
        return self(*steps)

    def is_refused(self, *steps: Step) -> bool:
        """Whether the value, or a group around it, is invalid by itself."""
        return any(steps[: index + 1] in self._invalid for index in range(len(steps)))

    def entries(self, *steps: Step) -> Iterator[Steps]:
        """The way to each entry of a list, valid or not; nothing where the list is missing."""
        here: Any = self._data
        for step in steps:
            if not isinstance(here, dict) or step not in here:
                return
            here = here[step]
        if isinstance(here, list | tuple):
            yield from ((*steps, index) for index in range(len(here)))


Rule = Callable[[Values], Iterator[Broken]]


def broken(rules: tuple[Rule, ...], values: Values) -> list[Broken]:
    """All rules that are not kept."""
    return [found for rule in rules for found in _applied(rule(values))]


def for_each(rule: Callable[[Values, Steps], Iterator[Broken]], *steps: Step) -> Rule:
    """The rule, applied to each entry of a list by itself."""

    def apply(values: Values) -> Iterator[Broken]:
        for entry in values.entries(*steps):
            yield from _applied(rule(values, entry))

    return apply


def unique(*steps: Step, key: str | None = None) -> Rule:
    """The rule that no two entries of a list are the same, or have the same `key`."""

    def apply(values: Values) -> Iterator[Broken]:
        first: dict[Any, Steps] = {}
        for entry in values.entries(*steps):
            here = (*entry, key) if key else entry
            try:
                value = values.get(*here, default=None)
            except AbsentError:
                continue
            if value is None or not isinstance(value, str):
                continue
            if value in first:
                same = f"{setting_name(first[value])} is the same."
                yield Broken(here, "it must not be given twice", same)
            first.setdefault(value, here)

    return apply


def _applied(found: Iterator[Broken]) -> Iterator[Broken]:
    try:
        yield from found
    except AbsentError:
        return
