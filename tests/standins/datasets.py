"""Real data that scikit-learn ships as files: read from the environment that has it installed."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Dataset:
    """Rows in an order of chance, the same in every run.

    Attributes:
        features: n × d.
        labels: n.
    """

    features: Any
    labels: Any

    def part(self, start: float, stop: float) -> Dataset:
        """The rows between two shares of all."""
        count = len(self.labels)
        rows = slice(int(start * count), int(stop * count))
        return Dataset(self.features[rows], self.labels[rows])

    @property
    def csv(self) -> bytes:
        """Label first."""
        return _csv(np.column_stack([self.labels, self.features]))

    @property
    def body(self) -> bytes:
        """Without labels."""
        return _csv(self.features)


def breast_cancer(python: Path) -> Dataset:
    """569 × 30, malignant 0 or benign 1."""
    table = np.loadtxt(_folder(python) / "breast_cancer.csv", delimiter=",", skiprows=1)
    return _shuffled(table[:, :-1], table[:, -1])


def digits(python: Path) -> Dataset:
    """1,797 × 64, the digits from 0 to 9."""
    table = _gzipped(python, "digits.csv.gz", ",")
    return _shuffled(table[:, :-1], table[:, -1])


def diabetes(python: Path) -> Dataset:
    """442 × 10, how far the disease has come after a year."""
    features = _gzipped(python, "diabetes_data_raw.csv.gz", None)
    return _shuffled(features, _gzipped(python, "diabetes_target.csv.gz", None))


def _folder(python: Path) -> Path:
    packages = next((python.parents[1] / "lib").glob("python*/site-packages"))
    return packages / "sklearn" / "datasets" / "data"


def _gzipped(python: Path, name: str, delimiter: str | None) -> Any:
    with gzip.open(_folder(python) / name, "rt") as file:
        return np.loadtxt(file, delimiter=delimiter)


def _shuffled(features: Any, labels: Any) -> Dataset:
    order = np.random.default_rng(0).permutation(len(labels))
    return Dataset(features[order], labels[order])


def _csv(table: Any) -> bytes:
    return "\n".join(",".join(f"{cell:.7g}" for cell in row) for row in table).encode()
