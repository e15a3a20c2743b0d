"""Answers of an endpoint: one row of named numbers for each row of the request."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from flywheel.standins.codecs import csv_rows, json_lines, records
from flywheel.standins.codecs.records import Record, Tensor, write_records
from flywheel.standins.contract import RefusedError, Response
from flywheel.standins.job import split_content_type

JSON = "application/json"
FORMS = (JSON, json_lines.CONTENT_TYPE, records.CONTENT_TYPE, csv_rows.CONTENT_TYPE)
Row = Mapping[str, Any]


def write_predictions(
    rows: Sequence[Row],
    accept: str | None,
    *,
    default: str = JSON,
    key: str = "predictions",
    accepts: Collection[str] = FORMS,
) -> Response:
    """The rows in the form that the sender accepts.

    Args:
        rows: the fields of each row: numbers, or sequences of numbers.
        accept: with or without parameters; None: the default.
        default: what is written where the sender accepts anything.
        key: under which JSON has the rows.
        accepts: the forms that the algorithm has.

    Raises:
        RefusedError: 406 for another form.
    """
    form = answer_form(accept, default, accepts)
    if form == JSON:
        body = json.dumps({key: [_plain_row(row) for row in rows]}).encode()
    elif form == json_lines.CONTENT_TYPE:
        body = "".join(f"{json.dumps(_plain_row(row))}\n" for row in rows).encode()
    elif form == records.CONTENT_TYPE:
        body = write_records(Record({}, {n: _tensor(v) for n, v in row.items()}) for row in rows)
    else:
        body = "".join(f"{_csv_line(row)}\n" for row in rows).encode()
    return Response(body, form)


def answer_form(accept: str | None, default: str, accepts: Collection[str]) -> str:
    """The content type of the answer.

    Raises:
        RefusedError: 406: none of what the sender accepts can be had.
    """
    wanted = [split_content_type(part)[0] for part in (accept or default).split(",")]
    for form in wanted:
        if form in accepts:
            return form
        if form in ("*/*", "application/*"):
            return default
    raise RefusedError(f"Accept is {accept}; it must be one of {', '.join(accepts)}", status=406)


def plain(value: Any) -> Any:
    """Numbers of numpy as JSON has them: the shortest text that gives the same number again."""
    if isinstance(value, np.generic | np.ndarray):
        if value.dtype == np.float32:
            return _shortest(np.asarray(value))
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value


def _shortest(values: np.ndarray[Any, Any]) -> Any:
    """float32 as the float64 whose repr is the shortest text of the float32."""
    if values.ndim == 0:
        return float(str(values[()]))
    return values.astype("U32").astype(np.float64).tolist()


def _plain_row(row: Row) -> dict[str, Any]:
    return {name: plain(value) for name, value in row.items()}


def _tensor(value: Any) -> Tensor:
    return Tensor(np.atleast_1d(np.asarray(value, np.float32)).ravel())


def _csv_line(row: Row) -> str:
    cells = [plain(value) for value in row.values()]
    flat = [entry for cell in cells for entry in (cell if isinstance(cell, list) else [cell])]
    return ",".join(map(str, flat))
