"""Requests to an endpoint, as rows of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from flywheel.standins.codecs import csv_rows, json_lines, recordio_rows, records
from flywheel.standins.codecs.matrix import Matrix, read_matrix
from flywheel.standins.codecs.records import Record, Tensor
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError, Request

JSON = "application/json"
FORMS = (csv_rows.CONTENT_TYPE, JSON, json_lines.CONTENT_TYPE, records.CONTENT_TYPE)


def read_request(
    request: Request,
    *,
    feature_dim: int | None = None,
    content_types: Sequence[str] = FORMS,
    allow_missing: bool = False,
) -> Matrix:
    """The rows of a request.

    Args:
        request: with one row or several.
        feature_dim: how many features a row must have.
        content_types: what the algorithm takes.
        allow_missing: NaN and empty cells of CSV are missing values.

    Raises:
        RefusedError: 400 for a body that cannot be read, 415 for the content type.
    """
    kind = request.content_type
    if kind not in content_types:
        raise RefusedError(
            f"the content type is {kind or 'missing'}; it must be one of "
            f"{', '.join(content_types)}",
            status=415,
        )
    if kind in (JSON, json_lines.CONTENT_TYPE):
        tensors = [_tensor(entry, i) for i, entry in enumerate(instances(request), 1)]
        rows = [Record({recordio_rows.NAME: tensor}) for tensor in tensors]
        matrix = Matrix(recordio_rows.rows_of(rows, 0, feature_dim, allow_missing)[0])
    else:
        read = read_matrix(request.body, kind, feature_dim=feature_dim, allow_missing=allow_missing)
        matrix = Matrix(read.features)
    if not matrix.features.shape[0]:
        raise RefusedError("the request has no row; it must have at least one")
    return matrix


def instances(request: Request) -> list[Any]:
    """The entries of a JSON or JSON Lines request, in whatever form the algorithm has them.

    Raises:
        RefusedError: the body is no JSON, or has no list `instances`.
    """
    if request.content_type == json_lines.CONTENT_TYPE:
        return json_lines.read_lines(request.body)
    body = json_lines.read_json(request.body)
    entries = body.get("instances") if isinstance(body, Mapping) else None
    if not isinstance(entries, list):
        raise RefusedError('the body has no list "instances"; it must be {"instances": […]}')
    return entries


def features_of(entry: Any, number: int) -> Mapping[str, Any]:
    """`{"values": […], …}` of an entry, from either form.

    The forms are `{"features": […]}` and `{"data": {"features": {"values": […]}}}`.

    Raises:
        RefusedError: it has neither.
    """
    if isinstance(entry, Mapping):
        features = entry.get("features")
        if isinstance(features, list):
            return {"values": features}
        data = entry.get("data")
        features = data.get("features") if isinstance(data, Mapping) else None
        if isinstance(features, Mapping) and isinstance(features.get("values"), list):
            return features
    raise RefusedError(
        f'instance {number} has no features; it must be {{"features": […]}} or '
        '{"data": {"features": {"values": […]}}}'
    )


def _tensor(entry: Any, number: int) -> Tensor:
    features = features_of(entry, number)
    values = _numbers(features["values"], number, "values")
    keys = features.get("keys")
    shape = features.get("shape")
    return Tensor(
        values,
        None if not keys else _whole(keys, number, "keys"),
        () if not shape else tuple(int(size) for size in _whole(shape, number, "shape")),
    )


def _numbers(values: Any, number: int, name: str) -> Array:
    if not isinstance(values, list) or not all(type(value) in (int, float) for value in values):
        raise RefusedError(f"{name} of instance {number} must be a list of numbers")
    try:
        numbers: Array = np.array(values, np.float64)
    except OverflowError as error:
        raise RefusedError(f"{name} of instance {number} has a number that is too large") from error
    return numbers


def _whole(values: Any, number: int, name: str) -> Array:
    if not isinstance(values, list) or not all(
        type(value) is int and 0 <= value < 1 << 31 for value in values
    ):
        raise RefusedError(f"{name} of instance {number} must be a list of whole numbers from 0")
    whole: Array = np.array(values, np.uint64)
    return whole
