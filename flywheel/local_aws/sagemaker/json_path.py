"""The JSONPath expressions that batch transform knows: names, indices, lists of them, slices.

Source: SageMaker developer guide, "Associate Prediction Results with Input Records". A slice ends
before its second number, as in JSONPath.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_STEP = re.compile(r"\.?\[(?P<inside>[^\]]*)\]|\.(?P<name>[A-Za-z_][\w-]*)|\.(?P<all>\*)")
_NAME = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_INDEX = re.compile(r"-?\d+")
_SLICE = re.compile(r"(-?\d+)?:(-?\d+)?")

Step = Callable[[Any], Any]


class JsonPathError(Exception):
    """The expression is none, or the data does not have what it names."""


@dataclass(frozen=True)
class JsonPath:
    """One expression, ready to be applied."""

    text: str
    steps: tuple[Step, ...]

    def apply(self, value: Any) -> Any:
        """What the expression selects.

        Raises:
            JsonPathError: the value has no such part.
        """
        for step in self.steps:
            try:
                value = step(value)
            except (KeyError, IndexError, TypeError, AttributeError) as error:
                raise JsonPathError(
                    f"{self.text} does not fit the data: {type(error).__name__} {error}"
                ) from error
        return value


def parse(text: str) -> JsonPath:
    """Read an expression.

    Raises:
        JsonPathError: it is not one that SageMaker knows.
    """
    return JsonPath(text, tuple(_steps(text)))


def _steps(text: str) -> Iterator[Step]:
    if not text.startswith("$"):
        raise JsonPathError(f"{text} must begin with $")
    position = 1
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            raise JsonPathError(f"{text} has no operator that SageMaker knows at {position}")
        position = found.end()
        if found["name"] is not None:
            yield _member(found["name"])
        elif found["all"] is not None or found["inside"].strip() == "*":
            yield _everything
        else:
            yield _inside(found["inside"], text)


def _inside(inside: str, text: str) -> Step:
    parts = [part.strip() for part in inside.split(",")]
    names = [_NAME.fullmatch(part) for part in parts]
    if all(names):
        words = [name[1] if name[1] is not None else name[2] for name in names if name]
        return _member(words[0]) if len(words) == 1 else _members(words)
    if len(parts) == 1 and _INDEX.fullmatch(parts[0]):
        return _item(int(parts[0]))
    if all(_INDEX.fullmatch(part) or _SLICE.fullmatch(part) for part in parts):
        return _items(parts)
    raise JsonPathError(f"{text} has [{inside}], which SageMaker does not know")


def _everything(value: Any) -> Any:
    return list(value.values()) if isinstance(value, dict) else list(value)


def _member(name: str) -> Step:
    return lambda value: value[name]


def _members(names: list[str]) -> Step:
    return lambda value: {name: value[name] for name in names}


def _item(index: int) -> Step:
    return lambda value: _as_list(value)[index]


def _items(parts: list[str]) -> Step:
    def step(value: Any) -> Any:
        items = _as_list(value)
        chosen: list[Any] = []
        for part in parts:
            if found := _SLICE.fullmatch(part):
                low, high = (int(one) if one else None for one in found.groups())
                chosen.extend(items[low:high])
            else:
                chosen.append(items[int(part)])
        return chosen

    return step


def _as_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("an index needs a list")
    return value
