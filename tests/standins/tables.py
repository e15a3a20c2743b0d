"""Real rows as channels and requests, for the tests of the algorithms on tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from flywheel.standins.codecs.matrix import write_rows
from tests.standins.container import Asked, Input
from tests.standins.jobs import RECORDS


def csv(rows: Any) -> bytes:
    """One row a line."""
    return "\n".join(",".join(f"{cell:.9g}" for cell in row) for row in rows).encode()


def csv_input(rows: Any, labels: Any = None) -> Input:
    """A channel of CSV, labels first."""
    if labels is None:
        return Input({"part-0.csv": csv(rows)}, "text/csv;label_size=0")
    table = np.column_stack([labels, rows])
    return Input({"part-0.csv": csv(table)}, "text/csv;label_size=1")


def record_input(rows: Any, labels: Any = None, *, sparse: bool = False) -> Input:
    """A channel of records."""
    features = np.asarray(rows, np.float32)
    column = None if labels is None else np.asarray(labels, np.float32)[:, None]
    return Input(
        {"part-0.pbr": write_rows(csr_matrix(features) if sparse else features, column)}, RECORDS
    )


def record_request(rows: Any, accept: str | None = None, *, sparse: bool = False) -> Asked:
    """A request of records, for exactly these float32 numbers."""
    features = np.asarray(rows, np.float32)
    return Asked(write_rows(csr_matrix(features) if sparse else features), RECORDS, accept)


def csv_request(rows: Any, accept: str | None = None) -> Asked:
    """A request of CSV."""
    return Asked(csv(rows), "text/csv", accept)
