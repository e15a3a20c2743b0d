"""Parquet: one row a row, labels in the first columns."""

from __future__ import annotations

import io

import numpy as np

from flywheel.standins.codecs.numbers import features_of
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError

CONTENT_TYPE = "application/x-parquet"


def read(
    data: bytes,
    label_size: int,
    feature_dim: int | None,
    allow_missing: bool,
    delimiter: str,  # noqa: ARG001 - all formats are read by the same call
) -> tuple[Array, Array | None]:
    """Features and labels; see `matrix.read_matrix`."""
    import pyarrow.parquet  # noqa: PLC0415 - only the images that take Parquet have it

    try:
        table = pyarrow.parquet.read_table(io.BytesIO(data))
        columns = [
            np.asarray(column.cast(pyarrow.float64()).to_numpy(zero_copy_only=False), np.float64)
            for column in table.columns
        ]
    except (pyarrow.ArrowException, OSError, ValueError, TypeError) as error:
        said = " ".join(str(error).split())[:200]
        raise RefusedError(f"the file cannot be read as Parquet of numbers: {said}") from error
    if len(columns) <= label_size:
        raise RefusedError(
            f"the file has {len(columns)} columns; it must have {label_size} labels and a feature"
        )
    if feature_dim is not None and len(columns) != feature_dim + label_size:
        raise RefusedError(
            f"the file has {len(columns)} columns; it must have {feature_dim + label_size}"
        )
    rows = np.stack(columns, axis=1)
    labels = rows[:, :label_size] if label_size else None
    return features_of(rows, label_size, allow_missing), labels
