"""The demo's data: real, complete, and broken only where it says so."""

import pytest

from flywheel.demo.flights import MONTHS, FlightYear


@pytest.fixture(scope="module")
def year() -> FlightYear:
    return FlightYear()


def rows(body: bytes) -> list[dict[str, str]]:
    header, *lines = body.decode().splitlines()
    return [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]


def test_the_year_is_whole(year: FlightYear) -> None:
    assert sum(len(year.flights[month]) for month in MONTHS) == 336_776


def test_a_month_cut_into_many_objects_loses_no_flight(year: FlightYear) -> None:
    objects = year.batch(["2013-04"], files_a_month=150)
    assert len(objects) == 150
    assert sum(len(rows(item.body)) for item in objects) == len(year.flights["2013-04"])
    assert len({item.key for item in objects}) == 150


def test_every_object_names_its_month(year: FlightYear) -> None:
    for item in [*year.batch(MONTHS[:3]), *year.weather(MONTHS[:3])]:
        month = item.key.split("month=")[1][:7]
        assert {f"{row['year']}-{int(row['month']):02d}" for row in rows(item.body)} == {month}


def test_the_damaged_month_lacks_columns_and_holds_impossible_values(year: FlightYear) -> None:
    missing, impossible, sound = (rows(item.body) for item in year.damaged_batch("2013-05"))
    assert not {"carrier", "sched_dep_time"} & missing[0].keys()
    assert {row["arr_delay"] for row in impossible} == {"9999"}
    assert sound[0].keys() == rows(year.batch(["2013-05"])[0].body)[0].keys()


def test_a_sample_keeps_whole_planes(year: FlightYear) -> None:
    sample = FlightYear(share=0.05)
    column = sample.header.split(",").index("tailnum")
    kept = {line.split(",")[column] for line in sample.flights["2013-01"]}
    of_kept = [line for line in year.flights["2013-01"] if line.split(",")[column] in kept]
    assert sample.flights["2013-01"] == of_kept
    assert 0.01 < len(of_kept) / len(year.flights["2013-01"]) < 0.12


def test_lateness_by_month_is_what_the_data_set_shows(year: FlightYear) -> None:
    shares = [round(year.late_share(month), 2) for month in MONTHS]
    assert shares == [0.23, 0.23, 0.23, 0.28, 0.22, 0.31, 0.31, 0.24, 0.13, 0.17, 0.17, 0.33]
