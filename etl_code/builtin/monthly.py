"""What the Spark jobs of the built-in algorithms share: arguments, columns, files of a month.

The scripts import it; EMR Serverless gets it beside them (`etl.modules` of the workload). Runs on
EMR 7, whose Python is 3.9: nothing newer is used here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  the name that Spark code uses everywhere


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

    def close(self) -> None:
        """Complete all files."""
        for name, stream in self._streams.items():
            stream.write(self._buffers[name])
            stream.close()
        print(f"wrote {len(self._streams)} files to {self._features}")


def main(run: Callable[[SparkSession, Arguments], None]) -> None:
    """A script's job: raw → curated → channels, requests and truth, for the asked months."""
    arguments = parse_arguments()
    spark = start_session()
    run(spark, arguments)
    spark.stop()
