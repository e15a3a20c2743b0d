"""Batching and the single flight: nothing is lost, nothing runs twice."""

import time

from tests.loop.world import World

FIRST = ("2013-01", "2013-02", "2013-03")


def test_the_first_months_make_the_first_champion(world: World) -> None:
    run = world.arrive(*FIRST, name="first")

    assert run.output.pop("marks").keys() == {
        "started", "etl", "checks", "train", "evaluate", "deploy", "ended",
    }  # fmt: skip
    arn = f"{world.group}/1"
    assert run.output == {
        "run_id": "first",
        "outcome": "promoted",
        "reason": "auc 0.75 is at least 0.65; there is no champion yet",
        "months": list(FIRST),
        "rows": 60000,
        "holdout_month": "2013-03",
        "training_months": ["2013-01", "2013-02"],
        "challenger": {"version": 1, "auc": 0.75, "arn": arn},
        "champion_before": None,
        "failed_checks": [],
    }
    assert world.pointer() == world.served == arn
    assert world.months("clean") == list(FIRST)
    assert not world.locked()


def test_the_next_month_is_held_against_the_champion(world: World) -> None:
    world.arrive(*FIRST)

    run = world.arrive("2013-04")

    assert run.output["champion_before"] == {
        "version": 1, "auc": 0.74, "arn": f"{world.group}/1",
    }  # fmt: skip
    assert run.output["holdout_month"] == "2013-04"
    assert run.output["training_months"] == list(FIRST)


def test_many_objects_of_one_month_are_one_month(world: World) -> None:
    run = world.arrive(*["2013-04"] * 150)

    assert run.output["months"] == ["2013-04"]
    assert len(world.called("startJobRun")) == 1


def test_what_arrives_during_a_run_makes_one_more_run(world: World) -> None:
    second: list[str] = []

    def arrives() -> None:
        for month in ("2013-04", "2013-05"):
            second.append(world.arrive(month).output["outcome"])

    world.during["createTrainingJob"] = arrives

    first = world.arrive(*FIRST)

    assert second == ["coalesced", "coalesced"]
    assert first.output["months"] == list(FIRST)
    worked = [run.output for run in world.runs() if run.output["outcome"] != "coalesced"]
    assert [output["months"] for output in worked] == [list(FIRST), ["2013-04", "2013-05"]]
    assert "pending" not in world.item()
    assert not world.locked()


def test_new_data_of_a_month_that_a_run_works_on_is_not_lost(world: World) -> None:
    world.during["createTrainingJob"] = lambda: world.arrive("2013-03")

    world.arrive(*FIRST)

    worked = [run.output for run in world.runs() if run.output["outcome"] != "coalesced"]
    assert [output["months"] for output in worked] == [list(FIRST), ["2013-03"]]


def test_what_arrives_before_the_batch_is_taken_belongs_to_it(world: World) -> None:
    world.during["getItem"] = lambda: world.arrive("2013-04")

    world.arrive(*FIRST)

    assert world.called("startJobRun")[0]["JobDriver"]["SparkSubmit"]["EntryPointArguments"][7] == (
        "2013-01,2013-02,2013-03,2013-04"
    )
    assert len(world.called("startJobRun")) == 1


def test_a_call_with_nothing_pending_does_nothing(world: World) -> None:
    run = world.run({"partitions": []})

    assert run.output["outcome"] == "coalesced"
    assert not world.called("startJobRun")
    assert not world.locked()


def test_objects_without_a_month_are_no_work(world: World) -> None:
    run = world.run([{"key": "flight_delay/flights/readme.txt"}])

    assert run.output["outcome"] == "coalesced"


def test_months_by_hand_are_checked(world: World) -> None:
    run = world.run({"partitions": ["2013-04", "April"]})

    assert run.status == "FAILED"
    assert "partitions must be months such as 2013-04" in run.cause
    assert not world.locked()


def test_months_by_hand_run_like_arrived_ones(world: World) -> None:
    assert world.run({"partitions": ["2013-01", "2013-02"]}).output["outcome"] == "promoted"


def test_the_schedule_trains_again_on_what_is_there(world: World) -> None:
    world.arrive(*FIRST)

    run = world.run({"retrain": True})

    assert run.output["months"] == ["2013-03"]
    assert run.output["outcome"] == "promoted"


def test_the_schedule_before_any_data_does_nothing(world: World) -> None:
    assert world.run({"retrain": True}).output["outcome"] == "coalesced"


def test_a_lock_whose_time_is_over_counts_as_free(world: World) -> None:
    world.put_item({"owner": {"S": "dead"}, "expires": {"N": str(int(time.time()) - 1)}})

    assert world.arrive(*FIRST).output["outcome"] == "promoted"


def test_a_lock_that_holds_is_respected(world: World) -> None:
    world.put_item({"owner": {"S": "alive"}, "expires": {"N": str(int(time.time()) + 60)}})

    assert world.arrive(*FIRST).output["outcome"] == "coalesced"
    assert world.item()["owner"] == {"S": "alive"}
    assert len(world.item()["pending"]["SS"]) == 3


def test_a_stopped_run_gives_its_lock_back(world: World) -> None:
    world.put_item(
        {
            "owner": {"S": "stopped-run"},
            "expires": {"N": str(int(time.time()) + 60)},
            "pending": {"SS": ["2013-01 stopped-run", "2013-02 stopped-run"]},
        }
    )

    run = world.run({"stopped": "stopped-run"})

    assert run.status == "SUCCEEDED"
    assert not world.locked()
    assert "stopped-run was stopped" in world.messages[0]["reason"]
    assert world.arrive("2013-03").output["months"] == list(FIRST)


def test_the_end_of_a_run_that_released_its_lock_changes_nothing(world: World) -> None:
    world.put_item({"owner": {"S": "alive"}, "expires": {"N": str(int(time.time()) + 60)}})

    run = world.run({"stopped": "another"})

    assert run.status == "SUCCEEDED"
    assert world.item()["owner"] == {"S": "alive"}
    assert not world.messages


def test_execution_names_of_eventbridge_fit_into_job_names(world: World) -> None:
    name = "a" * 36 + "_" + "b" * 36

    run = world.arrive(*FIRST, name=name)

    assert run.output["outcome"] == "promoted"
    assert len(run.output["run_id"]) == 36
    assert world.called("createTrainingJob")[0]["TrainingJobName"].endswith(run.output["run_id"])


def test_a_run_that_lost_its_lock_stops_before_it_writes(world: World) -> None:
    def steal() -> None:
        world.put_item({"owner": {"S": "thief"}, "expires": {"N": str(int(time.time()) + 60)}})

    world.during["startQueryExecution"] = steal

    run = world.arrive(*FIRST)

    assert run.status == "FAILED"
    assert run.cause.startswith("RecordChecks")
    assert world.item()["owner"] == {"S": "thief"}
    assert not world.called("createTrainingJob")
