"""libsvm: `label index:value index:value …`, one row a line.

Indices count from 0, as XGBoost reads the files of a channel. In requests Amazon's container takes
them to count from 1 where no row has index 0.

Source: dmlc-core, src/data/libsvm_parser.h (indexing_mode 0); aws/sagemaker-xgboost-container at
cb8df91, algorithm_mode/serve_utils.py.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from flywheel.standins.codecs.json_lines import read_text
from flywheel.standins.codecs.numbers import check_finite_sparse
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError

CONTENT_TYPES = ("text/libsvm", "text/x-libsvm")
MAX_INDEX = (1 << 31) - 2


def read(
    data: bytes,
    label_size: int,
    feature_dim: int | None,
    allow_missing: bool,
    delimiter: str,  # noqa: ARG001 - all formats are read by the same call
) -> tuple[csr_matrix, Array | None]:
    """Features and labels; see `matrix.read_matrix`. A request (label_size 0) needs no label."""
    values: list[float] = []
    columns: list[int] = []
    ends: list[int] = [0]
    labels: list[float] = []
    number = 0
    for number, line in enumerate(read_text(data).split("\n"), start=1):
        tokens = line.partition("#")[0].split()
        if not tokens:
            continue
        if ":" not in tokens[0]:
            labels.append(_number(tokens.pop(0), number, "the label"))
        for token in tokens:
            index, found, value = token.partition(":")
            if not found or not index.isdecimal() or not index.isascii():
                raise RefusedError(f"line {number} has {token[:40]!r}; it must be index:value")
            columns.append(_index(index, number))
            values.append(_number(value, number, f"the value of index {index[:20]}"))
        ends.append(len(values))
    if label_size and len(labels) != len(ends) - 1:
        raise RefusedError(
            f"{len(ends) - 1} lines have {len(labels)} labels; a line must begin with its label"
        )
    features = _matrix(values, columns, ends, label_size, feature_dim)
    check_finite_sparse(features, allow_missing=allow_missing)
    return features, np.array(labels).reshape(-1, 1) if label_size else None


def _matrix(
    values: list[float],
    columns: list[int],
    ends: list[int],
    label_size: int,
    feature_dim: int | None,
) -> csr_matrix:
    indices = np.array(columns, np.int64)
    if not label_size and indices.size and indices.min() >= 1:
        indices -= 1
    width = int(indices.max()) + 1 if indices.size else 0
    if feature_dim is not None and width > feature_dim:
        raise RefusedError(
            f"the largest index is {width - 1}, so a row has {width} features; it may have "
            f"{feature_dim}"
        )
    with np.errstate(over="ignore"):
        content = np.array(values, np.float64).astype(np.float32)
    shape = (len(ends) - 1, width if feature_dim is None else feature_dim)
    matrix = csr_matrix((content, indices, np.array(ends, np.int64)), shape)
    matrix.sum_duplicates()
    return matrix


def _index(text: str, line: int) -> int:
    if len(text) > 10 or int(text) > MAX_INDEX:
        raise RefusedError(f"line {line} has index {text[:20]}; it must be at most {MAX_INDEX:,}")
    return int(text)


def _number(text: str, line: int, what: str) -> float:
    try:
        # float() takes 1_000 and digits of other scripts as well; no writer of libsvm means them.
        if "_" in text or not text.isascii():
            raise ValueError
        return float(text)
    except ValueError:
        raise RefusedError(f"line {line}: {what} is {text[:40]!r}; it must be a number") from None
