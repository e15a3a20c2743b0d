"""Dense records that differ in their numbers only, as AWS's SDK writes a matrix: read all at once.

The first record says where its numbers stand. If all other bytes are the same in every frame, the
numbers of all records are columns of bytes; if not, the records are read one by one.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from flywheel.standins.codecs import wire
from flywheel.standins.codecs.recordio import MAGIC, MAX_FRAME_BYTES
from flywheel.standins.codecs.wire import Array, Span, WireError

NAME = b"values"
_FLOATS = {2: np.dtype("<f4"), 3: np.dtype("<f8")}
_Place = tuple[Span, np.dtype[Any]]


def read_alike(data: bytes) -> tuple[Array, Array | None] | None:
    """Features and labels of every record; None where the records are not alike."""
    if len(data) < 8:
        return None
    magic, length = struct.unpack_from("<II", data)
    stride = 8 + (length + 3 & ~3)
    if magic != MAGIC or length > MAX_FRAME_BYTES or len(data) % stride:
        return None
    places = _places(data[8 : 8 + length])
    if places is None:
        return None
    frames: Array = np.frombuffer(data, np.uint8).reshape(-1, stride)
    same = np.ones(stride, bool)
    for (start, stop), _ in places.values():
        same[8 + start : 8 + stop] = False
    if not (frames[:, same] == frames[0, same]).all():
        return None
    columns = {
        number: np.ascontiguousarray(frames[:, 8 + start : 8 + stop]).view(dtype)
        for number, ((start, stop), dtype) in places.items()
    }
    return columns[1], columns.get(2)


def _places(record: bytes) -> dict[int, _Place] | None:
    """Where the numbers of features (1) and label (2) stand in a record."""
    places: dict[int, _Place] = {}
    try:
        for number, kind, span in wire.read_fields(record, 0, len(record)):
            place = _in_entry(record, span) if kind == wire.BYTES else None
            if number not in (1, 2) or number in places or place is None:
                return None
            places[number] = place
    except WireError:
        return None
    return places if 1 in places else None


def _in_entry(record: bytes, span: Span) -> _Place | None:
    name, value = _two_fields(record, span)
    if name is None or value is None or record[slice(*name)] != NAME:
        return None
    tensors = list(wire.read_fields(record, *value))
    if len(tensors) != 1 or tensors[0][0] not in _FLOATS or tensors[0][1] != wire.BYTES:
        return None
    numbers = list(wire.read_fields(record, *tensors[0][2]))
    if len(numbers) != 1 or numbers[0][:2] != (1, wire.BYTES):
        return None
    dtype, (start, stop) = _FLOATS[tensors[0][0]], numbers[0][2]
    return None if (stop - start) % dtype.itemsize else ((start, stop), dtype)


def _two_fields(record: bytes, span: Span) -> tuple[Span | None, Span | None]:
    """The key and the value of an entry that has just these."""
    fields = list(wire.read_fields(record, *span))
    if [field[:2] for field in fields] != [(1, wire.BYTES), (2, wire.BYTES)]:
        return None, None
    return fields[0][2], fields[1][2]
