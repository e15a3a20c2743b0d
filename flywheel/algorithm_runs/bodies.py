"""Examples of a workload as request bodies, in every content type that its algorithm takes."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from flywheel.algorithms.catalogue import Algorithm
from flywheel.standins.codecs.records import Record, Tensor, read_records, write_records

RECORDS = "application/x-recordio-protobuf"
JSON, LINES, CSV = "application/json", "application/jsonlines", "text/csv"
LIBSVM = ("text/libsvm", "text/x-libsvm")


@dataclass(frozen=True)
class Row:
    """A row of numbers or words, which may be sparse.

    Attributes:
        keys: the columns of the values; None: all columns in their order.
        width: how many columns a sparse row has.
    """

    values: tuple[Any, ...]
    keys: tuple[int, ...] | None = None
    width: int = 0


type Example = Row | Mapping[str, Any] | bytes
"""A row, the fields of a JSON object, or a picture."""


def read_examples(body: bytes, content_type: str) -> list[Example]:
    """What a file of the workload's own requests holds."""
    if content_type == CSV:
        return [Row(tuple(map(_cell, line.split(",")))) for line in body.decode().splitlines()]
    if content_type == LINES:
        lines = [json.loads(line) for line in body.decode().splitlines()]
        return [Row(tuple(line["features"])) if "features" in line else line for line in lines]
    if content_type == RECORDS:
        return [_row(next(iter(record.features.values()))) for record in read_records(body)]
    return [body]


def body(
    examples: Sequence[Example],
    content_type: str,
    algorithm: Algorithm,
    vocabulary: Mapping[str, int],
) -> bytes:
    """The examples as one request.

    Args:
        examples: from `read_examples`; a picture is one alone.
        content_type: one of the algorithm's.
        algorithm: decides how an object of JSON is wrapped.
        vocabulary: word → number, where the records of text are numbers.
    """
    first = examples[0]
    if isinstance(first, bytes):
        return _picture(first, content_type)
    if isinstance(first, Row):
        rows = [each for each in examples if isinstance(each, Row)]
        return _of_rows(rows, content_type)
    objects = [each for each in examples if isinstance(each, Mapping)]
    return _of_objects(objects, content_type, algorithm, vocabulary)


def _of_rows(rows: Sequence[Row], content_type: str) -> bytes:
    if content_type == CSV:
        return "\n".join(",".join(map(str, row.values)) for row in rows).encode()
    if content_type in LIBSVM:
        lines = (" ".join(f"{i}:{v}" for i, v in enumerate(row.values)) for row in rows)
        return "\n".join(lines).encode()
    if content_type == RECORDS:
        return write_records(Record({"values": _tensor(row)}) for row in rows)
    features = [_features(row) for row in rows]
    if content_type == LINES:
        return "\n".join(map(json.dumps, features)).encode()
    return json.dumps({"instances": features}).encode()


def _of_objects(
    objects: Sequence[Mapping[str, Any]],
    content_type: str,
    algorithm: Algorithm,
    vocabulary: Mapping[str, int],
) -> bytes:
    if content_type == LINES:
        return "\n".join(map(json.dumps, objects)).encode()
    if content_type == RECORDS:
        numbers = [[vocabulary[word] for word in each["source"].split()] for each in objects]
        (name,) = algorithm.inference.requests[RECORDS][0]["features"]
        tensors = (Tensor(np.array(each, np.int32)) for each in numbers)
        return write_records(Record({name: tensor}) for tensor in tensors)
    wanted: Any = algorithm.inference.requests[JSON][0]
    instance = wanted["instances"][0]
    if isinstance(instance, str):
        request: dict[str, Any] = {"instances": [each["source"] for each in objects]}
    elif "data" in instance:
        request = {"instances": [{"data": each["source"]} for each in objects]}
    else:
        request = {"instances": list(objects)}
    return json.dumps({**wanted, **request}).encode()


def _features(row: Row) -> dict[str, Any]:
    if row.keys is None:
        return {"features": list(row.values)}
    sparse = {"keys": list(row.keys), "shape": [row.width], "values": list(row.values)}
    return {"data": {"features": sparse}}


def _tensor(row: Row) -> Tensor:
    values = np.array(row.values, np.float32)
    if row.keys is None:
        return Tensor(values)
    return Tensor(values, np.array(row.keys, np.uint64), (row.width,))


def _row(tensor: Tensor) -> Row:
    values = tuple(float(value) for value in tensor.values)
    if tensor.keys is None:
        return Row(values)
    return Row(
        values, tuple(int(key) for key in tensor.keys), tensor.shape[0] if tensor.shape else 0
    )


def _picture(data: bytes, content_type: str) -> bytes:
    wanted = {"image/png": "PNG", "image/jpeg": "JPEG"}.get(content_type)
    picture = Image.open(io.BytesIO(data))
    if wanted in (None, picture.format):
        return data
    written = io.BytesIO()
    picture.convert("RGB").save(written, wanted)
    return written.getvalue()


def _cell(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
