"""Checks on numbers that every format shares."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError

_WHAT = "it must be a finite number"


def features_of(rows: Array, label_size: int, allow_missing: bool) -> Array:
    """The features of rows that begin with labels, as float32.

    Raises:
        RefusedError: a number is none that can be learnt from, with its row and column.
    """
    check_finite(rows[:, :label_size], 0, allow_missing=False)
    with np.errstate(over="ignore"):
        features: Array = np.ascontiguousarray(rows[:, label_size:], np.float32)
    check_finite(features, label_size, allow_missing=allow_missing)
    return features


def check_finite(rows: Array, offset: int, *, allow_missing: bool) -> None:
    """Refuse infinity, what does not fit into float32, and NaN where nothing may be missing.

    Args:
        rows: numbers.
        offset: how many columns stand before these in the data.
        allow_missing: NaN is a missing value.
    """
    # A sum is a fast first look: it is finite unless an entry is not, or they are very large.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(rows.sum(dtype=np.float64)):
            return
    bad = np.isinf(rows) if allow_missing else ~np.isfinite(rows)
    if bad.any():
        row, column = (int(index[0]) for index in np.nonzero(bad))
        place = f"row {row + 1}, column {column + 1 + offset}"
        raise RefusedError(f"{place} is {_said(float(rows[row, column]))}; {_WHAT}")


def check_finite_sparse(matrix: csr_matrix, *, allow_missing: bool) -> None:
    """The same for the entries of a sparse matrix."""
    bad = np.isinf(matrix.data) if allow_missing else ~np.isfinite(matrix.data)
    if bad.any():
        entry = int(np.argmax(bad))
        row = int(np.searchsorted(matrix.indptr, entry, side="right"))
        place = f"row {row}, index {matrix.indices[entry]}"
        raise RefusedError(f"{place} is {_said(matrix.data[entry])}; {_WHAT}")


def _said(number: float) -> str:
    return "missing" if np.isnan(number) else "no finite float32 number"
