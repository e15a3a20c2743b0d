"""Runs in the environment of AWS's SDK: writes and reads with the SDK's own code.

Reads JSON from standard input and prints JSON as the last line: what the serializers wrote, and
what the deserializers read from the answers that it was given.
"""

import base64
import io
import json
import sys
from typing import Any

import numpy as np
from sagemaker import deserializers, serializers
from sagemaker.amazon.common import (
    read_records,
    write_numpy_to_dense_tensor,
    write_spmatrix_to_sparse_tensor,
)
from sagemaker.amazon.record_pb2 import Record
from scipy.sparse import csr_matrix

TENSORS = ("float32_tensor", "float64_tensor", "int32_tensor")


def dense(array: Any, labels: Any = None) -> bytes:
    file = io.BytesIO()
    write_numpy_to_dense_tensor(file, array, labels)
    return file.getvalue()


def sparse(array: Any, labels: Any = None) -> bytes:
    file = io.BytesIO()
    write_spmatrix_to_sparse_tensor(file, csr_matrix(array), labels)
    return file.getvalue()


def written(table: Any) -> dict[str, bytes]:
    """What the SDK writes of one table of numbers."""
    numbers = np.array(table, "float32")
    labels = numbers[:, 0].copy()
    whole = np.clip(numbers, -1000, 1000).astype(int)
    rows = [{"features": row} for row in table]
    return {
        "dense float32": dense(numbers, labels),
        "dense float64": dense(numbers.astype("float64"), labels.astype("float64")),
        "dense int": dense(whole, whole[:, 0].copy()),
        "dense unlabelled": dense(numbers),
        "sparse float32": sparse(numbers, labels),
        "sparse int": sparse(whole),
        "records": serializers.RecordSerializer().serialize(numbers).read(),
        "csv of lists": serializers.CSVSerializer().serialize(table).encode(),
        "csv of an array": serializers.CSVSerializer().serialize(numbers).encode(),
        "csv of a row": serializers.CSVSerializer().serialize(numbers[0]).encode(),
        "json": serializers.JSONSerializer().serialize({"instances": rows}).encode(),
        "jsonlines": serializers.JSONLinesSerializer().serialize(rows).encode(),
        "libsvm": serializers.LibSVMSerializer().serialize("0:1.5 2:4").encode(),
    }


def plain_tensor(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind not in TENSORS:
        return None
    tensor = getattr(value, kind)
    values = np.array(tensor.values, kind.removesuffix("_tensor"))
    return [values.tolist(), list(tensor.keys), list(tensor.shape)]


def plain_record(record: Any) -> Any:
    return [
        {name: plain_tensor(value) for name, value in part.items()}
        for part in (record.features, record.label)
    ]


def read(kind: str, body: bytes) -> Any:
    """What the SDK reads of an answer."""
    stream = io.BytesIO(body)
    if kind == "records":
        return [*map(plain_record, deserializers.RecordDeserializer().deserialize(stream, ""))]
    if kind == "files":
        return [*map(plain_record, read_records(stream))]
    reader = {
        "json": deserializers.JSONDeserializer,
        "jsonlines": deserializers.JSONLinesDeserializer,
        "csv": deserializers.CSVDeserializer,
    }[kind]
    return reader().deserialize(stream, "")


def parsed(message: bytes) -> Any:
    """A message by Protocol Buffers; None if it is none."""
    record = Record()
    try:
        record.ParseFromString(message)
        return plain_record(record)
    except Exception:  # noqa: BLE001 - whatever it is, the message is not read
        return None


given = json.load(sys.stdin)
answer = {
    "written": {
        name: base64.b64encode(data).decode() for name, data in written(given["table"]).items()
    },
    "read": {
        name: read(kind, base64.b64decode(body)) for name, (kind, body) in given["read"].items()
    },
    "parsed": [parsed(base64.b64decode(message)) for message in given["messages"]],
}
print(json.dumps(answer))  # noqa: T201
