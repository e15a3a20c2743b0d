"""The formats of requests and answers; what they hold is checked against the model later."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

try:
    import flask
except ImportError:  # Amazon's container has it; other servers do not need it
    flask = None

LATE_FROM = 0.5
MAX_ROWS = 100_000

JSON, JSON_LINES, CSV = "application/json", "application/jsonlines", "text/csv"
PARQUET, NPY = "application/x-parquet", "application/x-npy"


class RefusedError(Exception):
    """A request that is the sender's fault.

    Servers after the model of `sagemaker-inference` read `status_code` and `message`. Amazon's
    XGBoost container does not: it wraps whatever a script raises and answers 500. But it is a Flask
    application, and there a request may say what its response will be, whatever happens next.
    Source: error_wrapper in sagemaker_containers/_functions.py; process_response of Flask.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = self.phrase = message
        self.status_code = status
        if flask is not None and flask.has_request_context():
            response = flask.Response(message, status, mimetype="text/plain")
            flask.after_this_request(lambda _: response)


@dataclass(frozen=True)
class Flights:
    """A request's flights, column by column, not yet checked against the model."""

    num_rows: int
    columns: Mapping[str, Any] | Sequence[Any]
    """Lists, arrays or Arrow columns: by name, or in the model's order."""
    may_have_header: bool = False
    """Whether the first row may be names instead of values."""


def read_json(data: bytes) -> Flights:
    """`{"instances": [...]}` or a bare list."""
    content = parse_json(text_of(data), "The body")
    if isinstance(content, dict):
        if list(content) != ["instances"]:
            raise RefusedError('The JSON must be {"instances": [...]} or a list of instances.')
        content = content["instances"]
    if not isinstance(content, list):
        raise RefusedError('"instances" must be a list of objects or of lists.')
    return from_instances(content)


def read_json_lines(data: bytes) -> Flights:
    """One instance a line."""
    lines = [line for line in text_of(data).splitlines() if line.strip()]
    return from_instances([parse_json(line, f"Line {n}") for n, line in enumerate(lines, 1)])


def read_csv(data: bytes) -> Flights:
    """Rows of text; whether the first one is a header shows itself when the model is known."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text_of(data)), strict=True) if row]
    except csv.Error as error:
        raise RefusedError(f"The body is not CSV: {error}.") from error
    return from_rows(rows, may_have_header=True)


def read_parquet(data: bytes) -> Flights:
    """Columns by name; texts stay dictionaries, so that a small file cannot become a huge table."""
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        num_rows, schema = file.metadata.num_rows, file.schema_arrow
        if len(set(schema.names)) < len(schema.names):
            raise RefusedError("The Parquet file has two columns of the same name.")
        if num_rows > MAX_ROWS:
            return Flights(num_rows, {})  # it is refused for that, and need not be read
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        table = pq.ParquetFile(pa.BufferReader(data), read_dictionary=texts).read()
    except (pa.ArrowException, OSError) as error:
        raise RefusedError(f"The body is not a Parquet file: {error}.") from error
    return Flights(num_rows, {name: table[name] for name in table.column_names})


def read_npy(data: bytes) -> Flights:
    """An array without objects: nothing that a sender wrote is ever unpickled."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, column_major, dtype = read_header(stream)
    except (ValueError, KeyError, EOFError) as error:
        raise RefusedError(f"The body is not an NPY array of version 1 or 2: {error}.") from error
    if dtype.hasobject:
        raise RefusedError(
            "The NPY array holds Python objects; send numbers, texts or a structure."
        )
    content = data[stream.tell() :]
    num_values = int(np.prod(shape, dtype=object))
    if num_values * dtype.itemsize != len(content):
        raise RefusedError(f"The NPY array of shape {shape} is cut off or too long.")
    array = np.frombuffer(content, dtype).reshape(shape, order="F" if column_major else "C")
    if dtype.names and array.ndim == 1:
        return Flights(len(array), {name: array[name] for name in dtype.names})
    if array.ndim != 2 or dtype.kind not in "fiuSU":
        raise RefusedError(f"The NPY array is {array.ndim}-dimensional {dtype}; see the formats.")
    if dtype.kind in "SU":
        return from_rows(array.astype(str).tolist())
    return Flights(array.shape[0], list(array.T))


def text_of(data: bytes) -> str:
    """UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError(f"The body is not UTF-8: {error}.") from error


def parse_json(text: str, what: str) -> Any:
    """JSON, or what is wrong with it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"{what} is not JSON: {error}.") from error


def from_instances(instances: list[Any]) -> Flights:
    """Objects or lists, all of a kind."""
    if all(isinstance(instance, list) for instance in instances):
        return from_rows(instances)
    if not all(isinstance(instance, dict) for instance in instances):
        raise RefusedError("Every instance must be an object, or every one a list.")
    names = dict.fromkeys(name for instance in instances for name in instance)
    columns = {name: [instance.get(name) for instance in instances] for name in names}
    return Flights(len(instances), columns)


def from_rows(rows: list[list[Any]], may_have_header: bool = False) -> Flights:
    """Rows of equal length in the model's order."""
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise RefusedError(f"Row {number} has {len(row)} values, row 1 has {len(rows[0])}.")
    return Flights(len(rows), list(zip(*rows)), may_have_header)  # noqa: B905  checked above


def plain(values: Any) -> Any:
    """A column as a list or tuple of single values, or as an array of numbers."""
    if isinstance(values, pa.ChunkedArray):
        if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
            return values.cast(pa.float64()).to_numpy()
        if pa.types.is_dictionary(values.type):
            return [text for chunk in values.iterchunks() for text in texts_of(chunk)]
        return values.to_pylist()
    if isinstance(values, np.ndarray) and values.dtype.kind in "SU":
        return values.astype(str).tolist()
    return values


def texts_of(chunk: pa.DictionaryArray) -> list[str | None]:
    """The texts of a dictionary array; equal ones share their memory."""
    texts = [*chunk.dictionary.to_pylist(), None]
    return [texts[index] for index in chunk.indices.fill_null(len(texts) - 1).to_pylist()]


def predictions(probability: Iterable[float]) -> list[dict[str, Any]]:
    """One object a flight."""
    values = [round(float(value), 6) for value in probability]
    return [{"probability": value, "late": value >= LATE_FROM} for value in values]


def write_json(probability: np.ndarray) -> str:
    """One object with all predictions."""
    return json.dumps({"predictions": predictions(probability)})


def write_json_lines(probability: np.ndarray) -> str:
    """One object a line."""
    return "".join(json.dumps(line) + "\n" for line in predictions(probability))


def write_csv(probability: np.ndarray) -> str:
    """One probability a line."""
    return "".join(f"{line['probability']}\n" for line in predictions(probability))


READERS: dict[str, Callable[[bytes], Flights]] = {
    JSON: read_json,
    JSON_LINES: read_json_lines,
    CSV: read_csv,
    PARQUET: read_parquet,
    NPY: read_npy,
}
WRITERS: dict[str, Callable[[np.ndarray], str]] = {
    JSON: write_json,
    JSON_LINES: write_json_lines,
    CSV: write_csv,
}
