"""Hourly readings to time series: for DeepAR.

Reads the CSV objects of the asked months and writes one typed row a reading to the curated zone.
The channel has one series a place and month, as JSON Lines of start, target and cat; hours without
a reading are "NaN". The requests ask for the next 24 hours, again and again through the month, each
time knowing all before; the truth is what these hours were, and what the 24 hours before were.

A month is one file a folder, written anew, so a retry is harmless. Runs on EMR 7, whose Python is
3.9: nothing newer is used here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Optional

from pyspark.sql import DataFrame, SparkSession
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

PREDICTED_HOURS = 24
"""The hyperparameter prediction_length."""
KNOWN_HOURS = 7 * 24
"""The least that a request knows."""
HOURS_BETWEEN = 48
"""Requests: every second day is asked about."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Series:
    """What a workload's readings are."""

    raw: str
    value: str
    places: tuple[str, ...]
    """In the order of their numbers in cat; a place that is not named is left out."""


SERIES = {"deepar": Series("weather", "humid", ("EWR", "JFK", "LGA"))}


def run(spark: SparkSession, arguments: Arguments) -> None:
    """Write the asked months."""
    series: Series = settings_of(arguments.workload, SERIES)
    files = Files(spark, arguments.features)
    for month in arguments.months:
        for folder in ("series", "requests", "truth"):
            files.clear(f"{folder}/month={month}")
        read = spark.read.csv(f"{arguments.raw}{series.raw}/month={month}", header=True)
        raw = complete(read, ["origin", "time_hour", series.value])
        typed = raw.select(
            text("origin"),
            F.col("time_hour").cast("timestamp").alias("observed_utc"),
            number(series.value),
        )
        rows = write_curated(
            typed, arguments.curated, month, [F.col("origin"), F.col("observed_utc")]
        )
        for folder, line in lines_of(rows, series):
            files.add(f"{folder}/month={month}/part-00000.jsonl", json.dumps(line).encode() + b"\n")
        rows.unpersist()
    files.close()


def lines_of(rows: DataFrame, series: Series) -> Iterator[tuple[str, dict[str, Any]]]:
    """Folder and line of each place's month, and of the days to predict in it."""
    hours = rows.groupBy("origin", "observed_utc").agg(F.max(series.value).alias("value"))
    readings: dict[str, dict[datetime, Optional[float]]] = {}  # noqa: UP045  Python 3.9
    for row in hours.where("origin IS NOT NULL AND observed_utc IS NOT NULL").collect():
        readings.setdefault(row["origin"], {})[row["observed_utc"]] = row["value"]
    for category, place in enumerate(series.places):
        known = readings.get(place)
        if not known:
            continue
        start, end = min(known), max(known)
        values = [known.get(start + step * HOUR) for step in range((end - start) // HOUR + 1)]
        written = ["NaN" if value is None else value for value in values]
        same = {"start": f"{start:%Y-%m-%d %H:%M:%S}", "cat": [category]}
        yield "series", {**same, "target": written}
        for now in range(KNOWN_HOURS, len(values) - PREDICTED_HOURS + 1, HOURS_BETWEEN):
            yield "requests", {**same, "target": written[:now]}
            yield (
                "truth",
                {
                    "target": values[now : now + PREDICTED_HOURS],
                    "season": values[now - PREDICTED_HOURS : now],
                },
            )


if __name__ == "__main__":
    main(run)
