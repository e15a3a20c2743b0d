"""What the data sets share: months and dealing to them, file formats, where a package has files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

MONTHS = ("2013-01", "2013-02", "2013-03")
"""One to train, one to choose by, one to be judged by. Data without a date are dealt to them."""

File = tuple[str, bytes]
"""A key below the workload's prefix of the raw zone, and its bytes."""


def deal[T](items: Iterable[T]) -> Iterator[tuple[str, list[T]]]:
    """Months, each with every third item: what is sorted by class is spread evenly."""
    dealt = list(items)
    for number, month in enumerate(MONTHS):
        yield month, dealt[number :: len(MONTHS)]


def csv_body(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def json_lines(items: Iterable[Mapping[str, object]]) -> bytes:
    """One JSON object a line."""
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items).encode()


def package_folder(package: str) -> Path:
    """Where a package keeps its files. The package is not imported: only its files are wanted."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"{package} is not installed")
    return Path(spec.origin).parent
