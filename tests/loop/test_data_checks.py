"""Quarantine, hold-out, manifests."""

import json
from typing import Any

import pytest

from tests.loop.world import World

FIRST = ("2013-01", "2013-02", "2013-03")
DAMAGED: dict[str, str | None] = {"missing_carrier": "0.25"}


def manifest(world: World, run_id: str) -> Any:
    key = f"flight_delay/runs/{run_id}/train.manifest"
    return json.loads(world.objects["artifacts", key])


def test_a_damaged_batch_is_quarantined_and_the_champion_stays(world: World) -> None:
    world.arrive(*FIRST)
    champion = world.pointer()
    world.checks["2013-05"] = DAMAGED

    run = world.arrive("2013-05")

    assert run.output["outcome"] == "quarantined"
    assert run.output["reason"] == "data checks failed: 2013-05 missing_carrier is 0.25"
    assert run.output["failed_checks"] == [
        {"month": "2013-05", "name": "missing_carrier", "value": 0.25, "min": None, "max": 0.0}
    ]
    assert run.output["rows"] == 20000
    assert run.output["challenger"] is None
    assert world.months("quarantined") == ["2013-05"]
    assert world.pointer() == world.served == champion
    assert len(world.called("createTrainingJob")) == 1
    assert not world.locked()


def test_a_quarantined_month_is_not_learnt_from(world: World) -> None:
    world.arrive(*FIRST)
    world.checks["2013-04"] = DAMAGED
    world.arrive("2013-04")

    run = world.arrive("2013-05", name="may")

    assert run.output["training_months"] == list(FIRST)
    assert manifest(world, "may") == [
        {"prefix": "s3://features/flight_delay/"},
        "month=2013-01/part-0.parquet",
        "month=2013-02/part-0.parquet",
        "month=2013-03/part-0.parquet",
    ]


def test_a_redelivered_clean_month_leaves_quarantine(world: World) -> None:
    world.arrive(*FIRST)
    world.checks["2013-04"] = DAMAGED
    world.arrive("2013-04")
    del world.checks["2013-04"]

    run = world.arrive("2013-04")

    assert run.output["outcome"] == "promoted"
    assert world.months("quarantined") == []
    assert world.months("clean") == [*FIRST, "2013-04"]


def test_a_month_that_is_damaged_by_a_redelivery_leaves_the_clean_ones(world: World) -> None:
    world.arrive(*FIRST)
    world.checks["2013-02"] = DAMAGED

    world.arrive("2013-02")

    assert world.months("clean") == ["2013-01", "2013-03"]
    assert world.months("quarantined") == ["2013-02"]


def test_a_damaged_month_does_not_hold_up_a_good_one(world: World) -> None:
    world.arrive(*FIRST)
    world.checks["2013-05"] = DAMAGED

    run = world.arrive("2013-04", "2013-05")

    assert run.output["outcome"] == "promoted"
    assert run.output["holdout_month"] == "2013-04"
    assert [check["month"] for check in run.output["failed_checks"]] == ["2013-05"]


def test_a_month_without_rows_fails(world: World) -> None:
    world.checks["2013-01"] = {}

    run = world.arrive("2013-01")

    assert run.output["outcome"] == "quarantined"
    assert run.output["failed_checks"] == [
        {"month": "2013-01", "name": "num_rows", "value": 0, "min": 1, "max": None}
    ]
    assert run.output["rows"] == 0


@pytest.mark.parametrize("value", [None, "NaN", "Infinity"])
def test_a_check_without_a_value_fails(world: World, value: str | None) -> None:
    world.checks["2013-01"] = {"missing_carrier": value}

    run = world.arrive("2013-01")

    (check,) = run.output["failed_checks"]
    assert (check["name"], check["value"]) == ("missing_carrier", None)


def test_too_few_rows_fail(world: World) -> None:
    world.checks["2013-01"] = {"rows": "999", "missing_arrival": "1.0E-3"}

    run = world.arrive("2013-01")

    assert [(check["name"], check["min"]) for check in run.output["failed_checks"]] == [
        ("rows", 1000)
    ]


def test_the_first_month_waits_for_a_second(world: World) -> None:
    run = world.arrive("2013-01")

    assert run.output["outcome"] == "waiting"
    assert run.output["holdout_month"] == "2013-01"
    assert world.arrive("2013-02").output["outcome"] == "promoted"


def test_old_data_that_comes_again_is_judged_on_the_newest_month(world: World) -> None:
    world.arrive(*FIRST)

    run = world.arrive("2013-01")

    assert run.output["months"] == ["2013-01"]
    assert run.output["holdout_month"] == "2013-03"


def test_spark_gets_the_batch_and_the_clean_months_before_it(world: World) -> None:
    world.arrive(*FIRST)
    world.checks["2013-04"] = DAMAGED
    world.arrive("2013-04")

    world.arrive("2013-05")

    first, _, last = (
        call["JobDriver"]["SparkSubmit"]["EntryPointArguments"]
        for call in world.called("startJobRun")
    )
    assert first[6:] == ["--months", "2013-01,2013-02,2013-03", "--history-months="]
    assert last[6:] == ["--months", "2013-05", "--history-months=2013-01,2013-02,2013-03"]


def test_one_query_asks_all_checks_of_all_months(world: World) -> None:
    world.arrive("2013-01", "2013-02")

    (query,) = world.called("startQueryExecution")
    assert query["QueryString"].startswith(
        'SELECT "month", count(*) AS "num_rows", CAST(count(*) AS'
    )
    assert query["QueryString"].endswith(
        'FROM "flywheel_local"."flight_delay_curated" '
        "WHERE \"month\" IN ('2013-01', '2013-02') GROUP BY \"month\""
    )


def test_the_data_manifest_says_what_was_learnt_from_and_judged_by(world: World) -> None:
    world.arrive("2013-01", "2013-02", name="run")

    written = json.loads(world.objects["artifacts", "flight_delay/runs/run/data_manifest.json"])
    assert written == {
        "run_id": "run",
        "workload": "flight_delay",
        "bucket": "features",
        "training_months": ["2013-01"],
        "holdout_month": "2013-02",
        "quarantined_months": [],
        "objects": [
            {
                "month": month,
                "key": f"flight_delay/month={month}/part-0.parquet",
                "etag": "0f",
                "size": 4,
            }
            for month in ("2013-01", "2013-02")
        ],
    }


def test_files_that_are_no_features_are_left_out(world: World) -> None:
    world.objects["features", "flight_delay/month=2013-01/_SUCCESS"] = b""

    world.arrive("2013-01", "2013-02", name="run")

    assert manifest(world, "run")[1:] == ["month=2013-01/part-0.parquet"]


def test_a_list_that_is_cut_off_fails_the_run(world: World) -> None:
    for number in range(600):
        world.objects["features", f"flight_delay/month=2013-01/part-{number}.parquet"] = b"PAR1"

    run = world.arrive("2013-01", "2013-02")

    assert run.status == "FAILED"
    assert "more than 500 feature files" in run.cause


def test_a_clean_month_without_features_fails_the_run(world: World) -> None:
    world.arrive("2013-01", "2013-02")
    del world.objects["features", "flight_delay/month=2013-01/part-0.parquet"]

    run = world.arrive("2013-03")

    assert "the Spark job wrote no features for 2013-01" in run.cause
