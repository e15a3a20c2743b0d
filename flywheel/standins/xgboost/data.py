"""What XGBoost learns from: the rows of a channel or a request as a DMatrix.

Missing are empty cells of CSV, and what libsvm and sparse records leave out.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import xgboost as xgb

from flywheel.standins.codecs.json_lines import read_text
from flywheel.standins.codecs.matrix import Matrix, data_files, read_channel, read_matrix
from flywheel.standins.contract import RefusedError, Request
from flywheel.standins.job import Channel

SHORT_NAMES = {
    "csv": "text/csv",
    "libsvm": "text/libsvm",
    "parquet": "application/x-parquet",
    "recordio-protobuf": "application/x-recordio-protobuf",
}
LIBSVM = ("text/libsvm", "text/x-libsvm")
REQUESTS = ("text/csv", *LIBSVM, "application/x-recordio-protobuf")
_DELIMITERS = ",\t;| "
_NO_LABELS = "the rows of channel {name} have no labels; each row must have one"


def channel_matrix(channel: Channel, *, weighted: bool) -> Any:
    """The rows of a channel, with their labels.

    Args:
        channel: any content type that the container takes.
        weighted: the second column of CSV is the weight of the row.

    Raises:
        RefusedError: the data cannot be read.
    """
    kind = SHORT_NAMES.get(channel.content_type or "", channel.content_type or "")
    channel = replace(channel, content_type=kind, parameters={})
    if kind in LIBSVM:
        return _libsvm_matrix(channel)
    weighted = weighted and kind == "text/csv"
    rows = read_channel(
        channel,
        label_size=2 if weighted else 1,
        allow_missing=True,
        delimiter=_delimiter_of_files(data_files(channel)) if kind == "text/csv" else ",",
    )
    if rows.labels is None:
        raise RefusedError(_NO_LABELS.format(name=channel.name))
    weights = rows.labels[:, 1] if weighted else None
    return xgb.DMatrix(rows.features, rows.labels[:, 0], weight=weights)


def request_matrix(request: Request) -> Any:
    """The rows of a request.

    Raises:
        RefusedError: as Amazon's container, with 415 for bodies that cannot be read as well.
    """
    return xgb.DMatrix(_request_rows(request).features)


def _request_rows(request: Request) -> Matrix:
    kind = SHORT_NAMES.get(request.content_type, request.content_type)
    if kind not in REQUESTS:
        raise RefusedError(
            f"the content type is {kind or 'missing'}; it must be one of {', '.join(REQUESTS)}",
            status=415,
        )
    if (label_size := request.parameters.get("label_size", "1")) != "1":
        raise RefusedError(f"label_size is {label_size}; it must be 1 or left out", status=415)
    try:
        delimiter = delimiter_of(request.body) if kind == "text/csv" else ","
        body = request.body.strip() if kind != REQUESTS[-1] else request.body
        rows = read_matrix(body, kind, allow_missing=True, delimiter=delimiter)
    except RefusedError as error:
        raise RefusedError(f"the body cannot be read as {kind}: {error}", status=415) from error
    if not rows.features.shape[0]:
        raise RefusedError("the request has no row; it must have at least one")
    return rows


def delimiter_of(data: bytes) -> str:
    """What stands between the cells of the first line."""
    line = read_text(data.lstrip().partition(b"\n")[0])
    return next((mark for mark in _DELIMITERS if mark in line.strip()), ",")


def _delimiter_of_files(files: Sequence[Path]) -> str:
    if not files:
        return ","
    with files[0].open("rb") as file:
        return delimiter_of(file.readline())


def _libsvm_matrix(channel: Channel) -> Any:
    """By XGBoost's own reader, which knows weights (`label:weight`) and groups (`qid:1`)."""
    files = data_files(channel)
    if not files:
        raise RefusedError(f"channel {channel.name} has no rows; there must be at least one")
    for path in files:
        _check_first_line(channel.name, path)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Files as text are deprecated in XGBoost 3.1; Amazon's container reads them so.
        warnings.simplefilter("ignore")
        for number, path in enumerate(files):
            (Path(folder) / f"{number:06}").symlink_to(path.resolve())
        try:
            matrix = xgb.DMatrix(f"{folder}?format=libsvm", nthread=1)
        except xgb.core.XGBoostError as error:
            said = first_line(error)
            raise RefusedError(f"channel {channel.name} is no libsvm: {said}") from error
    if not matrix.get_label().size:
        raise RefusedError(_NO_LABELS.format(name=channel.name))
    return matrix


def _check_first_line(channel: str, path: Path) -> None:
    """XGBoost reads a line that is no libsvm as something else, without a word."""
    with path.open("rb") as file:
        line = file.readline(10_000).decode("utf-8", "replace").strip()
    label, *entries = line.split() or [""]
    try:
        [float(part) for part in label.split(":", 1)]
        valid = all(":" in entry for entry in entries)
    except ValueError:
        valid = False
    if not valid:
        raise RefusedError(
            f"channel {channel}, file {path.name}: the first line is {line[:50]!r}; it must be "
            "libsvm (label index:value …), or the channel needs another content type"
        )


def first_line(error: Exception) -> str:
    """What XGBoost says, without the place in its source and the stack."""
    return str(error).strip().partition("\n")[0].rpartition("Check failed: ")[2]
