"""Raw flights, written by hand: whole little worlds in which each event has its minute."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
FLIGHT_MINUTES = 120
CUTOFF = timedelta(hours=2)


@dataclass(frozen=True)
class Flight:
    """One row of flights.csv; it flies two hours by schedule, to an airport on New York's clock."""

    number: int
    departs: datetime  # scheduled, UTC
    carrier: str = "UA"
    plane: str = ""
    origin: str = "EWR"
    dest: str = "BOS"
    dep_delay: int | None = 0
    arr_delay: int | None = 0

    @property
    def id(self) -> str:
        local = self.departs.astimezone(NEW_YORK)
        return f"{local:%Y-%m-%d}-{self.carrier}-{self.number}-{self.origin}"

    def row(self) -> dict[str, object]:
        local = self.departs.astimezone(NEW_YORK)
        arrives = local + timedelta(minutes=FLIGHT_MINUTES)
        values = {
            "year": local.year,
            "month": local.month,
            "day": local.day,
            "sched_dep_time": int(f"{local:%H%M}"),
            "dep_delay": self.dep_delay,
            "sched_arr_time": int(f"{arrives:%H%M}"),
            "arr_delay": self.arr_delay,
            "carrier": self.carrier,
            "flight": self.number,
            "tailnum": self.plane,
            "origin": self.origin,
            "dest": self.dest,
            "air_time": 100,
            "distance": 500,
            "hour": local.hour,
            "minute": local.minute,
            "time_hour": f"{self.departs:%Y-%m-%dT%H:00:00Z}",
        }
        return {name: "NA" if value is None else value for name, value in values.items()}


@dataclass(frozen=True)
class World:
    """What lies in the raw zone."""

    flights: Mapping[str, Flight]
    """By a name that says what the flight is for."""
    temperatures: Mapping[tuple[str, datetime], float] = field(default_factory=dict)
    """By airport and the hour that the reading is labelled with."""

    def changed(self, **changes: Mapping[str, object]) -> World:
        """The same world with other values for some flights."""
        flights = {
            name: replace(flight, **changes.get(name, {}))  # type: ignore[arg-type]
            for name, flight in self.flights.items()
        }
        return replace(self, flights=flights)

    def write(self, raw: Path) -> None:
        """Deliver it month by month, as the producer would."""
        for month, rows in _by_month((f.departs, f.row()) for f in self.flights.values()):
            _write(raw / "flights" / f"month={month}" / "flights.csv", rows)
        readings = (
            (
                hour,
                {"origin": origin, "temp": value, "time_hour": f"{hour:%Y-%m-%dT%H:00:00Z}"},
            )
            for (origin, hour), value in self.temperatures.items()
        )
        for month, rows in _by_month(readings):
            _write(raw / "weather" / f"month={month}" / "weather.csv", rows)
        planes = sorted({flight.plane for flight in self.flights.values()})
        _write(
            raw / "planes" / "planes.csv",
            [{"tailnum": plane, "year": 2003, "seats": 150} for plane in planes],
        )
        airports = sorted({flight.dest for flight in self.flights.values()})
        _write(
            raw / "airports" / "airports.csv",
            [{"faa": airport, "tzone": NEW_YORK.key} for airport in airports],
        )


def at(day: int, hour: int, minute: int = 0, *, month: int = 1) -> datetime:
    """An instant of 2013, UTC."""
    return datetime(2013, month, day, hour, minute, tzinfo=UTC)


def _by_month(
    dated: Iterable[tuple[datetime, dict[str, object]]],
) -> Iterable[tuple[str, list[dict[str, object]]]]:
    months: dict[str, list[dict[str, object]]] = {}
    for instant, row in dated:
        months.setdefault(f"{instant.astimezone(NEW_YORK):%Y-%m}", []).append(row)
    return months.items()


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
