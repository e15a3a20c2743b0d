"""Serves the flight-delay model: the four functions that Amazon's XGBoost container calls.

A request is a number of flights, each with the model's features:

- `application/json`: `{"instances": [...]}` or the list alone; an instance is an object
  (feature → value) or a list in the model's order;
- `application/jsonlines`: one instance a line;
- `text/csv`: one flight a line in the model's order, or in any order below a header line;
- `application/x-parquet`: the columns by their names;
- `application/x-npy`: a structured array, or a two-dimensional one of texts or numbers in the
  model's order (in an array of numbers the categorical features must be NaN).

A feature that is left out, null, NaN or an empty text is missing: the model knows what to do. So is
a category that the model never saw. Columns of the training table that are no features (ids, the
label) are ignored, so that its rows can be sent as they are. Any other name is refused.

The answer, by the Accept header: `application/json` `{"predictions": [{"probability": 0.31, "late":
false}]}`, `application/jsonlines` with one such object a line, `text/csv` with one probability a
line. `late` says that being late is more likely than not: a probability of at least 0.5.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb
from formats import CSV, JSON, MAX_ROWS, READERS, WRITERS, Flights, RefusedError, plain

MISSING_TEXTS = ("", "nan", "NaN", "NA", "null")


@dataclass(frozen=True)
class Model:
    """The trees, and what they expect."""

    booster: xgb.Booster
    features: list[str]
    codes: dict[str, dict[str, int]]
    """Categorical feature → known value → its code."""
    ignored: frozenset[str]
    """Columns that may be sent and are no features."""


def model_fn(model_dir: str) -> Model:
    """Load the model, if it is the one that was evaluated and registered.

    Raises:
        RuntimeError: Its SHA-256 is not the one in the environment, or there is none.
    """
    artifact = (Path(model_dir) / "model.ubj").read_bytes()
    expected = os.environ.get("MODEL_SHA256", "")
    found = hashlib.sha256(artifact).hexdigest()
    if found != expected.lower():
        raise RuntimeError(
            f"model.ubj has the SHA-256 {found}, but MODEL_SHA256 is {expected or 'not set'}; "
            "the model is not loaded. Register the artifact that was evaluated."
        )
    booster = xgb.Booster({"nthread": 1}, model_file=bytearray(artifact))
    categories = json.loads(booster.attr("categories") or "{}")
    codes = {name: {v: code for code, v in enumerate(known)} for name, known in categories.items()}
    ignored = {booster.attr("label"), *(booster.attr("not_features") or "").split(",")}
    return Model(booster, booster.feature_names, codes, frozenset(filter(None, ignored)))


def input_fn(body: str | bytes, content_type: str) -> Flights:
    """Read a request."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in READERS:
        known = ", ".join(READERS)
        raise RefusedError(f"Content-Type is {content_type or 'empty'}; send {known}.", 415)
    data = body.encode() if isinstance(body, str) else bytes(body)
    flights = READERS[media_type](data)
    if not 1 <= flights.num_rows <= MAX_ROWS:
        raise RefusedError(f"The request has {flights.num_rows} rows; send 1 to {MAX_ROWS}.")
    return flights


def predict_fn(flights: Flights, model: Model) -> np.ndarray:
    """The probability of each flight to be late: (rows,)."""
    probability: np.ndarray = model.booster.inplace_predict(encode(flights, model))
    return probability


def output_fn(probability: np.ndarray, accept: str) -> tuple[str, str]:
    """Write the answer in the first accepted format that there is."""
    accepted = [part.partition(";")[0].strip().lower() for part in (accept or "*/*").split(",")]
    for media_type in accepted:
        chosen = {"*/*": JSON, "application/*": JSON, "text/*": CSV}.get(media_type, media_type)
        if chosen in WRITERS:
            return WRITERS[chosen](probability), chosen
    raise RefusedError(f"Accept is {accept}; this model answers {', '.join(WRITERS)}.", 406)


def encode(flights: Flights, model: Model) -> np.ndarray:
    """The matrix that the model learnt to read: (rows, features) float32."""
    columns, num_rows = by_name(flights, model)
    matrix: np.ndarray = np.full((num_rows, len(model.features)), np.nan, np.float32)
    for index, name in enumerate(model.features):
        if name in columns:
            values = plain(columns[name])
            codes = model.codes.get(name)
            matrix[:, index] = (
                numbers(name, values) if codes is None else coded(name, values, codes)
            )
    return matrix


def by_name(flights: Flights, model: Model) -> tuple[Mapping[str, Any], int]:
    """The columns by their names, all of them known, and the number of rows."""
    columns, num_rows = flights.columns, flights.num_rows
    if not isinstance(columns, Mapping):
        header = [str(column[0]).strip() for column in columns]
        known = {*model.features, *model.ignored}
        if flights.may_have_header and known.intersection(header):
            if len(set(header)) < len(header):
                raise RefusedError("The header has the same name twice.")
            if num_rows == 1:
                raise RefusedError("There is a header and no row below it.")
            columns = {name: column[1:] for name, column in zip(header, columns)}  # noqa: B905
            num_rows -= 1
        elif len(columns) == len(model.features):
            return dict(zip(model.features, columns)), num_rows  # noqa: B905
        else:
            wanted = f"the {len(model.features)} features {', '.join(model.features)}"
            raise RefusedError(f"A row has {len(columns)} values; the model has {wanted}.")
    for name in columns:
        if name not in model.features and name not in model.ignored:
            near = difflib.get_close_matches(name, model.features, n=1)
            remedy = (
                f"the nearest is {near[0]}" if near else f"known are {', '.join(model.features)}"
            )
            raise RefusedError(f"{shown(name)} is not a feature of this model; {remedy}.")
    return columns, num_rows


def numbers(name: str, values: Any) -> np.ndarray:
    """A column of numbers; NaN where there is none."""
    if not (isinstance(values, np.ndarray) and values.dtype.kind in "fiu"):
        values = quick_numbers(values) or [number(name, n, v) for n, v in enumerate(values, 1)]
    column: np.ndarray = np.asarray(values, np.float64)
    with np.errstate(over="ignore"):
        column = column.astype(np.float32)
    if np.isinf(column).any():
        row = int(np.flatnonzero(np.isinf(column))[0]) + 1
        raise RefusedError(f"{name} in row {row} is too large; it must be a finite number.")
    return column


def quick_numbers(values: Sequence[Any]) -> list[float] | None:
    """A column without surprises, read in a third of the time; None if it has any."""
    kinds = set(map(type, values))
    try:
        if kinds <= {str}:
            return [float(value or "nan") for value in values]
        if kinds <= {int, float, type(None)}:
            return [math.nan if value is None else float(value) for value in values]
    except (ValueError, OverflowError):
        return None
    return None


def number(name: str, row: int, value: Any) -> float:
    """One number, or NaN for what is missing."""
    if value is None or (isinstance(value, str) and value.strip() in MISSING_TEXTS):
        return math.nan
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise RefusedError(f"{name} in row {row} is {shown(value)}; it must be a finite number.")


def coded(name: str, values: Iterable[Any], codes: Mapping[str, int]) -> list[float]:
    """A column of categories as codes; NaN for what is missing or unknown."""
    column = []
    for row, value in enumerate(values, 1):
        if isinstance(value, str):
            column.append(codes.get(value.strip(), math.nan))
        elif value is None or value != value:  # noqa: PLR0124  only NaN differs from itself
            column.append(math.nan)
        else:
            example = next(iter(codes), "A")
            raise RefusedError(
                f'{name} in row {row} is {shown(value)}; send text such as "{example}".'
            )
    return column


def shown(value: Any) -> str:
    """A value as it may be repeated to its sender: short."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:37]}..."
