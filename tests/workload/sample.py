"""Small stand-ins for what the workload reads, and its settings."""

from pathlib import Path

import duckdb

from flywheel.settings import load_workloads
from flywheel.settings.workload import WorkloadSettings

ROOT = Path(__file__).parents[2]
MONTHS = ("2013-01", "2013-02")
HOLDOUT = "2013-03"


def settings() -> WorkloadSettings:
    """The workload as the local environment has it."""
    return load_workloads(ROOT / "config", "local")["flight_delay"]


def write_features(folder: Path, month: str, *, rows: int = 1500) -> None:
    """A month of the features zone, invented: a late plane, and United, are late more often."""
    special = {
        "flight_id": f"'{month}-' || i",
        "flight_date": f"DATE '{month}-01' + CAST(i % 28 AS int)",
        "sched_dep_utc": f"TIMESTAMPTZ '{month}-01 12:00:00+00' + to_days(CAST(i % 28 AS int))",
        "dest": "'IAH'",
        "carrier": "CASE WHEN i % 50 > 0 THEN (['UA', 'AA', 'DL'])[1 + i % 3] END",
        "origin": "(['EWR', 'JFK', 'LGA'])[1 + (i // 3) % 3]",
        "prev_arr_delay": "delay",
        "late": "CAST(coalesce(delay, 10) + 30 * CAST(i % 3 = 0 AS int) + noise > 70 AS int)",
    }
    columns = [
        f"CAST({special.get(name, f'hash(i, {number}) % 500 / 5.0')} AS {kind}) AS {name}"
        for number, (name, kind) in enumerate(settings().data.tables.features.items())
    ]
    part = folder / f"month={month}" / "part-0.parquet"
    part.parent.mkdir(parents=True)
    source = f"""
        SELECT i, hash(i, 'noise') % 60 AS noise,
            CASE WHEN hash(i, 'seen') % 4 > 0 THEN hash(i, 'delay') % 100 - 10.0 END AS delay
        FROM (SELECT n + CAST(hash('{month}') % 10000 AS bigint) * 28 AS i FROM range({rows}) t(n))
    """
    with duckdb.connect() as database:
        database.execute(f"COPY (SELECT {', '.join(columns)} FROM ({source})) TO '{part}'")
