"""Two rendered values compared, property by property."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flywheel.review.schemas import Pointer

_NAMES = (
    "Key",
    "Name",
    "Id",
    "VariantName",
    "AttributeName",
    "IndexName",
    "DeviceName",
    "PolicyName",
    "Sid",
)
"""Properties by which items of a list are told apart."""
_JSON = re.compile(r"\s*[\[{]")


@dataclass(frozen=True)
class Difference:
    """One place where two values differ; None where there is nothing."""

    path: tuple[str, ...]
    """Steps for the schema: `*` for an item of a list."""
    label: str
    """The same for a reader: ProductionVariants[main].InstanceType."""
    before: Any
    after: Any


class Comparison:
    """How to compare the values of one type of resource.

    Args:
        same: Whether two scalar texts are the same.
        is_set: Whether the list at a path has no order.
    """

    def __init__(
        self, same: Callable[[str, str], bool], is_set: Callable[[Pointer], bool] | None = None
    ) -> None:
        self._same = same
        self._is_set = is_set or (lambda _path: False)

    def differences(self, before: Any, after: Any) -> list[Difference]:
        return list(self._differences(before, after, (), ""))

    def equal(self, before: Any, after: Any) -> bool:
        return not any(True for _ in self._differences(before, after, (), ""))

    def _differences(
        self, before: Any, after: Any, path: tuple[str, ...], label: str
    ) -> Iterator[Difference]:
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from self._mappings(before, after, path, label)
        elif isinstance(before, list) and isinstance(after, list):
            yield from self._lists(before, after, path, label)
        elif isinstance(before, str) and isinstance(after, str):
            if not self._same(before, after):
                documents = _document(before), _document(after)
                if None not in documents:
                    yield from self._differences(*documents, path, label)
                else:
                    yield Difference(path, label, before, after)
        elif before != after:
            yield Difference(path, label, before, after)

    def _mappings(
        self,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        path: tuple[str, ...],
        label: str,
    ) -> Iterator[Difference]:
        for key in sorted({**before, **after}):
            inside = f"{label}.{key}" if label else key
            yield from self._differences(before.get(key), after.get(key), (*path, key), inside)

    def _lists(
        self, before: list[Any], after: list[Any], path: tuple[str, ...], label: str
    ) -> Iterator[Difference]:
        inside = (*path, "*")
        name = _naming(before, after)
        if name:
            old = {item[name]: item for item in before}
            new = {item[name]: item for item in after}
            for key in [*old, *(key for key in new if key not in old)]:
                yield from self._differences(old.get(key), new.get(key), inside, f"{label}[{key}]")
            return
        removed, added = self._unmatched(before, after, ordered=not self._is_set(path))
        if not removed and not added:
            return
        if len(removed) == len(added) and all(isinstance(x, dict) for x in [*removed, *added]):
            for number, (old_item, new_item) in enumerate(zip(removed, added, strict=True), 1):
                yield from self._differences(old_item, new_item, inside, f"{label}[{number}]")
        elif len(removed) == len(added) == 1:
            yield Difference(inside, f"{label}[]", removed[0], added[0])
        else:
            yield Difference(inside, f"{label}[]", removed or None, added or None)

    def _unmatched(
        self, before: list[Any], after: list[Any], *, ordered: bool
    ) -> tuple[list[Any], list[Any]]:
        """Items of the one list that the other lacks; when only the order differs, all of it."""
        remaining = list(after)
        removed = []
        for item in before:
            for index, other in enumerate(remaining):
                if self.equal(item, other):
                    del remaining[index]
                    break
            else:
                removed.append(item)
        if not removed and not remaining and ordered:
            pairs = zip(before, after, strict=True)
            if not all(self.equal(item, other) for item, other in pairs):
                return before, after
        return removed, remaining


def _naming(before: list[Any], after: list[Any]) -> str | None:
    """The property by which all items of both lists can be told apart."""
    items = [*before, *after]
    if not before or not after or not all(isinstance(item, Mapping) for item in items):
        return None
    for name in _NAMES:
        if all(
            len({str(item.get(name)) for item in one}) == len(one)
            and all(isinstance(item.get(name), str) for item in one)
            for one in (before, after)
        ):
            return name
    return None


def _document(text: str) -> Any:
    """A JSON document inside a text, with its scalars as text; None when it is none."""
    if not _JSON.match(text):
        return None
    try:
        return _as_text(json.loads(text))
    except ValueError:
        return None


def _as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)
