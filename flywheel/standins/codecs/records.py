"""Amazon's records: protobuf messages of tensors, one RecordIO frame each.

A record maps names to tensors, once for features and once for labels. AWS's SDK writes features and
label under the name `values`; answers carry one label for each field.

Source: sagemaker-training 5.1.4, record_pb2 (package aialgs.data).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from flywheel.standins.codecs import wire
from flywheel.standins.codecs.recordio import read_frames, write_frames
from flywheel.standins.codecs.wire import Array, Span, WireError
from flywheel.standins.contract import RefusedError

CONTENT_TYPE = "application/x-recordio-protobuf"
_FEATURES, _LABEL, _TEXTS = 1, 2, {3: "uid", 4: "metadata", 5: "configuration"}
_KEY, _VALUE = 1, 2
_VALUES, _KEYS, _SHAPE = 1, 2, 3
_DTYPES = {2: np.dtype("<f4"), 3: np.dtype("<f8"), 7: np.dtype("<i4")}
_FIELDS = {dtype: number for number, dtype in _DTYPES.items()}
_BLOB = 9


@dataclass(frozen=True)
class Tensor:
    """Numbers; with keys they are the entries of a sparse vector.

    Attributes:
        values: float32, float64 or int32, one dimension.
        keys: where each value stands, as uint64; None: the vector is dense.
        shape: its dimensions; empty where the writer says nothing.
    """

    values: Array
    keys: Array | None = None
    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class Record:
    """One example, or one answer."""

    features: Mapping[str, Tensor]
    label: Mapping[str, Tensor] = field(default_factory=dict)
    uid: str = ""
    metadata: str = ""
    configuration: str = ""


def read_records(data: bytes) -> list[Record]:
    """All records of a file or a body.

    Raises:
        RefusedError: the data is no RecordIO, or a frame holds no record.
    """
    return [parse_record(frame, index) for index, frame in enumerate(read_frames(data))]


def write_records(records: Iterable[Record]) -> bytes:
    """The records as AWS's SDK writes and reads them."""
    return write_frames(map(serialize_record, records))


def parse_record(data: bytes, index: int = 0) -> Record:
    """One record from its message; `index` is for the error."""
    try:
        maps: dict[int, dict[str, Tensor]] = {_FEATURES: {}, _LABEL: {}}
        texts: dict[str, str] = {}
        for number, kind, span in wire.read_fields(data, 0, len(data)):
            if kind != wire.BYTES:
                continue
            if number in maps:
                name, tensor = _read_entry(data, span)
                maps[number][name] = tensor
            elif number in _TEXTS:
                texts[_TEXTS[number]] = _text(data, span)
        return Record(maps[_FEATURES], maps[_LABEL], **texts)
    except (WireError, UnicodeDecodeError) as error:
        raise RefusedError(
            f"record {index + 1} cannot be read as Amazon's protobuf record: {error}"
        ) from error


def serialize_record(record: Record) -> bytes:
    """One record as its message."""
    written = [_entry(_FEATURES, *pair) for pair in record.features.items()]
    written += [_entry(_LABEL, *pair) for pair in record.label.items()]
    for number, name in _TEXTS.items():
        if text := getattr(record, name):
            written.append(wire.write_bytes(number, text.encode()))
    return b"".join(written)


def _text(data: bytes, span: Span) -> str:
    return data[span[0] : span[1]].decode()


def _read_entry(data: bytes, span: Span) -> tuple[str, Tensor]:
    name, tensor = "", None
    for number, kind, inner in wire.read_fields(data, *span):
        if kind != wire.BYTES:
            continue
        if number == _KEY:
            name = _text(data, inner)
        elif number == _VALUE:
            tensor = _read_value(data, inner)
    return name, tensor or Tensor(np.empty(0, np.float32))


def _read_value(data: bytes, span: Span) -> Tensor | None:
    tensor = None
    for number, kind, inner in wire.read_fields(data, *span):
        if kind != wire.BYTES:
            continue
        if number in _DTYPES:
            tensor = _read_tensor(data, inner, _DTYPES[number])
        elif number == _BLOB:
            raise WireError("it holds bytes where the algorithm takes numbers")
    return tensor


def _read_tensor(data: bytes, span: Span, dtype: np.dtype[Any]) -> Tensor:
    values: list[Array] = []
    keys: list[Array] = []
    shape: list[Array] = []
    for number, kind, inner in wire.read_fields(data, *span):
        if number == _VALUES:
            values.append(_numbers(data, kind, inner, dtype))
        elif number in (_KEYS, _SHAPE):
            if kind not in (wire.BYTES, wire.VARINT):
                raise WireError("keys or a shape are no whole numbers")
            (keys if number == _KEYS else shape).append(wire.read_varints(data, inner))
    return Tensor(
        _joined(values, dtype),
        _joined(keys, np.dtype(np.uint64)) if keys else None,
        tuple(int(size) for part in shape for size in part),
    )


def _numbers(data: bytes, kind: int, span: Span, dtype: np.dtype[Any]) -> Array:
    if dtype.kind == "i":
        if kind not in (wire.BYTES, wire.VARINT):
            raise WireError("the values are no whole numbers")
        whole: Array = wire.read_varints(data, span).astype(np.uint32).view(np.int32)
        return whole
    length = span[1] - span[0]
    alone = wire.FIXED32 if dtype.itemsize == 4 else wire.FIXED64
    if kind not in (wire.BYTES, alone) or length % dtype.itemsize:
        raise WireError(f"the values are no {dtype.name} numbers")
    return np.frombuffer(data, dtype, length // dtype.itemsize, span[0])


def _joined(parts: list[Array], dtype: np.dtype[Any]) -> Array:
    if len(parts) == 1:
        return parts[0]
    joined: Array = np.concatenate(parts) if parts else np.empty(0, dtype)
    return joined


def _entry(number: int, name: str, tensor: Tensor) -> bytes:
    kind = _FIELDS.get(np.dtype(tensor.values.dtype))
    if kind is None:
        raise TypeError(f"a record holds float32, float64 or int32, not {tensor.values.dtype}")
    packed = (
        wire.write_varints(tensor.values)
        if tensor.values.dtype.kind == "i"
        else tensor.values.tobytes()
    )
    content = wire.write_bytes(_VALUES, packed) if packed else b""
    if tensor.keys is not None and tensor.keys.size:
        content += wire.write_bytes(_KEYS, wire.write_varints(tensor.keys.astype(np.uint64)))
    if tensor.shape:
        shape = np.array(tensor.shape, np.uint64)
        content += wire.write_bytes(_SHAPE, wire.write_varints(shape))
    value = wire.write_bytes(kind, content)
    entry = wire.write_bytes(_KEY, name.encode()) + wire.write_bytes(_VALUE, value)
    return wire.write_bytes(number, entry)
