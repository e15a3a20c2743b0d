"""Time series, as channels and requests have them."""

from __future__ import annotations

import gzip
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from flywheel.standins.codecs.json_lines import read_lines
from flywheel.standins.codecs.matrix import data_files
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Channel

_MISSING = ("NaN", "nan")
_LARGEST = float(np.finfo(np.float32).max)
_COLUMNS = ("start", "target", "cat", "dynamic_feat")


@dataclass(frozen=True)
class Series:
    """One time series.

    Attributes:
        name: what errors call it.
        start: of the first value.
        target: the values; NaN where one is missing.
        cat: its group in each categorical feature.
        dynamic_feat: features × time, at least as long as the target; None without.
    """

    name: str
    start: datetime
    target: Array
    cat: tuple[int, ...] = ()
    dynamic_feat: Array | None = None


def read_channel(channel: Channel) -> list[Series]:
    """All series of a channel's files.

    Raises:
        RefusedError: a file cannot be read, or there is no series.
    """
    series: list[Series] = []
    for path in data_files(channel):
        where = f"channel {channel.name}, file {path.name}"
        try:
            entries = _READERS[_format(channel, path)](path.read_bytes())
        except RefusedError as error:
            raise RefusedError(f"{where}: {error}") from error
        series += [
            read_series(entry, f"series {n} ({where})") for n, entry in enumerate(entries, 1)
        ]
    if not series:
        raise RefusedError(f"channel {channel.name} has no time series; there must be at least one")
    return series


def read_series(entry: Any, name: str) -> Series:
    """A series from its JSON object or its row of Parquet.

    Raises:
        RefusedError: a field is missing or no such thing.
    """
    if not isinstance(entry, Mapping) or "start" not in entry or "target" not in entry:
        raise RefusedError(f'{name} must be an object with "start" and "target"')
    features = entry.get("dynamic_feat")
    return Series(
        name=name,
        start=_start(entry["start"], name),
        target=_numbers(entry["target"], f"target of {name}", missing=True),
        cat=_groups(entry.get("cat"), name),
        dynamic_feat=None if features is None else _features(features, name),
    )


def _start(value: Any, name: str) -> datetime:
    try:
        start = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        start = None
    if start is None or start.tzinfo is not None:
        raise RefusedError(
            f'start of {name} is {value}; it must be YYYY-MM-DD HH:MM:SS, as "2009-11-01 00:00:00",'
            " without a time zone"
        )
    return start


def _numbers(values: Any, what: str, *, missing: bool) -> Array:
    """Numbers, of which some may be missing."""
    if not isinstance(values, Sequence | np.ndarray) or isinstance(values, str):
        raise RefusedError(f"{what} must be a list of numbers")
    found = np.array([_number(value) for value in values], np.float64)
    unusable = np.isinf(found) if missing else ~np.isfinite(found)
    if unusable.any():
        index = int(unusable.argmax())
        allowed = 'a number, null or "NaN"' if missing else "a number; none may be missing"
        shown = str(values[index])[:40]
        raise RefusedError(f"value {index + 1} of {what} is {shown}; it must be {allowed}")
    return found.astype(np.float32)


def _number(value: Any) -> float:
    """The number; NaN where it is missing, infinite where it is none or too large."""
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        size: Any = abs(value)
        return math.inf if size > _LARGEST else float(value)
    return math.nan if value is None or value in _MISSING else math.inf


def _groups(values: Any, name: str) -> tuple[int, ...]:
    if values is None:
        return ()
    # A single feature may stand without its list, as GluonTS also has it.
    groups = [values] if isinstance(values, int | np.integer) else values
    if not isinstance(groups, Sequence | np.ndarray) or not all(map(_is_group, groups)):
        raise RefusedError(f"cat of {name} is {values}; it must be a list of whole numbers from 0")
    return tuple(int(group) for group in groups)


def _is_group(value: Any) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and value in range(1 << 31)


def _features(values: Any, name: str) -> Array:
    what = f"dynamic_feat of {name}"
    if not isinstance(values, Sequence | np.ndarray) or isinstance(values, str) or not len(values):
        raise RefusedError(f"{what} must be a list of lists of numbers, one for each feature")
    rows = [_numbers(row, what, missing=False) for row in values]
    if len({len(row) for row in rows}) != 1:
        raise RefusedError(f"{what} has lists of different lengths; all must have as many numbers")
    return np.stack(rows)


def _format(channel: Channel, path: Path) -> str:
    if channel.content_type not in (None, "auto"):
        return str(channel.content_type)
    for suffix in ("json", "json.gz", "parquet"):
        if path.name.endswith(f".{suffix}"):
            return suffix
    raise RefusedError(
        "the name ends in none of .json, .json.gz and .parquet; rename it, or give the channel the "
        "content type json, json.gz or parquet"
    )


def _unzipped(data: bytes) -> list[Any]:
    try:
        return read_lines(gzip.decompress(data))
    except (OSError, EOFError) as error:
        raise RefusedError("it is no gzip file") from error


def _lines(data: bytes) -> list[Any]:
    return _unzipped(data) if data.startswith(b"\x1f\x8b") else read_lines(data)


def _parquet(data: bytes) -> Iterator[Mapping[str, Any]]:
    import pyarrow.parquet  # noqa: PLC0415 - only the images that take Parquet have it

    try:
        table = pyarrow.parquet.read_table(io.BytesIO(data))
        known = [name for name in _COLUMNS if name in table.column_names]
        rows: list[Mapping[str, Any]] = table.select(known).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        said = " ".join(str(error).split())[:200]
        raise RefusedError(f"it cannot be read as Parquet: {said}") from error
    return iter(rows)


_READERS: Mapping[str, Callable[[bytes], Any]] = {
    "json": _lines,
    "application/jsonlines": _lines,
    "json.gz": _unzipped,
    "parquet": _parquet,
}
