"""Rows of numbers to CSV: for K-Means, k-NN, Linear Learner, PCA, Random Cut Forest and XGBoost.

Reads the CSV objects of the asked months and writes one typed row each to the curated zone: numbers
but for the columns that the table below calls texts; a bad value becomes null, the data checks
judge. From these come the channels' files (CSV without a header, the label first where one is
learnt), the requests (the same rows without the label) and the truth that answers are judged by.

A month is one file a folder, written anew, so a retry is harmless. Runs on EMR 7, whose Python is
3.9: nothing newer is used here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812  the name that Spark code uses everywhere

from etl_code.builtin.monthly import (
    Arguments,
    Files,
    complete,
    main,
    number,
    settings_of,
    text,
    write_curated,
)


@dataclass(frozen=True)
class Table:
    """What a workload's rows hold."""

    columns: tuple[str, ...]
    """As they stand in data.tables.curated. Those that are named again below are no features."""
    texts: tuple[str, ...] = ()
    label: str = ""
    """SQL over the columns; none: nothing is learnt to be predicted."""
    label_column: str = ""
    channels: Mapping[str, bool] = field(default_factory=lambda: {"rows": True})
    """Folders, and whether the label stands first in their rows."""
    requests: str = "csv"
    """csv, or jsonl where batch transform takes JSON Lines only."""

    @property
    def features(self) -> list[str]:
        """The columns that an algorithm sees."""
        return [name for name in self.columns if name not in (*self.texts, self.label_column)]


UNLABELLED = {"rows": False}
DIGITS = ("digit", *(f"p{row}{column}" for row in range(8) for column in range(8)))
CELLS = (
    *("radius", "texture", "perimeter", "area", "smoothness"),
    *("compactness", "concavity", "concave_points", "symmetry", "fractal_dimension"),
)
TUMOURS = (
    "malignant",
    *(f"{kind}_{measure}" for kind in ("mean", "error", "worst") for measure in CELLS),
)
TABLES = {
    "kmeans": Table(
        ("sepal_length", "sepal_width", "petal_length", "petal_width", "species"),
        texts=("species",),
        channels=UNLABELLED,
    ),
    "knn": Table(DIGITS, label="digit", label_column="digit", requests="jsonl"),
    "linear_learner_classification": Table(TUMOURS, label="malignant", label_column="malignant"),
    "linear_learner_regression": Table(
        (
            *("progression", "age", "sex", "bmi", "blood_pressure", "cholesterol", "ldl", "hdl"),
            *("cholesterol_ratio", "log_triglycerides", "glucose"),
        ),
        label="progression",
        label_column="progression",
    ),
    "pca": Table(DIGITS, label_column="digit", channels=UNLABELLED),
    "random_cut_forest": Table(
        TUMOURS,
        label="malignant",
        label_column="malignant",
        channels={"unlabelled": False, "labelled": True},
    ),
    "xgboost": Table(
        (
            *("visits", "log_coinsurance", "individual_deductible", "log_incentive"),
            *("log_max_expenditure", "physical_limit", "chronic_diseases"),
            *("good_health", "fair_health", "poor_health"),
        ),
        label="int(visits > 0)",
        label_column="visits",
    ),
}


def run(spark: SparkSession, arguments: Arguments) -> None:
    """Write the asked months."""
    table: Table = settings_of(arguments.workload, TABLES)
    files = Files(spark, arguments.features)
    for month in arguments.months:
        for folder in (*table.channels, "requests", "truth"):
            files.clear(f"{folder}/month={month}")
        read = spark.read.csv(f"{arguments.raw}rows/month={month}", header=True)
        typed = complete(read, table.columns).select(
            *[text(name) if name in table.texts else number(name) for name in table.columns]
        )
        # In the order of a checksum: like shuffled, and the same in every run.
        order = [F.xxhash64(*typed.columns)]
        rows = write_curated(typed, arguments.curated, month, order)
        for name, data in lines_of(rows, table, month):
            files.add(name, data)
        rows.unpersist()
    files.close()


def lines_of(rows: DataFrame, table: Table, month: str) -> Iterator[tuple[str, bytes]]:
    """The files' names and lines, row by row. A row without its label is left out."""
    labelled = rows.withColumn("_label", F.expr(table.label or "CAST(NULL AS double)"))
    for row in labelled.toLocalIterator():
        if table.label and row["_label"] is None:
            continue
        values = [row[name] for name in table.features]
        for folder, with_label in table.channels.items():
            cells = [row["_label"], *values] if with_label else values
            yield f"{folder}/month={month}/part-00000.csv", csv_line(cells)
        if table.requests == "csv":
            yield f"requests/month={month}/part-00000.csv", csv_line(values)
        else:
            request = json.dumps({"features": [plain(value) for value in values]})
            yield f"requests/month={month}/part-00000.jsonl", request.encode() + b"\n"
        yield f"truth/month={month}/part-00000.jsonl", truth_line(row, values)


def truth_line(row: Row, values: list[Any]) -> bytes:
    """The label; where there is none, the row itself."""
    label = plain(row["_label"])
    truth = {"features": [plain(value) for value in values]} if label is None else {"label": label}
    return json.dumps(truth).encode() + b"\n"


def csv_line(values: list[Any]) -> bytes:
    """One line; null is an empty cell."""
    return ",".join("" if v is None else str(plain(v)) for v in values).encode() + b"\n"


def plain(value: Any) -> Any:
    """A whole number without its decimal point."""
    whole = isinstance(value, float) and value.is_integer()
    return int(value) if whole else value


if __name__ == "__main__":
    main(run)
