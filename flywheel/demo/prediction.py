"""One flight out of the lake, asked about through the API, told in words."""

from __future__ import annotations

import csv
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from flywheel.demo.client import Instance, PredictionApi
from flywheel.demo.flights import data_folder

NOT_FEATURES = {"flight_id", "flight_date", "sched_dep_utc", "dest", "late", "month"}


@dataclass(frozen=True)
class KnownFlight:
    """A flight whose outcome is known, with what was known of it two hours before departure.

    Attributes:
        flight_id: such as `2013-06-28-UA-1545-EWR`.
        dest: airport code.
        departs_utc: scheduled.
        late: whether it really arrived more than 15 minutes late.
        instance: the model's features.
    """

    flight_id: str
    dest: str
    departs_utc: datetime
    late: bool
    instance: Instance

    def ask(self, api: PredictionApi) -> dict[str, Any]:
        """The API's answer and what really happened, in numbers and in words."""
        (answer,) = api.predict([self.instance])
        probability = float(answer["probability"])
        return {
            "words": self._words(probability),
            "flight": self.flight_id,
            "probability": round(probability, 4),
            "late": bool(answer["late"]),
            "really_late": self.late,
        }

    def _words(self, probability: float) -> str:
        carrier, number, origin = self.flight_id.split("-")[3:]
        airline = _names("airlines.csv", "carrier").get(carrier, carrier)
        airports = _names("airports.csv", "faa")
        return (
            f"{airline} flight {number} from {airports.get(origin, origin)} ({origin}) to "
            f"{airports.get(self.dest, self.dest)} ({self.dest}), due to leave at "
            f"{self.departs_utc:%H:%M} UTC on {self.departs_utc:%d %B %Y}: two hours before, the "
            f"model gives it a {probability:.0%} chance of arriving more than 15 minutes late. "
            f"It really was {'late' if self.late else 'not late'}."
        )


def some_flight(s3: Any, *, bucket: str, prefix: str, month: str) -> KnownFlight:
    """A flight of the month whose plane is known to have come in late, not long before.

    Args:
        s3: a boto3 client.
        bucket: the feature zone.
        prefix: the workload's key prefix in it, with a slash at the end.
        month: such as `2013-06`.
    """
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}month={month}/")["Contents"]
    with tempfile.TemporaryDirectory() as folder:
        for number, item in enumerate(listed):
            s3.download_file(bucket, item["Key"], str(Path(folder) / f"{number}.parquet"))
        with duckdb.connect() as database:
            cursor = database.execute(
                "SELECT * REPLACE (epoch(sched_dep_utc) AS sched_dep_utc) FROM read_parquet(?) "
                "WHERE prev_arr_delay IS NOT NULL "
                "ORDER BY prev_turnaround_minutes BETWEEN 120 AND 300 DESC, "
                "abs(prev_arr_delay - 120), flight_id LIMIT 1",
                [str(Path(folder) / "*.parquet")],
            )
            names = [column[0] for column in cursor.description or ()]
            values = cursor.fetchone()
    if values is None:
        raise LookupError(f"no flight of {month} is in s3://{bucket}/{prefix}")
    row = dict(zip(names, values, strict=True))
    return KnownFlight(
        flight_id=row["flight_id"],
        dest=row["dest"],
        departs_utc=datetime.fromtimestamp(row["sched_dep_utc"], UTC),
        late=bool(row["late"]),
        instance={name: value for name, value in row.items() if name not in NOT_FEATURES},
    )


def _names(file: str, code: str) -> dict[str, str]:
    with (data_folder() / file).open(newline="", encoding="utf-8") as lines:
        return {row[code]: row["name"] for row in csv.DictReader(lines)}
