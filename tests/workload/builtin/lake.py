"""The lake of all built-in workloads: their raw data, and what the Spark jobs make of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from flywheel import samples
from flywheel.local_aws.emr_serverless.spark import (
    SparkHome,
    job_environment,
    local_settings,
    spark_command,
)
from flywheel.settings import load_workloads
from flywheel.settings.workload import WorkloadSettings

ROOT = Path(__file__).parents[3]
MONTH, DAMAGED = samples.MONTHS[2], "2013-05"
KEYS = samples.keys()


def settings(key: str) -> WorkloadSettings:
    """The workload as the local environment has it."""
    return load_workloads(ROOT / "config", "local", builtin=True)[key]


@dataclass(frozen=True)
class Lake:
    """Zones as folders."""

    folder: Path

    def deliver(self, key: str, months: Sequence[str]) -> None:
        """Put the sample data of some months, and what is no month's, into the raw zone."""
        for item in samples.raw_objects(key):
            if "month=" not in item.key or any(f"month={month}/" in item.key for month in months):
                self.put(key, item.key, item.body)

    def put(self, key: str, name: str, body: bytes) -> None:
        path = self.folder / "raw" / key / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def step(self, key: str, *months: str, script: str = "") -> list[str]:
        """The command line of a run."""
        zones = [
            f"--{zone}={(self.folder / zone / key).as_uri()}/"
            for zone in ("raw", "curated", "features")
        ]
        path = ROOT / (script or settings(key).etl.script)
        return [str(path), *zones, f"--months={','.join(months)}", "--history-months="]

    def run(self, python: Path, steps: Iterable[Sequence[str]]) -> list[str | None]:
        """Run the steps in one Spark session; the errors of those that failed."""
        plan = self.folder / "steps.json"
        plan.write_text(json.dumps(list(steps)))
        home = SparkHome.find(python)
        # In place of spark.submit.pyFiles: the modules lie in this repository.
        environment = {**job_environment(home, self.folder), "PYTHONPATH": str(ROOT)}
        (self.folder / "spark").mkdir(exist_ok=True)
        command = spark_command(
            home,
            script=Path(__file__).with_name("run_scripts.py"),
            arguments=[str(plan)],
            settings={
                **local_settings(self.folder),
                "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
            },
            submitted="",
        )
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return [answer["error"] for answer in answers]

    def files(self, key: str, folder: str, month: str = MONTH) -> list[Path]:
        """The files of a folder of the features zone."""
        return sorted((self.folder / "features" / key / folder / f"month={month}").iterdir())

    def body(self, key: str, folder: str, month: str = MONTH) -> bytes:
        """All files of it, one after another."""
        return b"".join(file.read_bytes() for file in self.files(key, folder, month))

    def lines(self, key: str, folder: str) -> list[str]:
        return self.body(key, folder).decode().splitlines()

    def json_lines(self, key: str, folder: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines(key, folder)]

    def curated(self, key: str, what: str = "*", month: str = MONTH) -> list[tuple[Any, ...]]:
        """SQL over the curated rows of a month."""
        pattern = self.folder / "curated" / key / f"month={month}" / "*.parquet"
        source = f"read_parquet('{pattern}', hive_partitioning=true, hive_types_autocast=false)"
        with duckdb.connect() as database:
            database.execute("SET TimeZone = 'UTC'")
            rows: list[tuple[Any, ...]] = database.execute(
                f"SELECT {what} FROM {source}"
            ).fetchall()
        return rows
