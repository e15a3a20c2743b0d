"""Rows of numbers from what a channel or a request holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, issparse, vstack

from flywheel.standins.codecs import csv_rows, libsvm, parquet, recordio_rows
from flywheel.standins.codecs.wire import Array, Features
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Channel


@dataclass(frozen=True)
class Matrix:
    """Rows of examples.

    Attributes:
        features: n × d, float32; sparse where the data is.
        labels: n × l, float64; None where the data has none.
    """

    features: Features
    labels: Array | None = None

    @property
    def dense(self) -> Array:
        """The features as an array, sparse ones too."""
        rows: Array = self.features.toarray() if issparse(self.features) else self.features
        return rows

    @property
    def label(self) -> Array:
        """The only label of each row, n numbers.

        Raises:
            RefusedError: there is none, or several.
        """
        if self.labels is None or self.labels.shape[1] != 1:
            found = 0 if self.labels is None else self.labels.shape[1]
            raise RefusedError(f"a row has {found} labels; the algorithm needs exactly one")
        return self.labels[:, 0]


_Reader = Callable[[bytes, int, int | None, bool, str], tuple[Features, Array | None]]
_READERS: dict[str, _Reader] = {
    "text/csv": csv_rows.read,
    "text/libsvm": libsvm.read,
    "text/x-libsvm": libsvm.read,
    "application/x-recordio-protobuf": recordio_rows.read,
    "application/x-parquet": parquet.read,
}


def read_matrix(
    data: bytes,
    content_type: str,
    *,
    label_size: int = 0,
    feature_dim: int | None = None,
    allow_missing: bool = False,
    delimiter: str = ",",
) -> Matrix:
    """Rows of numbers from one file or body.

    Args:
        data: the bytes.
        content_type: text/csv, text/libsvm, text/x-libsvm, application/x-recordio-protobuf, and
            application/x-parquet where pyarrow is installed.
        label_size: how many labels a row has; in CSV and Parquet they come first. Labels of
            records are read in any case.
        feature_dim: how many features a row must have; in sparse data: at most.
        allow_missing: empty cells of CSV, and NaN anywhere, are missing values, read as NaN;
            otherwise they are refused.
        delimiter: of CSV.

    Raises:
        RefusedError: the data cannot be read so; with status 415 for the content type.
    """
    reader = _READERS.get(content_type)
    if reader is None:
        raise RefusedError(
            f"the content type is {content_type or 'missing'}; it must be one of "
            f"{', '.join(_READERS)}",
            status=415,
        )
    features, labels = reader(data, label_size, feature_dim, allow_missing, delimiter)
    return Matrix(features, labels)


def read_channel(
    channel: Channel,
    *,
    label_size: int = 0,
    feature_dim: int | None = None,
    allow_missing: bool = False,
    delimiter: str = ",",
) -> Matrix:
    """All rows of a channel, in the order of the file names.

    The channel's own `label_size` comes before the argument.

    Raises:
        RefusedError: a file cannot be read, with its name, or there is no row.
    """
    parts: list[Matrix] = []
    for path in data_files(channel):
        try:
            part = read_matrix(
                path.read_bytes(),
                channel.content_type or "",
                label_size=_label_size(channel, label_size),
                feature_dim=feature_dim,
                allow_missing=allow_missing,
                delimiter=delimiter,
            )
        except RefusedError as error:
            raise RefusedError(f"channel {channel.name}, file {path.name}: {error}") from error
        parts.append(part)
    return _joined(parts, channel.name)


def data_files(channel: Channel) -> list[Path]:
    """The files of a channel that hold data: not empty, and not marks such as _SUCCESS."""
    return [
        path
        for path in channel.files
        if not path.name.startswith((".", "_")) and path.stat().st_size
    ]


def write_rows(features: Features, labels: Sequence[float] | Array | None = None) -> bytes:
    """Rows as recordio-protobuf, dense or sparse, as AWS's SDK writes them."""
    return recordio_rows.write(features, labels)


def _label_size(channel: Channel, default: int) -> int:
    text = channel.parameters.get("label_size", "")
    if not text:
        return default
    if not text.isdecimal() or len(text) > 4:
        raise RefusedError(
            f"label_size of channel {channel.name} is {text}; it must be a whole number"
        )
    return int(text)


def _joined(parts: Sequence[Matrix], channel: str) -> Matrix:
    if not parts or not sum(part.features.shape[0] for part in parts):
        raise RefusedError(f"channel {channel} has no rows; there must be at least one")
    if len(parts) == 1:
        return parts[0]
    sizes = {0 if part.labels is None else part.labels.shape[1] for part in parts}
    if len(sizes) > 1:
        raise RefusedError(f"the files of channel {channel} have different numbers of labels")
    found = [part.labels for part in parts if part.labels is not None]
    labels = np.concatenate(found) if found else None
    if any(issparse(part.features) for part in parts):
        width = max(part.features.shape[1] for part in parts)
        return Matrix(vstack([_widened(part, width, channel) for part in parts], "csr"), labels)
    widths = {part.features.shape[1] for part in parts}
    if len(widths) > 1:
        shown = " and ".join(map(str, sorted(widths)))
        raise RefusedError(
            f"the files of channel {channel} have {shown} features; all need as many"
        )
    return Matrix(np.concatenate([part.features for part in parts]), labels)


def _widened(part: Matrix, width: int, channel: str) -> csr_matrix:
    sparse = part.features
    if not issparse(sparse):
        if sparse.shape[1] != width:
            raise RefusedError(
                f"a file of channel {channel} has rows of {sparse.shape[1]} features, others of "
                f"{width}; all need as many"
            )
        return csr_matrix(sparse)
    return csr_matrix((sparse.data, sparse.indices, sparse.indptr), (sparse.shape[0], width))
