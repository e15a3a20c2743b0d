"""A property before and after, so that one sees at once what is different."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from flywheel.review.verdict import CodeChange, FileChange, PropertyChange, ResourceChange

LONG = 300
"""Longer values are folded."""
_CONTEXT = 40
_ENOUGH = 6
Kind = Literal["same", "out", "in", "gap", "place"]
Piece = tuple[str, Kind]


@dataclass(frozen=True)
class Side:
    """One side of a change.

    Attributes:
        pieces: The value in pieces; those that the other side lacks are told apart.
        items: The same as a list, where the value is one of texts.
        is_set: False where there is nothing.
    """

    pieces: tuple[Piece, ...]
    items: tuple[str, ...] = ()
    is_set: bool = True

    @property
    def length(self) -> int:
        return sum(len(text) for text, _ in self.pieces)

    @property
    def is_long(self) -> bool:
        return self.length > LONG


def sides(change: PropertyChange) -> tuple[Side, Side]:
    """Both sides of a property."""
    if any(map(_is_texts, (change.before, change.after))) and all(
        value in (None, [], ()) or _is_texts(value) for value in (change.before, change.after)
    ):
        return _items(change.before), _items(change.after)
    before, after = _text(change.before), _text(change.after)
    if before is None or after is None:
        return _whole(change.before, "out"), _whole(change.after, "in")
    start, end = _shared(before, after)
    if start + end < _ENOUGH:
        return Side(((before, "out"),)), Side(((after, "in"),))
    return (
        Side(tuple(_pieces(before, start, end, "out"))),
        Side(tuple(_pieces(after, start, end, "in"))),
    )


def lines(file: FileChange) -> list[Piece]:
    """The lines of a diff, each with what it is."""
    kinds: dict[str, Kind] = {"+": "in", "-": "out", "@": "place"}
    return [(line, kinds.get(line[:1], "same")) for line in file.diff.splitlines()]


def num_changed(file: FileChange) -> tuple[int, int]:
    """Lines added and removed, among those that are shown."""
    found = [kind for _, kind in lines(file)]
    return found.count("in"), found.count("out")


def causes(change: ResourceChange) -> list[tuple[str, bool, tuple[str, ...]]]:
    """Replaced resources that this one refers to: path, whether that replaces it too, where."""
    found: dict[str, list[PropertyChange]] = {}
    for each in change.properties:
        if each.because_of:
            found.setdefault(each.because_of, []).append(each)
    return [
        (path, any(each.forces for each in places), tuple(each.path for each in places))
        for path, places in found.items()
    ]


def code(change: ResourceChange) -> list[tuple[CodeChange, tuple[str, ...]]]:
    """Each code asset once, with all properties that carry it."""
    found: dict[str, list[CodeChange]] = {}
    for each in change.code:
        found.setdefault(each.asset, []).append(each)
    return [(same[0], tuple(each.property for each in same)) for same in found.values()]


def _whole(value: Any, kind: Kind) -> Side:
    if value is None:
        return Side((), is_set=False)
    if _is_texts(value):
        return _items(value)
    return Side(((_text(value) or "", kind),))


def _items(value: Any) -> Side:
    if not value:
        return Side((), is_set=False)
    return Side(tuple((each, "same") for each in value), tuple(value))


def _is_texts(value: Any) -> bool:
    """Whether a value is a list of sentences, as a policy's change is."""
    return (
        isinstance(value, list | tuple)
        and len(value) > 0
        and all(isinstance(each, str) and " " in each for each in value)
    )


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) < LONG else json.dumps(value, indent=2, ensure_ascii=False)


def _shared(before: str, after: str) -> tuple[int, int]:
    """How many characters are the same at the start and at the end."""
    most = min(len(before), len(after))
    start = next((n for n in range(most) if before[n] != after[n]), most)
    rest = most - start
    end = next((n for n in range(rest) if before[-1 - n] != after[-1 - n]), rest)
    return start, end


def _pieces(text: str, start: int, end: int, kind: Kind) -> list[Piece]:
    """The start, what differs and the end; of a long value only what is near to it."""
    head, middle, tail = text[:start], text[start : len(text) - end], text[len(text) - end :]
    found: list[Piece] = []
    if len(text) > LONG and len(head) > 2 * _CONTEXT:
        found.append(("…", "gap"))
        head = head[-_CONTEXT:]
    found += [(head, "same"), (middle, kind)]
    if len(text) > LONG and len(tail) > 2 * _CONTEXT:
        found += [(tail[:_CONTEXT], "same"), ("…", "gap")]
    else:
        found.append((tail, "same"))
    return [(piece, what) for piece, what in found if piece]
