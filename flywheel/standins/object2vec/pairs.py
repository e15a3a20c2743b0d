"""Pairs of token sequences, from channels and requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from flywheel.standins.codecs import json_lines
from flywheel.standins.codecs.json_lines import read_lines
from flywheel.standins.codecs.matrix import data_files
from flywheel.standins.codecs.requests import JSON, instances
from flywheel.standins.contract import RefusedError, Request
from flywheel.standins.job import Channel

SIDES = ("in0", "in1")
Tokens = list[int]


@dataclass
class Pairs:
    """Columns of equal length.

    Attributes:
        tokens: of in0 and of in1.
        labels: classes or scores; empty in a request.
    """

    tokens: tuple[list[Tokens], list[Tokens]] = field(default_factory=lambda: ([], []))
    labels: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.tokens[0])

    def lengths(self) -> list[int]:
        """Of the longer side of each pair."""
        return [max(map(len, pair)) for pair in zip(*self.tokens, strict=True)]

    def chosen(self, places: Sequence[int] | np.ndarray[Any, Any]) -> Pairs:
        """Some of the pairs."""
        first, second = ([side[place] for place in places] for side in self.tokens)
        return Pairs((first, second), [self.labels[place] for place in places])


def read_pairs(channel: Channel, vocab_sizes: tuple[int, int], num_classes: int | None) -> Pairs:
    """The lines `{"label": 1, "in0": [6, 17], "in1": [16, 21]}` of a channel.

    Args:
        channel: of JSON Lines.
        vocab_sizes: tokens are below these.
        num_classes: labels are whole numbers below it; None: any numbers.

    Raises:
        RefusedError: a line is none, with its number, or there is no line.
    """
    pairs = Pairs()
    for path in data_files(channel):
        for number, value in enumerate(read_lines(path.read_bytes()), start=1):
            where = f"channel {channel.name}, file {path.name}, line {number}"
            entry = _mapping(value, where)
            for side, name in enumerate(SIDES):
                pairs.tokens[side].append(_tokens(entry, name, vocab_sizes[side], where))
            pairs.labels.append(_label(entry, num_classes, where))
    if not len(pairs):
        raise RefusedError(f"channel {channel.name} has no line; there must be at least one")
    return pairs


def read_request(
    request: Request, vocab_sizes: tuple[int, int]
) -> tuple[list[Tokens] | None, list[Tokens] | None]:
    """The sequences of in0 and of in1; one of them is None where embeddings are wanted.

    Raises:
        RefusedError: 400 for a body in another form, 415 for another content type.
    """
    if request.content_type not in (JSON, json_lines.CONTENT_TYPE):
        raise RefusedError(
            f"the content type is {request.content_type or 'missing'}; it must be {JSON} or "
            f"{json_lines.CONTENT_TYPE}",
            status=415,
        )
    entries = [
        _mapping(entry, f"instance {number}")
        for number, entry in enumerate(instances(request), start=1)
    ]
    if not entries:
        raise RefusedError("the request has no instance; it must have at least one")
    present = {tuple(name for name in SIDES if name in entry) for entry in entries}
    if len(present) > 1 or present == {()}:
        raise RefusedError(
            "the instances must all have in0 and in1, for scores, or all the same one of them, for "
            "embeddings"
        )
    (names,) = present
    sides = [
        [
            _tokens(entry, name, vocab_sizes[side], f"instance {number}")
            for number, entry in enumerate(entries, start=1)
        ]
        if name in names
        else None
        for side, name in enumerate(SIDES)
    ]
    return sides[0], sides[1]


def max_lengths(request: Request, default: tuple[int, int]) -> tuple[int, int]:
    """`infer_max_seqlens` of the content type: how much of in0 and in1 is looked at.

    Raises:
        RefusedError: it is not two whole numbers from 1 to 5000.
    """
    text = request.parameters.get("infer_max_seqlens")
    if text is None:
        return default
    parts = [part.strip() for part in text.split(",")]
    good = [part.isascii() and part.isdecimal() and 1 <= int(part) <= 5000 for part in parts]
    if good != [True, True]:
        raise RefusedError(
            f"infer_max_seqlens is {text!r}; it must be two whole numbers from 1 to 5000, such as "
            "20,20"
        )
    return int(parts[0]), int(parts[1])


def _mapping(entry: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(entry, dict):
        raise RefusedError(f'{where} is no object such as {{"in0": [6, 17], "in1": [16]}}')
    return entry


def _tokens(entry: Mapping[str, Any], name: str, vocab_size: int, where: str) -> Tokens:
    values = entry.get(name)
    if not isinstance(values, list) or not values or any(type(v) is not int for v in values):
        raise RefusedError(f"{name} of {where} must be a list of at least one whole number")
    if min(values) < 0 or max(values) >= vocab_size:
        wrong = next(value for value in values if not 0 <= value < vocab_size)
        raise RefusedError(
            f"{name} of {where} has the token {wrong}; with enc{name[-1]}_vocab_size = "
            f"{vocab_size} tokens are 0 to {vocab_size - 1}"
        )
    return values


def _label(entry: Mapping[str, Any], num_classes: int | None, where: str) -> float:
    label = entry.get("label")
    if isinstance(label, bool) or not isinstance(label, int | float) or not np.isfinite(label):
        raise RefusedError(f"label of {where} must be a number")
    if num_classes is not None and (label != int(label) or not 0 <= label < num_classes):
        raise RefusedError(
            f"label of {where} is {label}; with num_classes = {num_classes} it must be a whole "
            f"number from 0 to {num_classes - 1}"
        )
    return float(label)
