"""CSV: one row a line, no header, labels first.

numpy's own parser is the fastest that refuses what is no number; only when it refuses, the lines
are gone through again to say where.
"""

from __future__ import annotations

import io
import re

import numpy as np

from flywheel.standins.codecs.json_lines import read_text
from flywheel.standins.codecs.numbers import features_of
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError

CONTENT_TYPE = "text/csv"
_LINE_END = re.compile(r"\r\n|\r|\n")


def read(
    data: bytes, label_size: int, feature_dim: int | None, allow_missing: bool, delimiter: str
) -> tuple[Array, Array | None]:
    """Features and labels; see `matrix.read_matrix`."""
    rows = _parsed(read_text(data), delimiter, allow_missing)
    if rows.shape[0] and rows.shape[1] <= label_size:
        raise RefusedError(
            f"a row has {rows.shape[1]} columns, {label_size} of them labels; there must be a "
            "feature as well"
        )
    wanted = None if feature_dim is None else feature_dim + label_size
    if wanted is not None and rows.shape[0] and rows.shape[1] != wanted:
        with_labels = f" and {label_size} labels" if label_size else ""
        raise RefusedError(
            f"a row has {rows.shape[1]} columns; it must have {feature_dim} features{with_labels}"
        )
    labels = rows[:, :label_size] if label_size else None
    return features_of(rows, label_size, allow_missing), labels


def _parsed(text: str, delimiter: str, allow_missing: bool) -> Array:
    try:
        return _numbers(text, delimiter)
    except ValueError as error:
        # Most data has no empty cell, so it is first tried without looking for one.
        filled = _filled(text, delimiter) if allow_missing else text
        if filled != text:
            return _parsed(filled, delimiter, False)
        raise _fault(text, delimiter) or RefusedError(f"the CSV cannot be read: {error}") from error


def _numbers(text: str, delimiter: str) -> Array:
    if not text or (text.isspace() and delimiter not in text):
        return np.empty((0, 0))
    rows: Array = np.loadtxt(
        io.StringIO(text), np.float64, comments=None, delimiter=delimiter, ndmin=2
    )
    return rows


def _filled(text: str, delimiter: str) -> str:
    """Empty cells become nan."""
    return "\n".join(
        delimiter.join(cell if cell.strip() else "nan" for cell in line.split(delimiter))
        if line
        else ""
        for line in _LINE_END.split(text)
    )


def _fault(text: str, delimiter: str) -> RefusedError | None:
    """Where the first line is that numpy could not read, and why."""
    columns = 0
    for row, line in enumerate(_LINE_END.split(text), start=1):
        if not line:
            continue
        cells = line.split(delimiter)
        for column, cell in enumerate(cells, start=1):
            if not _is_number(cell):
                shown = cell if len(cell) <= 40 else f"{cell[:39]}…"
                hint = " CSV has no header here." if row == 1 and cell.strip() else ""
                return RefusedError(
                    f"row {row}, column {column} is {shown!r}; it must be a number.{hint}"
                )
        columns = columns or len(cells)
        if len(cells) != columns:
            return RefusedError(
                f"row {row} has {len(cells)} columns; the rows above have {columns}"
            )
    return None


def _is_number(cell: str) -> bool:
    # float() takes 1_000 and digits of other scripts as well, numpy does not.
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii() and "_" not in cell
