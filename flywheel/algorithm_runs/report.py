"""The table of all rows, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from flywheel.algorithm_runs.row import Row

WIDTH = 170
"""Columns where the output goes to a file."""


def table(rows: Sequence[Row]) -> Table:
    """A line for each algorithm: what was reached, what had to be beaten, in which forms."""
    shown = Table(title="Built-in algorithms, each by a stand-in: Amazon's numbers will differ")
    for name in ("algorithm", "metric", "reached", "to beat", "s"):
        is_number = name in ("reached", "to beat", "s")
        shown.add_column(name, justify="right" if is_number else "left", no_wrap=True)
    for name in ("naive baseline", "requests", "answers"):
        shown.add_column(name, overflow="fold")
    shown.add_column("", no_wrap=True)
    for row in rows:
        shown.add_row(
            row.key,
            row.metric,
            _number(row.value),
            _number(row.baseline),
            f"{row.seconds.get('total', 0):.0f}",
            row.baseline_name,
            _forms({each.content_type for each in row.invocations}),
            _forms({each.accept for each in row.invocations}),
            "[green]ok[/]" if row.passed else "[red]failed[/]",
        )
    return shown


def write(rows: Sequence[Row], seconds: dict[str, float], folder: Path) -> Path:
    """`report.json`: every row with its seconds and every call of its endpoint.

    Args:
        rows: in the order of the table.
        seconds: of the deployment, the rows together, and all.
        folder: gets the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {
        "stand_ins": "Not Amazon's containers: another implementation of the same contract.",
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "passed": sum(row.passed for row in rows),
        "rows": [{**_rounded(asdict(row)), "passed": row.passed} for row in rows],
    }
    file = folder / "report.json"
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return file


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "seconds": {name: round(value, 1) for name, value in row["seconds"].items()}}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:z.3f}"


def _forms(kinds: set[str]) -> str:
    """Short: `csv, json, jsonlines, recordio`."""
    names = (kind.replace("application/x-recordio-protobuf", "recordio") for kind in sorted(kinds))
    return ", ".join(name.partition("/")[2] or name for name in names)
