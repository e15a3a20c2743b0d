"""Rows from Amazon's records, dense and sparse, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.sparse import csr_matrix, issparse

from flywheel.standins.codecs.alike import read_alike
from flywheel.standins.codecs.numbers import check_finite, check_finite_sparse, features_of
from flywheel.standins.codecs.records import Record, Tensor, read_records, write_records
from flywheel.standins.codecs.wire import Array, Features
from flywheel.standins.contract import RefusedError

NAME = "values"
_MAX_WIDTH = (1 << 31) - 1


def read(
    data: bytes,
    label_size: int,
    feature_dim: int | None,
    allow_missing: bool,
    delimiter: str,  # noqa: ARG001 - all formats are read by the same call
) -> tuple[Features, Array | None]:
    """Features and labels; see `matrix.read_matrix`."""
    found = read_alike(data)
    if found is None:
        return rows_of(read_records(data), label_size, feature_dim, allow_missing)
    features, labels = found
    _check_size(features, feature_dim, "features")
    if labels is not None:
        _check_size(labels, label_size or None, "labels")
    elif label_size:
        raise _no_label()
    return features_of(features, 0, allow_missing), _finite_labels(labels)


def write(features: Features, labels: Sequence[float] | Array | None) -> bytes:
    """Rows as AWS's SDK writes them: float32, each with its labels."""
    tensors = _sparse_tensors(csr_matrix(features)) if issparse(features) else map(_row, features)
    if labels is None:
        return write_records(Record({NAME: tensor}) for tensor in tensors)
    pairs = zip(tensors, labels, strict=True)
    return write_records(Record({NAME: tensor}, {NAME: _row(label)}) for tensor, label in pairs)


def rows_of(
    records: Sequence[Record], label_size: int, feature_dim: int | None, allow_missing: bool
) -> tuple[Features, Array | None]:
    """Features and labels of records.

    Raises:
        RefusedError: they are not rows of one matrix.
    """
    tensors = [_only(record.features, "features", i) for i, record in enumerate(records, 1)]
    labels = _labels(records, label_size)
    if any(map(_is_sparse, tensors)):
        features = _sparse(tensors, feature_dim)
        check_finite_sparse(features, allow_missing=allow_missing)
        return features, labels
    rows = _stacked(tensors, feature_dim, "features")
    return features_of(rows, 0, allow_missing), labels


def _row(numbers: Array | float) -> Tensor:
    return Tensor(np.atleast_1d(np.asarray(numbers, np.float32)))


def _sparse_tensors(matrix: csr_matrix) -> Iterator[Tensor]:
    for start, stop in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        keys = matrix.indices[start:stop].astype(np.uint64)
        yield Tensor(matrix.data[start:stop].astype(np.float32), keys, (matrix.shape[1],))


def _is_sparse(tensor: Tensor) -> bool:
    """Without keys as well: a row of zeros has only a shape."""
    return tensor.keys is not None or bool(tensor.shape and not tensor.values.size)


def _only(tensors: Mapping[str, Tensor], what: str, number: int) -> Tensor:
    tensor = tensors.get(NAME)
    if tensor is not None:
        return tensor
    if len(tensors) == 1:
        return next(iter(tensors.values()))
    raise RefusedError(f"record {number} has no {what} named {NAME}; it must have them")


def _labels(records: Sequence[Record], label_size: int) -> Array | None:
    if not any(record.label for record in records):
        if label_size and records:
            raise _no_label()
        return None
    rows = [_only(record.label, "label", i) for i, record in enumerate(records, 1)]
    return _finite_labels(_stacked(rows, label_size or None, "labels"))


def _no_label() -> RefusedError:
    return RefusedError("the records have no label; each must have one")


def _finite_labels(labels: Array | None) -> Array | None:
    if labels is None:
        return None
    check_finite(labels, 0, allow_missing=False)
    return labels.astype(np.float64)


def _stacked(tensors: Sequence[Tensor], size: int | None, what: str) -> Array:
    if not tensors:
        return np.empty((0, size or 0), np.float32)
    width = tensors[0].values.size if size is None else size
    for number, tensor in enumerate(tensors, start=1):
        if tensor.values.size != width:
            raise RefusedError(
                f"record {number} has {tensor.values.size} {what}; it must have {width}"
            )
    rows: Array = np.stack([tensor.values for tensor in tensors])
    return rows


def _check_size(rows: Array, size: int | None, what: str) -> None:
    if size is not None and rows.shape[1] != size:
        raise RefusedError(f"record 1 has {rows.shape[1]} {what}; it must have {size}")


def _sparse(tensors: Sequence[Tensor], feature_dim: int | None) -> csr_matrix:
    width = feature_dim or 0
    ends = [0]
    for number, tensor in enumerate(tensors, start=1):
        size = _width(tensor, number)
        if feature_dim is not None and size > feature_dim:
            raise RefusedError(f"record {number} has {size} features; it may have {feature_dim}")
        width = max(width, size)
        ends.append(ends[-1] + tensor.values.size)
    keys = [
        np.arange(tensor.values.size, dtype=np.uint64) if tensor.keys is None else tensor.keys
        for tensor in tensors
    ]
    with np.errstate(over="ignore"):
        values = np.concatenate([tensor.values for tensor in tensors]).astype(np.float32)
    indices = np.concatenate(keys).astype(np.int64)
    matrix = csr_matrix((values, indices, np.array(ends, np.int64)), (len(tensors), width))
    matrix.sum_duplicates()
    return matrix


def _width(tensor: Tensor, number: int) -> int:
    """How many features a sparse record speaks of."""
    found = tensor.values.size if tensor.keys is None else tensor.keys.size
    if found != tensor.values.size:
        raise RefusedError(f"record {number} has {tensor.values.size} values and {found} keys")
    last = int(tensor.keys.max()) if tensor.keys is not None and found else found - 1
    size = tensor.shape[0] if tensor.shape else last + 1
    if last >= size or size > _MAX_WIDTH:
        raise RefusedError(
            f"record {number} has key {last} and {size} features; keys must be smaller than the "
            f"number of features, and that at most {_MAX_WIDTH:,}"
        )
    return size
