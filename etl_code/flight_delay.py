"""Raw flights to features: what was known of each flight two hours before its departure.

Reads the CSV objects of the asked months, writes one typed row a flight to the curated zone (bad
values kept: the data checks judge them) and one row per labelled flight to the features zone. A
feature may use an event only if it had happened by the **cutoff**, two hours before the flight's
scheduled departure:

- a departure delay counts from the moment the plane left, an arrival delay from the moment it
  landed;
- a weather reading is labelled with its hour and counts from the end of that hour;
- schedules, and which plane flies, count as known.

Writing a month replaces that month only, and its rows do not depend on which other months the run
holds, so a retry or a late correction is harmless. Runs on EMR 7, whose Python is 3.9: nothing
newer is used here.
"""

from __future__ import annotations

import argparse
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from typing import Any, Optional

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812  the name that Spark code uses everywhere

CUTOFF_SECONDS = 2 * 3600
READING_SECONDS = 3600  # a reading labelled 10:00 is complete at 11:00
HISTORY_DAYS = 2  # how far any look-back reaches; also caps the previous leg
LATE_MINUTES = 15

FLIGHTS = [
    *("year", "month", "day", "time_hour", "minute", "sched_dep_time", "sched_arr_time"),
    *("dep_delay", "arr_delay", "air_time", "distance"),
    *("carrier", "flight", "tailnum", "origin", "dest"),
]
READINGS = ["temp", "humid", "wind_dir", "wind_speed", "precip", "visib", "pressure"]
WEATHER = ["origin", "time_hour", *READINGS]
PLANES = ["tailnum", "year", "seats"]
AIRPORTS = ["faa", "tzone"]

# airports.csv lacks these destinations; without a time zone their landings would never be known.
CARIBBEAN_ZONES = {
    "BQN": "America/Puerto_Rico",
    "PSE": "America/Puerto_Rico",
    "SJU": "America/Puerto_Rico",
    "STT": "America/St_Thomas",
}


@dataclass(frozen=True)
class LookBack:
    """A mean delay over the events of one key within the hours before the cutoff."""

    feature: str
    keys: tuple[str, ...]
    instant: str
    delay: str
    hours: int  # divides FRAME_HOURS


FRAME_HOURS = 18
LOOK_BACKS = (
    LookBack("origin_dep_delay_2h", ("origin",), "departed_utc", "dep_delay", 2),
    LookBack("origin_arr_delay_2h", ("origin",), "landed_utc", "arr_delay", 2),
    LookBack("carrier_dep_delay_2h", ("carrier",), "departed_utc", "dep_delay", 2),
    LookBack("carrier_origin_dep_delay_3h", ("carrier", "origin"), "departed_utc", "dep_delay", 3),
    LookBack("dest_arr_delay_18h", ("dest",), "landed_utc", "arr_delay", 18),
)

CURATED_COLUMNS = {
    "flight_id": "string",
    "flight_date": "date",
    "carrier": "string",
    "flight_number": "int",
    "tailnum": "string",
    "origin": "string",
    "dest": "string",
    "sched_dep_time": "int",
    "sched_dep_utc": "timestamp",
    "sched_arr_utc": "timestamp",
    "departed_utc": "timestamp",
    "landed_utc": "timestamp",
    "dep_delay": "double",
    "arr_delay": "double",
    "air_time": "double",
    "distance": "double",
    "plane_year": "int",
    "plane_seats": "int",
    **dict.fromkeys(READINGS, "double"),
}
EVENT_COLUMNS = [
    *("flight_id", "tailnum", "carrier", "origin", "dest"),
    *("sched_dep_utc", "sched_arr_utc", "departed_utc", "landed_utc", "dep_delay", "arr_delay"),
]
ID_COLUMNS = ["flight_id", "flight_date", "sched_dep_utc", "dest"]
FEATURE_COLUMNS = [
    "carrier",
    "origin",
    "sched_dep_minute",
    "day_of_week",
    "distance",
    "sched_duration_minutes",
    "plane_age_years",
    "plane_seats",
    "prev_turnaround_minutes",
    "prev_dep_delay",
    "prev_arr_delay",
    *[look_back.feature for look_back in LOOK_BACKS],
    *READINGS,
]


@dataclass(frozen=True)
class Arguments:
    """Folders end with a slash; months look like 2013-04."""

    raw: str
    curated: str
    features: str
    months: list[str]
    history_months: list[str]


def main() -> None:
    """Run the job: raw → curated → features, for the months on the command line."""
    arguments = parse_arguments()
    spark = start_session()
    run(spark, arguments)
    spark.stop()


def start_session() -> SparkSession:
    """Spark, with what this job relies on; sizes are the submitter's business."""
    return (
        SparkSession.builder.appName("flight-delay")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        # A damaged date such as 0001-01-01 is written as it is; the default is to fail the job.
        .config("spark.sql.parquet.datetimeRebaseModeInWrite", "CORRECTED")
        # Zones hold Parquet only: readers list every object of a month.
        .config("spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
        .getOrCreate()
    )


def run(spark: SparkSession, arguments: Arguments) -> None:
    """Write the curated rows of the asked months, then the features that follow from them."""
    write_months(spark, curate(spark, arguments), arguments.curated, arguments.months)
    curated = read_curated(spark, arguments.curated, arguments.months)
    features = add_features(curated, events_of(spark, curated, arguments))
    write_months(spark, features, arguments.features, arguments.months)


def parse_arguments(values: Optional[list[str]] = None) -> Arguments:  # noqa: UP045  Python 3.9
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Raw flights to features, month by month.")
    parser.add_argument("--raw", required=True, help="s3://<raw bucket>/<workload>/")
    parser.add_argument("--curated", required=True)
    parser.add_argument("--features", required=True)
    parser.add_argument("--months", required=True, help="months to (re)write: 2013-01,2013-02")
    parser.add_argument(
        "--history-months",
        default="",
        help="clean months before, for look-back over a month's edge",
    )
    parsed = parser.parse_args(values)
    months = sorted(set(filter(None, parsed.months.split(","))))
    history = sorted(set(filter(None, parsed.history_months.split(","))) - set(months))
    return Arguments(
        raw=parsed.raw.rstrip("/") + "/",
        curated=parsed.curated.rstrip("/") + "/",
        features=parsed.features.rstrip("/") + "/",
        months=months,
        history_months=[month for month in history if next_month(month) in months],
    )


def next_month(month: str) -> str:
    """The month after: 2013-12 → 2014-01."""
    return f"{date.fromisoformat(f'{month}-28') + timedelta(days=4):%Y-%m}"


# Raw → curated


def read_csv(spark: SparkSession, folder: str, columns: list[str]) -> DataFrame:
    """The named columns of a folder's CSV objects, as text.

    Each object is read by its own header, so that objects with missing or shuffled columns may lie
    side by side (Spark's own reader takes one header for all). What an object does not have is
    null; a folder that does not exist has no rows.
    """
    rows = spark.sql(
        f"SELECT {', '.join(f'string(NULL) AS {name}' for name in columns)} WHERE false"
    )
    for header, files in sorted(files_by_header(spark, folder).items()):
        names = [name.strip().strip('"').lower() for name in header.split(",")]
        fields = [
            name if name in columns and names.index(name) == index else f"_{index}"
            for index, name in enumerate(names)
        ]
        part = spark.read.csv(files, schema=", ".join(f"{f} string" for f in fields), header=True)
        cells = [
            F.col(name) if name in fields else F.lit(None).cast("string").alias(name)
            for name in columns
        ]
        rows = rows.union(part.select(*cells))
    return rows


def files_by_header(spark: SparkSession, folder: str) -> dict[str, list[str]]:
    """The folder's objects by their first line, as the patterns that Spark takes for paths.

    The driver reads the lines itself: a Spark job costs more than that.
    """
    place = Folder(spark, folder)
    files = place.files()
    found: dict[str, list[str]] = {}
    with ThreadPoolExecutor(max_workers=16) as pool:
        for file, header in zip(files, pool.map(place.first_line, files)):  # noqa: B905  Python 3.9
            pattern = re.sub(r"([][{}?*\\])", r"\\\1", file.toString())
            found.setdefault(header, []).append(pattern)
    return found


class Folder:
    """A folder or key prefix, through the file system that Spark itself uses for its scheme."""

    def __init__(self, spark: SparkSession, uri: str) -> None:
        self._java_io = spark.sparkContext._jvm.java.io
        self._path = spark.sparkContext._jvm.org.apache.hadoop.fs.Path(uri)
        self._system = self._path.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())

    def exists(self) -> bool:
        return bool(self._system.exists(self._path))

    def delete(self) -> None:
        self._system.delete(self._path, True)

    def files(self) -> list[Any]:
        """The paths of the files in it that are not empty; none if it does not exist."""
        listed = self._system.listStatus(self._path) if self.exists() else []
        return [status.getPath() for status in listed if status.isFile() and status.getLen() > 0]

    def first_line(self, file: Any) -> str:
        """The first line of one of its files."""
        reader = self._java_io.BufferedReader(
            self._java_io.InputStreamReader(self._system.open(file), "UTF-8")
        )
        line = reader.readLine() or ""
        reader.close()
        return str(line).lstrip("\ufeff")


def text(name: str) -> Column:
    """The trimmed text; null where R, Python or SQL wrote "nothing"."""
    trimmed = F.trim(F.col(name))
    return F.when(~F.lower(trimmed).isin("", "na", "nan", "null", "none", "\\n"), trimmed)


def code(name: str) -> Column:
    """A code such as a carrier's, in capitals."""
    return F.upper(text(name)).alias(name)


def number(name: str, kind: str = "double") -> Column:
    """The number in a text column; null where there is none ("NA", "abc", "Infinity")."""
    value = F.col(name).cast("double")
    return F.when(F.abs(value) < 1e9, value).cast(kind).alias(name)


def seconds(instant: str) -> Column:
    """Seconds since 1970."""
    return F.unix_timestamp(F.col(instant))


def later(instant: str, minutes: Column) -> Column:
    """The instant so many minutes later; null where no flight is that late."""
    moved = F.timestamp_seconds(seconds(instant) + (minutes * 60).cast("bigint"))
    return F.when(F.abs(minutes) <= 10 * 24 * 60, moved)


def curate(spark: SparkSession, arguments: Arguments) -> DataFrame:
    """One typed row a flight, with its plane and the weather that was known at its cutoff."""
    flights = [
        type_flights(read_csv(spark, f"{arguments.raw}flights/month={month}", FLIGHTS), month)
        for month in arguments.months
    ]
    weather = [
        read_csv(spark, f"{arguments.raw}weather/month={month}", WEATHER)
        for month in [*arguments.history_months, *arguments.months]
    ]
    planes = read_csv(spark, f"{arguments.raw}planes", PLANES)
    airports = read_csv(spark, f"{arguments.raw}airports", AIRPORTS)
    located = add_instants(reduce(DataFrame.union, flights), airports)
    joined = add_weather(add_plane(located, planes), reduce(DataFrame.union, weather))
    return joined.select("month", *CURATED_COLUMNS)


def type_flights(flights: DataFrame, month: str) -> DataFrame:
    """Text to types, name by name; `month` is the month that the flights were delivered for."""
    year = number("year", "int")
    day = F.make_date(
        F.when(year.between(1, 9999), year), number("month", "int"), number("day", "int")
    )
    hour = F.col("time_hour").cast(
        "timestamp"
    )  # in UTC; the clock times of the file are New York's
    typed = flights.select(
        F.lit(month).alias("month"),
        day.alias("flight_date"),
        *[code(name) for name in ("carrier", "tailnum", "origin", "dest")],
        number("flight", "int").alias("flight_number"),
        *[number(name, "int") for name in ("sched_dep_time", "sched_arr_time", "minute")],
        *[number(name) for name in ("dep_delay", "arr_delay", "air_time", "distance")],
        hour.alias("hour_utc"),
    )
    flight_id = F.concat_ws("-", "flight_date", "carrier", "flight_number", "origin")
    return typed.withColumn("flight_id", flight_id).withColumn(
        "sched_dep_utc", later("hour_utc", F.col("minute"))
    )


def add_instants(flights: DataFrame, airports: DataFrame) -> DataFrame:
    """When the plane was to land, when it left and when it landed.

    The file has the scheduled arrival on the destination's clock, without a date: the instant is
    the first time after the departure at which that clock shows it. The real instants are the
    scheduled ones plus the delays; the file's own dep_time and arr_time have no date and pass
    midnight.
    """
    zones = airports.groupBy(code("faa").alias("dest")).agg(F.max(text("tzone")).alias("tzone"))
    caribbean = F.create_map(*[F.lit(value) for pair in CARIBBEAN_ZONES.items() for value in pair])
    zone = F.coalesce("tzone", caribbean[F.col("dest")])
    clock = F.format_string("%04d", F.col("sched_arr_time") % 2400)
    shown = F.concat(
        F.col("flight_date").cast("string"),
        F.lit(" "),
        F.substring(clock, 1, 2),
        F.lit(":"),
        F.substring(clock, 3, 2),
        F.lit(":00 "),
        zone,
    ).cast("timestamp")
    wait = F.pmod(F.unix_timestamp(shown) - seconds("sched_dep_utc"), F.lit(24 * 3600))
    return (
        flights.join(F.broadcast(zones), "dest", "left")
        .withColumn("sched_arr_utc", later("sched_dep_utc", wait / 60))
        .withColumn("departed_utc", later("sched_dep_utc", F.col("dep_delay")))
        .withColumn("landed_utc", later("sched_arr_utc", F.col("arr_delay")))
    )


def add_plane(flights: DataFrame, planes: DataFrame) -> DataFrame:
    """The year in which the plane was built, and its seats."""
    known = planes.groupBy(code("tailnum")).agg(
        F.max(number("year", "int")).alias("plane_year"),
        F.max(number("seats", "int")).alias("plane_seats"),
    )
    return flights.join(F.broadcast(known), "tailnum", "left")


def add_weather(flights: DataFrame, weather: DataFrame) -> DataFrame:
    """The origin's newest reading that was complete at the cutoff."""
    complete = F.ceil(
        (F.unix_timestamp(F.col("time_hour").cast("timestamp")) + READING_SECONDS) / 3600
    )
    readings = (
        weather.select(
            code("origin"),
            complete.alias("hour"),
            F.struct(*[number(name) for name in READINGS]).alias("reading"),
        )
        .groupBy("origin", "hour")
        .agg(F.max("reading").alias("reading"))
    )
    cutoff_hour = F.floor((seconds("sched_dep_utc") - CUTOFF_SECONDS) / 3600)
    return (
        flights.withColumn("hour", cutoff_hour)
        .join(F.broadcast(readings), ["origin", "hour"], "left")
        .select(*flights.columns, "reading.*")
    )


# Curated → features


def read_curated(spark: SparkSession, zone: str, months: list[str]) -> DataFrame:
    """The curated rows of some months."""
    schema = ", ".join(
        f"{name} {kind}" for name, kind in {**CURATED_COLUMNS, "month": "string"}.items()
    )
    return (
        spark.read.schema(schema)
        .option("basePath", zone)
        .parquet(*[f"{zone}month={month}" for month in months])
    )


def events_of(spark: SparkSession, curated: DataFrame, arguments: Arguments) -> DataFrame:
    """What features look back on: the asked months, and the last days of the clean ones before."""
    events = curated.select(*EVENT_COLUMNS, F.lit(True).alias("asked"))
    for month in arguments.history_months:
        if not Folder(spark, f"{arguments.curated}month={month}").exists():
            continue  # clean once, deleted since: what it knew is not known any more
        edge = F.lit(f"{next_month(month)}-01").cast("timestamp") - F.expr(
            f"INTERVAL {HISTORY_DAYS} DAYS"
        )
        last_days = read_curated(spark, arguments.curated, [month]).where(
            F.col("sched_dep_utc") >= edge
        )
        events = events.union(last_days.select(*EVENT_COLUMNS, F.lit(False).alias("asked")))
    return events


def add_features(curated: DataFrame, events: DataFrame) -> DataFrame:
    """One row for each flight that has a label."""
    scheduled = (
        curated.where("arr_delay IS NOT NULL AND sched_dep_utc IS NOT NULL")
        .withColumn("late", (F.col("arr_delay") > LATE_MINUTES).cast("int"))
        .withColumn(
            "sched_dep_minute",
            F.floor(F.col("sched_dep_time") / 100) * 60 + F.col("sched_dep_time") % 100,
        )
        .withColumn("sched_dep_minute", F.col("sched_dep_minute").cast("int"))
        .withColumn("day_of_week", F.expr("weekday(flight_date) + 1"))  # 1 is Monday
        .withColumn("sched_duration_minutes", minutes_between("sched_dep_utc", "sched_arr_utc"))
        .withColumn("plane_age_years", F.year("flight_date") - F.col("plane_year"))
    )
    known = scheduled.join(previous_leg(events), "flight_id", "left").join(
        look_back(events), "flight_id", "left"
    )
    return known.select("month", *ID_COLUMNS, "late", *FEATURE_COLUMNS)


def minutes_between(start: str, end: str) -> Column:
    """Whole minutes from one instant to another."""
    return ((seconds(end) - seconds(start)) / 60).cast("int")


def had_happened(instant: str) -> Column:
    """Whether an event had happened by the cutoff of the row's flight; null if it never did."""
    return seconds(instant) <= seconds("sched_dep_utc") - CUTOFF_SECONDS


def previous_leg(events: DataFrame) -> DataFrame:
    """How the plane's leg before this one went, as far as it was known at the cutoff."""
    names = [
        "sched_dep_utc",
        "sched_arr_utc",
        "departed_utc",
        "landed_utc",
        "dep_delay",
        "arr_delay",
    ]
    of_plane = Window.partitionBy("tailnum").orderBy("sched_dep_utc", "flight_id")
    legs = (
        events.where("tailnum IS NOT NULL AND sched_dep_utc IS NOT NULL")
        .withColumn("leg", F.lag(F.struct(*names)).over(of_plane))
        .where("asked")
        .select(
            "flight_id",
            "sched_dep_utc",
            *[F.col(f"leg.{name}").alias(f"prev_{name}") for name in names],
        )
    )
    recent = minutes_between("prev_sched_dep_utc", "sched_dep_utc") <= HISTORY_DAYS * 24 * 60
    return legs.where(recent).select(
        "flight_id",
        minutes_between("prev_sched_arr_utc", "sched_dep_utc").alias("prev_turnaround_minutes"),
        F.when(had_happened("prev_departed_utc"), F.col("prev_dep_delay")).alias("prev_dep_delay"),
        F.when(had_happened("prev_landed_utc"), F.col("prev_arr_delay")).alias("prev_arr_delay"),
    )


def look_back(events: DataFrame) -> DataFrame:
    """The mean delays of LOOK_BACKS, as of each flight's cutoff.

    One window serves them all: every flight is put in five times as an event (at its departure or
    landing, with its delay) and five times as a question (at its cutoff, with no delay). A
    look-back of 2 hours has its time run 9 times faster than one of 18, so that the same frame
    fits both.
    """
    entries = []
    for index, item in enumerate(LOOK_BACKS):
        speed = FRAME_HOURS // item.hours
        key = F.concat(
            F.lit(f"{index} "), *[F.concat(F.col(name), F.lit(" ")) for name in item.keys]
        )
        nobody, no_delay = F.lit(None).cast("string"), F.lit(None).cast("double")
        question_time = F.when(F.col("asked"), seconds("sched_dep_utc") - CUTOFF_SECONDS)
        for time, delay, asker in (
            (seconds(item.instant), F.col(item.delay), nobody),
            (question_time, no_delay, F.col("flight_id")),
        ):
            entries.append(
                F.struct(
                    F.lit(index).alias("index"),
                    key.alias("key"),
                    (time * speed).alias("time"),
                    delay.alias("delay"),
                    asker.alias("flight_id"),
                )
            )
    before = (
        Window.partitionBy("key")
        .orderBy("time")
        .rangeBetween(-FRAME_HOURS * 3600, Window.currentRow)
    )
    answers = (
        events.select(F.inline(F.array(*entries)))
        .where("key IS NOT NULL AND time IS NOT NULL")
        .withColumn("mean", F.avg("delay").over(before))
        .where("flight_id IS NOT NULL")
    )
    means = [
        F.max(F.when(F.col("index") == index, F.col("mean"))).alias(item.feature)
        for index, item in enumerate(LOOK_BACKS)
    ]
    return answers.groupBy("flight_id").agg(*means)


def write_months(spark: SparkSession, rows: DataFrame, zone: str, months: list[str]) -> None:
    """Replace the months of a zone by one file each, its rows in order; a month may be empty.

    A run that fails in between leaves months without rows; its retry fills them.
    """
    for month in months:
        Folder(spark, f"{zone}month={month}").delete()
    ordered = rows.repartition("month").sortWithinPartitions("month", "sched_dep_utc", "flight_id")
    ordered.write.mode("append").partitionBy("month").parquet(zone)
    for month in months:
        if not Folder(spark, f"{zone}month={month}").exists():
            rows.drop("month").where("false").write.parquet(f"{zone}month={month}")
    print(f"wrote {', '.join(months)} to {zone}")


if __name__ == "__main__":
    main()
