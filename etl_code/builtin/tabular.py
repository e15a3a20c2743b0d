"""Rows of numbers to CSV: for K-Means, k-NN, Linear Learner, PCA, Random Cut Forest and XGBoost.

Reads the CSV objects of the asked months and writes one typed row each to the curated zone: numbers
but for the columns that the table below calls texts; a bad value becomes null, the data checks
judge. From these come the channels' files (CSV without a header, the label first where one is
learnt), the requests (the same rows without the label) and the truth that answers are judged by.

A month is one file a folder, written anew, so a retry is harmless. Runs on EMR 7, whose Python is
3.9: nothing newer is used here.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812  the name that Spark code uses everywhere


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


# What follows is the same in every script of this folder: EMR Serverless gets one file.


@dataclass(frozen=True)
class Arguments:
    """Folders end with a slash; months look like 2013-04."""

    raw: str
    curated: str
    features: str
    months: list[str]

    @property
    def workload(self) -> str:
        """The last part of the raw zone's URI."""
        return self.raw.rstrip("/").rsplit("/", 1)[-1]


def parse_arguments(values: Optional[list[str]] = None) -> Arguments:  # noqa: UP045  Python 3.9
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Raw objects to channels, month by month.")
    parser.add_argument("--raw", required=True, help="s3://<raw bucket>/<workload>/")
    parser.add_argument("--curated", required=True)
    parser.add_argument("--features", required=True)
    parser.add_argument("--months", required=True, help="months to (re)write: 2013-01,2013-02")
    parser.add_argument("--history-months", default="", help="not used: no month needs another")
    parsed = parser.parse_args(values)
    return Arguments(
        raw=parsed.raw.rstrip("/") + "/",
        curated=parsed.curated.rstrip("/") + "/",
        features=parsed.features.rstrip("/") + "/",
        months=sorted(set(filter(None, parsed.months.split(",")))),
    )


def settings_of(workload: str, known: Mapping[str, Any]) -> Any:
    """What this script knows of a workload."""
    if workload not in known:
        sys.exit(
            f"The workload is {workload}; this script knows {', '.join(sorted(known))}. Add a line "
            "for it to the table at the script's top, or name another script in etl.script."
        )
    return known[workload]


def start_session() -> SparkSession:
    """Spark, with what this job relies on; sizes are the submitter's business."""
    return (
        SparkSession.builder.appName("built-in-algorithm")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        # Zones hold data only: readers list every object of a month.
        .config("spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
        .getOrCreate()
    )


def complete(raw: DataFrame, names: Sequence[str]) -> DataFrame:
    """Null in place of columns that a delivery lacks: the data checks judge, the job goes on."""
    present = {name.lower() for name in raw.columns}  # Spark itself does not look at the case
    missing = [name for name in names if name not in present]
    return raw.select("*", *[F.lit(None).cast("string").alias(name) for name in missing])


def text(name: str) -> Column:
    """The trimmed text; null where there is none."""
    trimmed = F.trim(F.col(name))
    return F.when(trimmed != "", trimmed).alias(name)


def number(name: str) -> Column:
    """The number in a text column; null where there is none ("NA", "abc", "Infinity")."""
    value = F.col(name).cast("double")
    return F.when(F.abs(value) < 1e12, value).alias(name)


def write_curated(rows: DataFrame, curated: str, month: str, order: list[Column]) -> DataFrame:
    """Replace a month by one file, its rows in an order that depends on them alone; kept in memory
    for what is made of them."""
    ordered = rows.coalesce(1).sortWithinPartitions(*order).persist()
    ordered.write.mode("overwrite").parquet(f"{curated}month={month}")
    return ordered


class Files:
    """Files of the features zone, written by the driver through the file system that Spark uses for
    the scheme: one a month and folder, in the form that the algorithm takes."""

    FLUSH_BYTES = 1_000_000

    def __init__(self, spark: SparkSession, features: str) -> None:
        self._hadoop = spark.sparkContext._jvm.org.apache.hadoop.fs
        self._configuration = spark.sparkContext._jsc.hadoopConfiguration()
        self._features = features
        self._streams: dict[str, Any] = {}
        self._buffers: dict[str, bytearray] = {}

    def clear(self, folder: str) -> None:
        """Remove a folder and what is in it."""
        path = self._hadoop.Path(self._features + folder)
        path.getFileSystem(self._configuration).delete(path, True)

    def add(self, name: str, data: bytes) -> None:
        """Append to a file, which this run begins anew."""
        if name not in self._streams:
            path = self._hadoop.Path(self._features + name)
            system = path.getFileSystem(self._configuration)
            self._streams[name] = system.create(path, True)
            self._buffers[name] = bytearray()
        buffer = self._buffers[name]
        buffer += data
        if len(buffer) >= self.FLUSH_BYTES:
            self._streams[name].write(buffer)
            buffer.clear()

    def add_json(self, name: str, value: Any) -> None:
        """Append a line of JSON."""
        self.add(name, json.dumps(value, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        """Complete all files."""
        for name, stream in self._streams.items():
            stream.write(self._buffers[name])
            stream.close()
        print(f"wrote {len(self._streams)} files to {self._features}")


def main() -> None:
    """Run the job: raw → curated → channels, requests and truth, for the asked months."""
    arguments = parse_arguments()
    spark = start_session()
    run(spark, arguments)
    spark.stop()


if __name__ == "__main__":
    main()
