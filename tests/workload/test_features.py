"""The Spark job: what was known two hours before departure, and nothing that came later."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flywheel.demo.flights import FlightYear
from flywheel.local_aws.emr_serverless.spark import (
    SparkHome,
    job_environment,
    local_settings,
    spark_command,
)
from flywheel.local_aws.images import ImageCatalogue
from flywheel.retraining_loop import RawObject
from flywheel.settings.workload import CheckSettings
from tests.workload import sample
from tests.workload.flights import CUTOFF, FLIGHT_MINUTES, Flight, World, at

JANUARY, FEBRUARY, DAMAGED = "2013-01", "2013-02", "2013-05"
MINUTE = timedelta(minutes=1)
FLIGHT = timedelta(minutes=FLIGHT_MINUTES)

DEPARTURE = at(10, 20)
KNOWN_UNTIL = DEPARTURE - CUTOFF  # 18:00
EDGE = at(1, 13, month=2)  # a flight whose look-back reaches into January

BASE = World(
    flights={
        # Each pair is alone with its plane, airports and carrier, so that nothing else is seen.
        "asks_of_departure": Flight(1, DEPARTURE, plane="N1", carrier="AA", origin="AAA"),
        "left": Flight(2, KNOWN_UNTIL - 30 * MINUTE, plane="N1", carrier="AB", origin="AAB",
                       dest="AAC", dep_delay=30, arr_delay=300),
        "asks_of_landing": Flight(3, DEPARTURE, plane="N3", carrier="BA", origin="BBA"),
        "landed": Flight(4, KNOWN_UNTIL - FLIGHT - 20 * MINUTE, plane="N3", carrier="BB",
                         origin="BBB", dest="BBC", dep_delay=5, arr_delay=20),
        "asks_of_weather": Flight(5, DEPARTURE, plane="N5", carrier="CA", origin="CCA"),
        "asks_of_origin": Flight(6, DEPARTURE, plane="N6", carrier="DA", origin="DDA"),
        "earlier": Flight(7, KNOWN_UNTIL - 60 * MINUTE, plane="N7", carrier="DB", origin="DDA",
                          dest="DDB", dep_delay=10, arr_delay=300),
        "later": Flight(8, KNOWN_UNTIL - 60 * MINUTE, plane="N8", carrier="DC", origin="DDA",
                        dest="DDC", dep_delay=60, arr_delay=300),
        "asks_of_dest": Flight(9, DEPARTURE, plane="N9", carrier="EA", origin="EEA", dest="EED"),
        "arrived": Flight(10, KNOWN_UNTIL - FLIGHT - 40 * MINUTE, plane="N10", carrier="EB",
                          origin="EEB", dest="EED", dep_delay=0, arr_delay=40),
        "cancelled": Flight(11, DEPARTURE, plane="N11", dep_delay=None, arr_delay=None),
        "february": Flight(12, EDGE, plane="N12", carrier="FA", origin="FFA"),
        "january": Flight(13, EDGE - timedelta(hours=24), plane="N12", carrier="FB", origin="FFB",
                          dest="FFC", dep_delay=7, arr_delay=9),
    },
    temperatures={("CCA", KNOWN_UNTIL - timedelta(hours=1)): 50.0,
                  ("CCA", KNOWN_UNTIL - timedelta(hours=2)): 40.0},
)  # fmt: skip
"""Every event happens in the last minute in which it still counts."""

LATER = BASE.changed(
    left={"dep_delay": 31},
    landed={"arr_delay": 21},
    later={"dep_delay": 61},
    arrived={"arr_delay": 41},
    asks_of_weather={"departs": DEPARTURE - MINUTE},  # the reading is complete a minute too late
)
"""The same events a minute later."""


GARBAGE = {
    "other order.csv": "\ufeffcarrier,day,month,year,time_hour,minute,flight,origin,dest\n"
    "UA,1,1,2013,2013-01-01T10:00:00Z,15,1545,EWR,IAH\n",
    "numbers [1] {2}.csv": "year,month,day,dep_delay,arr_delay,distance,flight,time_hour,minute\n"
    "0001,1,1,1e99,abc,NaN,x,0001-01-01T00:00:00Z,0\n"
    "2147483647,13,32,Infinity,-1,--1,9999999999,+294247-01-10T04:00:54Z,99999999999\n",
    "rows.csv": 'carrier,origin\nUA,EWR,too,many\ntoo few\n\n"never closed\n',
    "no header.csv": "\x00\x01\x02\n{}\n",
    "empty.csv": "",
}
"""By file name; one flight in it is a flight."""


@dataclass(frozen=True)
class Zone:
    """One Spark job's output, read with DuckDB."""

    folder: Path

    def rows(self, table: str) -> dict[str, dict[str, Any]]:
        """Flight id → row, of all months."""
        with duckdb.connect() as database:
            database.execute("SET TimeZone = 'UTC'")
            cursor = database.execute(
                "SELECT COLUMNS(lambda c: c NOT LIKE '%_utc'), CAST(COLUMNS('.*_utc') AS varchar) "
                f"FROM {self.source(table)}"
            )
            names = [column[0] for column in cursor.description or ()]
            found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return {row["flight_id"]: row for row in found}

    def source(self, table: str) -> str:
        pattern = self.folder / table / "month=*" / "*.parquet"
        return f"read_parquet('{pattern}', hive_partitioning=true, hive_types_autocast=false)"

    def schema(self, table: str) -> dict[str, str]:
        with duckdb.connect() as database:
            columns = database.execute(f"DESCRIBE SELECT * FROM {self.source(table)}").fetchall()
        return {name: kind for name, kind, *_ in columns}

    def features(self, name: str, world: World = BASE) -> dict[str, Any]:
        return self.rows("features")[world.flights[name].id]

    def bytes_of(self, table: str, month: str) -> list[bytes]:
        files = sorted((self.folder / table / f"month={month}").glob("*.parquet"))
        assert files
        return [file.read_bytes() for file in files]


@dataclass(frozen=True)
class Lake:
    """What the Spark jobs of this module wrote."""

    base: Zone
    later: Zone
    repeated: Zone
    sample: Zone
    garbage: Zone


@pytest.fixture(scope="module")
def lake(images: ImageCatalogue, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """All runs, in one Spark session."""
    folder = tmp_path_factory.mktemp("lake")
    BASE.write(folder / "raw-base")
    LATER.write(folder / "raw-later")
    year = FlightYear(share=0.05)
    objects = [*year.reference(), *year.weather([JANUARY, DAMAGED])]
    put(folder / "raw-sample", [*objects, *year.batch([JANUARY], files_a_month=3)])
    put(folder / "raw-sample", year.damaged_batch(DAMAGED))
    put(
        folder / "raw-garbage",
        [
            *(
                RawObject(f"flights/month={JANUARY}/{name}", text.encode())
                for name, text in GARBAGE.items()
            ),
            RawObject("airports/airports.csv", b"faa,tzone\nIAH,No/Where\n"),
            RawObject(f"weather/month={JANUARY}/w.csv", b"origin,temp,time_hour\nEWR,hot,noon\n"),
        ],
    )
    steps = [
        job(folder, "base", [JANUARY, FEBRUARY]),
        job(folder, "later", [JANUARY, FEBRUARY]),
        ["copy", str(folder / "base"), str(folder / "repeated")],
        job(folder, "repeated", [FEBRUARY], history=[JANUARY], raw="base"),
        job(folder, "sample", [JANUARY, DAMAGED]),
        job(folder, "garbage", [JANUARY, FEBRUARY], history=["2012-12"]),
    ]
    (folder / "steps.json").write_text(json.dumps(steps))
    run_spark(images, folder)
    names = ("base", "later", "repeated", "sample", "garbage")
    return Lake(*(Zone(folder / name) for name in names))


def put(raw: Path, objects: Sequence[RawObject]) -> None:
    for item in objects:
        path = raw / item.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.body)


def job(
    folder: Path, name: str, months: list[str], history: Sequence[str] = (), raw: str = ""
) -> list[str]:
    """The arguments that the loop gives the job."""
    return [
        *("--raw", (folder / f"raw-{raw or name}").as_uri()),
        *("--curated", (folder / name / "curated").as_uri()),
        *("--features", (folder / name / "features").as_uri()),
        *("--months", ",".join(months)),
        *("--history-months", ",".join(history)),
    ]


def run_spark(images: ImageCatalogue, folder: Path) -> None:
    (folder / "spark").mkdir()
    home = SparkHome.find(images.python("emr-7.9.0"))
    command = spark_command(
        home,
        script=Path(__file__).with_name("run_etl.py"),
        arguments=[str(folder / "steps.json")],
        settings=local_settings(folder),
        submitted="",
        record_classes_to=None,
    )
    done = subprocess.run(
        command,
        env=job_environment(home, folder),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]


def checks_of(zone: Zone, month: str) -> dict[str, tuple[float | None, bool]]:
    """Each check's value of a month, and whether it passes: the query that the loop sends."""
    checks = sample.settings().checks
    columns = ", ".join(f"CAST({c.expression} AS double)" for c in checks)
    with duckdb.connect() as database:
        row = database.execute(
            f"SELECT {columns} FROM {zone.source('curated')} WHERE month = '{month}' GROUP BY month"
        ).fetchone()
    assert row is not None
    return {
        check.name: (
            value,
            value is not None
            and (check.min is None or value >= check.min)
            and (check.max is None or value <= check.max),
        )
        for check, value in zip(checks, row, strict=True)
    }


# Point in time


@pytest.mark.parametrize(
    ("flight", "feature", "known", "a_minute_later"),
    [
        ("asks_of_departure", "prev_dep_delay", 30, None),
        ("asks_of_landing", "prev_arr_delay", 20, None),
        ("asks_of_weather", "temp", 50, 40),
        ("asks_of_origin", "origin_dep_delay_2h", 35, 10),
        ("asks_of_dest", "dest_arr_delay_18h", 40, None),
    ],
)
def test_an_event_a_minute_past_the_cutoff_is_unknown(
    lake: Lake, flight: str, feature: str, known: float, a_minute_later: float | None
) -> None:
    assert lake.base.features(flight)[feature] == known
    assert lake.later.features(flight, LATER)[feature] == a_minute_later


def test_the_delay_of_a_landing_to_come_is_unknown_while_the_departure_is_known(
    lake: Lake,
) -> None:
    row = lake.base.features("asks_of_departure")

    assert (row["prev_dep_delay"], row["prev_arr_delay"]) == (30, None)


def test_the_planned_turnaround_is_known_before_anything_happens(lake: Lake) -> None:
    row = lake.base.features("asks_of_departure")

    assert row["prev_turnaround_minutes"] == 30  # scheduled to land at 19:30, to leave at 20:00


def test_a_flight_knows_nothing_of_itself(lake: Lake) -> None:
    row = lake.base.features("asks_of_departure")

    assert row["origin_dep_delay_2h"] is None
    assert row["carrier_dep_delay_2h"] is None


def test_the_label_says_whether_the_arrival_was_over_15_minutes_late(lake: Lake) -> None:
    rows = {name: lake.base.features(name) for name in ("landed", "asks_of_landing", "january")}

    assert {name: row["late"] for name, row in rows.items()} == {
        "landed": 1,
        "asks_of_landing": 0,
        "january": 0,
    }


def test_a_flight_that_never_arrived_is_curated_and_has_no_label(lake: Lake) -> None:
    flight = BASE.flights["cancelled"].id

    assert flight in lake.base.rows("curated")
    assert flight not in lake.base.rows("features")


# Months


def test_a_month_written_again_replaces_itself_with_the_same_rows(lake: Lake) -> None:
    for table in ("curated", "features"):
        assert lake.repeated.rows(table) == lake.base.rows(table)


def test_writing_a_month_leaves_the_other_months_alone(lake: Lake) -> None:
    for table in ("curated", "features"):
        assert lake.repeated.bytes_of(table, JANUARY) == lake.base.bytes_of(table, JANUARY)


def test_the_history_month_gives_what_happened_before_the_months_edge(lake: Lake) -> None:
    together, alone = lake.base.features("february"), lake.repeated.features("february")

    assert (alone["prev_dep_delay"], alone["prev_arr_delay"]) == (7, 9)
    assert alone == together


def test_the_tables_have_the_columns_and_types_of_the_settings(lake: Lake) -> None:
    kinds = {
        "string": "VARCHAR",
        "int": "INTEGER",
        "double": "DOUBLE",
        "date": "DATE",
        "timestamp": "TIMESTAMP WITH TIME ZONE",  # Spark's mark that the instant is UTC
    }
    tables = sample.settings().data.tables
    for table, columns in (("curated", tables.curated), ("features", tables.features)):
        expected = {name: kinds[kind] for name, kind in columns.items()}

        assert lake.sample.schema(table) == {**expected, "month": "VARCHAR"}


def test_the_zones_hold_nothing_but_parquet_files(lake: Lake) -> None:
    found = {
        path.suffix
        for path in lake.sample.folder.rglob("*")
        if path.is_file() and not path.name.endswith(".crc")
    }

    assert found == {".parquet"}


# Damage


def test_a_month_in_order_passes_every_check(lake: Lake) -> None:
    failed = {
        name: value
        for name, (value, passes) in checks_of(lake.sample, JANUARY).items()
        if not passes
    }

    assert failed == {}


def test_a_damaged_month_is_curated_and_the_checks_find_the_damage(lake: Lake) -> None:
    found = checks_of(lake.sample, DAMAGED)
    failed = {name for name, (_, passes) in found.items() if not passes}

    assert {
        "missing_carrier",
        "missing_schedule",
        "impossible_delay",
        "impossible_distance",
    } <= failed
    for name in ("missing_carrier", "impossible_delay", "impossible_distance"):
        assert found[name][0] == pytest.approx(1 / 3, abs=0.01)
    assert found["rows"][1]


def test_garbage_is_curated_as_nothing_known_and_has_no_features(lake: Lake) -> None:
    curated = lake.garbage.rows("curated")

    flight = curated["2013-01-01-UA-1545-EWR"]
    assert (flight["sched_dep_utc"], flight["dest"]) == ("2013-01-01 10:15:00+00", "IAH")
    assert flight["distance"] is None
    assert lake.garbage.rows("features") == {}
    assert not checks_of(lake.garbage, JANUARY)["missing_date"][1]


def test_a_month_without_a_file_is_there_and_empty(lake: Lake) -> None:
    for table in ("curated", "features"):
        assert FEBRUARY not in {row["month"] for row in lake.garbage.rows(table).values()}
        assert lake.garbage.bytes_of(table, FEBRUARY)


@pytest.mark.parametrize("check", sample.settings().checks, ids=lambda check: check.name)
def test_a_check_gives_no_decimal_which_athena_would_round(
    lake: Lake, check: CheckSettings
) -> None:
    """In Athena 1.0 is decimal(2,1), and so is an average of such: a share of 4 % would be 0.0."""
    with duckdb.connect() as database:
        query = f"SELECT typeof({check.expression}) FROM {lake.sample.source('curated')}"
        row = database.execute(f"{query} GROUP BY month").fetchone()

    assert row is not None
    assert not {literal for literal in ("1.0 ", "0.0 ", "DECIMAL") if literal in check.expression}
    assert not row[0].startswith("DECIMAL")
