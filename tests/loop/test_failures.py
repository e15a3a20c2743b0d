"""Whatever fails: the lock is free, the data is not lost, and somebody knows why."""

from typing import Any

import pytest

from tests.loop.world import AwsError, World

FIRST = ("2013-01", "2013-02", "2013-03")
BEFORE_THE_LOCK = {"NoteArrival", "TakeLock"}
ACTIONS = {
    "startJobRun": "RunEtl",
    "startQueryExecution": "CheckData",
    "getQueryResults": "ReadChecks",
    "getItem": "TakeBatch",
    "getParameter": "ReadPointer",
    "listObjectsV2": "ListFeatures",
    "putObject": "WriteManifest",
    "createTrainingJob": "Train",
    "createProcessingJob": "Evaluate",
    "getObject": "ReadEvaluation",
    "createModelPackage": "Register",
    "describeStacks": "CheckStack",
    "putParameter": "SetPointer",
}


def test_a_failing_job_releases_the_lock_and_says_what_failed(world: World) -> None:
    described = '{"TrainingJobName":"x","FailureReason":"AlgorithmError: no such column late"}'
    world.failing["createTrainingJob"] = AwsError("States.TaskFailed", described)

    run = world.arrive(*FIRST, name="run")

    assert run.status == "FAILED"
    assert run.error == "States.TaskFailed"
    assert run.cause == "Train: AlgorithmError: no such column late"
    assert not world.locked()
    (message,) = world.messages
    assert message["outcome"] == "failed"
    assert message["failure"] == {
        "state": "Train",
        "error": "States.TaskFailed",
        "cause": "AlgorithmError: no such column late",
    }
    assert message["months"] == list(FIRST)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_failure_releases_the_lock_and_names_its_state(world: World, action: str) -> None:
    world.failing[action] = AwsError("States.TaskFailed", "broken")

    run = world.arrive(*FIRST)

    assert run.status == "FAILED"
    assert run.cause.startswith(f"{ACTIONS[action]}: broken")
    assert not world.locked()
    assert world.messages[-1]["failure"]["state"] == ACTIONS[action]
    assert world.pointer() == world.served == "none"


def test_the_months_of_a_failed_run_are_taken_again(world: World) -> None:
    world.failing["startJobRun"] = AwsError("States.TaskFailed", "no capacity")
    world.arrive("2013-01", "2013-02")
    del world.failing["startJobRun"]

    run = world.arrive("2013-03")

    assert run.output["months"] == list(FIRST)
    assert "pending" not in world.item()


def test_a_failed_run_does_not_start_itself_again(world: World) -> None:
    world.failing["startJobRun"] = AwsError("States.TaskFailed", "no capacity")

    world.arrive(*FIRST)

    assert len(world.runs()) == 1


def test_what_arrives_during_a_run_that_fails_makes_one_more_run(world: World) -> None:
    def arrives_and_breaks() -> None:
        world.arrive("2013-04")
        world.failing["createTrainingJob"] = AwsError("States.TaskFailed", "broken")

    world.during["createTrainingJob"] = arrives_and_breaks

    world.arrive(*FIRST)

    statuses = [run.status for run in world.runs()]
    assert statuses == ["FAILED", "SUCCEEDED", "FAILED"]
    assert len(world.called("startJobRun")) == 2


def test_a_failure_before_the_lock_leaves_the_owner_alone(world: World) -> None:
    world.put_item({"owner": {"S": "alive"}, "expires": {"N": "99999999999"}})
    world.failing["updateItem"] = AwsError("DynamoDB.ResourceNotFoundException", "no table")

    run = world.arrive(*FIRST)

    assert run.cause == "NoteArrival: no table"
    del world.failing["updateItem"]
    assert world.item()["owner"] == {"S": "alive"}


def test_a_run_that_cannot_tell_anybody_has_failed(world: World) -> None:
    world.failing["publish"] = AwsError("SNS.NotFoundException", "no topic")

    run = world.arrive(*FIRST)

    assert run.status == "FAILED"
    assert run.cause == "Notify: no topic"
    assert world.served == f"{world.group}/1"
    assert not world.locked()


def test_throttling_is_tried_again(world: World) -> None:
    world.failing["getParameter"] = AwsError("Ssm.SsmException", "Rate exceeded")
    calls = world.calls

    def recover(self: World = world) -> Any:
        del self.failing["getParameter"]

    world.during["getParameter"] = lambda: world.during.update(getParameter=recover)

    run = world.arrive(*FIRST)

    assert run.output["outcome"] == "promoted"
    assert len([name for name, _ in calls if name == "getParameter"]) == 2


def test_a_failed_job_is_not_tried_again(world: World) -> None:
    world.failing["createTrainingJob"] = AwsError("States.TaskFailed", "broken")

    world.arrive(*FIRST)

    assert len(world.called("createTrainingJob")) == 1


def test_every_run_that_worked_sends_its_report(world: World) -> None:
    run = world.arrive(*FIRST)

    (message,) = world.messages
    assert {**message, "marks": None} == {**run.output, "marks": None}
