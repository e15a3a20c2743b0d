"""Pairs of an entity and an IPv4 address, from channels and requests."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flywheel.standins.codecs import csv_rows, json_lines
from flywheel.standins.codecs.json_lines import read_text
from flywheel.standins.codecs.matrix import data_files
from flywheel.standins.codecs.requests import JSON, features_of, instances
from flywheel.standins.contract import RefusedError, Request
from flywheel.standins.job import Channel
from flywheel.standins.ranking import Array

FORMS = (csv_rows.CONTENT_TYPE, JSON, json_lines.CONTENT_TYPE)


@dataclass(frozen=True)
class Events:
    """Who was seen where.

    Attributes:
        entities: a hash of each entity's name, uint32.
        addresses: as numbers, uint32.
    """

    entities: Array
    addresses: Array

    def __len__(self) -> int:
        return len(self.entities)


def read_events(channel: Channel) -> Events:
    """All pairs of a channel.

    Raises:
        RefusedError: a line is no pair of an entity and an address, or there is none.
    """
    pairs: list[Sequence[Any]] = []
    for path in data_files(channel):
        try:
            rows = list(_rows(path.read_bytes()))
            _events(rows)  # so that the error names the file
        except RefusedError as error:
            raise RefusedError(f"channel {channel.name}, file {path.name}: {error}") from error
        pairs += rows
    if not pairs:
        raise RefusedError(f"channel {channel.name} has no rows; there must be at least one")
    return _events(pairs)


def read_request(request: Request) -> Events:
    """The pairs of a request.

    Raises:
        RefusedError: 400 for a body in another form, 415 for another content type.
    """
    if request.content_type not in FORMS:
        raise RefusedError(
            f"the content type is {request.content_type or 'missing'}; it must be one of "
            f"{', '.join(FORMS)}",
            status=415,
        )
    if request.content_type == csv_rows.CONTENT_TYPE:
        rows: Iterable[Sequence[Any]] = _rows(request.body)
    else:
        entries = instances(request)
        rows = [features_of(entry, number)["values"] for number, entry in enumerate(entries, 1)]
    events = _events(rows)
    if not len(events):
        raise RefusedError("the request has no row; it must have at least one")
    return events


def _rows(data: bytes) -> Iterable[Sequence[str]]:
    text = io.StringIO(read_text(data), newline="")
    try:
        return [row for row in csv.reader(text, skipinitialspace=True) if any(row)]
    except csv.Error as error:
        raise RefusedError(f"the data is no CSV: {error}") from error


def _events(rows: Iterable[Sequence[Any]]) -> Events:
    entities, addresses = [], []
    for number, row in enumerate(rows, start=1):
        address = _address(row[1]) if len(row) == 2 else None
        if address is None or not isinstance(row[0], str | int) or isinstance(row[0], bool):
            shown = ",".join(map(str, row))[:80]
            raise RefusedError(
                f"row {number} is {shown!r}; it must be an entity and an IPv4 address such as "
                "192.0.2.1"
            )
        entities.append(zlib.crc32(str(row[0]).strip().encode()))
        addresses.append(address)
    return Events(np.array(entities, np.uint32), np.array(addresses, np.uint32))


def _address(text: Any) -> int | None:
    """Four whole numbers below 256 with dots between, as one number."""
    parts = text.strip().split(".") if isinstance(text, str) else []
    if len(parts) != 4 or not all(_is_octet(part) for part in parts):
        return None
    a, b, c, d = map(int, parts)
    return a << 24 | b << 16 | c << 8 | d


def _is_octet(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 3 and int(text) < 256
