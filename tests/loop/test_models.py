"""The models of an evaluation: whatever happens, none is left behind."""

import pytest

from tests.loop.algorithm_world import AlgorithmWorld
from tests.loop.world import AwsError

FIRST = ("2013-01", "2013-02", "2013-03")


def test_no_model_is_left_after_a_run(flowers: AlgorithmWorld) -> None:
    flowers.arrive(*FIRST)
    flowers.arrive("2013-04")

    assert len(flowers.called("createModel")) == 3
    assert flowers.models == {}


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ("createModel", "CreateChallengerModel"),
        ("createTransformJob", "PredictChallenger"),
        ("createProcessingJob", "Evaluate"),
    ],
)
@pytest.mark.parametrize("with_champion", [False, True])
def test_no_model_is_left_whatever_fails(
    flowers: AlgorithmWorld, action: str, state: str, with_champion: bool
) -> None:
    if with_champion:
        flowers.arrive(*FIRST)
    flowers.failing[action] = AwsError("States.TaskFailed", "broken")

    run = flowers.arrive("2013-04", *FIRST)

    assert run.status == "FAILED"
    assert run.cause == f"{state}: broken"
    assert flowers.models == {}
    assert not flowers.locked()
    assert flowers.messages[-1]["failure"]["state"] == state


def test_no_model_is_left_when_the_champion_cannot_answer(flowers: AlgorithmWorld) -> None:
    flowers.arrive(*FIRST)
    broken = AwsError("States.TaskFailed", '{"FailureReason": "ClientError: 400"}')

    def champion_breaks() -> None:
        flowers.during["createTransformJob"] = lambda: flowers.failing.update(
            createTransformJob=broken
        )

    flowers.during["createTransformJob"] = champion_breaks

    run = flowers.arrive("2013-04")

    assert run.cause == "PredictChampion: ClientError: 400"
    assert flowers.models == {}
    assert flowers.served == f"{flowers.group}/1"


def test_a_model_that_cannot_be_deleted_fails_the_run_and_is_named(
    flowers: AlgorithmWorld,
) -> None:
    flowers.failing["deleteModel"] = AwsError("SageMaker.SageMakerException", "AccessDenied")

    run = flowers.arrive(*FIRST, name="run")

    assert run.status == "FAILED"
    assert run.cause.startswith("DeleteModel: local-flowers-challenger-")
    assert run.cause.endswith(" is left behind: AccessDenied")
    assert flowers.pointer() == "none"


def test_the_first_failure_is_told_when_cleaning_up_fails_too(flowers: AlgorithmWorld) -> None:
    flowers.failing["createTransformJob"] = AwsError("States.TaskFailed", "broken")
    flowers.failing["deleteModel"] = AwsError("SageMaker.SageMakerException", "AccessDenied")

    assert flowers.arrive(*FIRST).cause == "PredictChallenger: broken"


def test_the_models_of_a_stopped_run_are_deleted_too(flowers: AlgorithmWorld) -> None:
    flowers.arrive(*FIRST)
    stopped = "e" * 40  # longer than a run's id
    flowers.failing["deleteModel"] = AwsError("SageMaker.SageMakerException", "not now")
    flowers.arrive("2013-04", name=stopped)
    assert len(flowers.models) == 2
    del flowers.failing["deleteModel"]
    flowers.put_item({**flowers.item(), "owner": {"S": stopped}, "expires": {"N": "99999999999"}})

    run = flowers.run({"stopped": stopped})

    assert run.status == "SUCCEEDED"
    assert flowers.models == {}
    assert not flowers.locked()


def test_a_stopped_run_without_models_is_cleaned_up_too(flowers: AlgorithmWorld) -> None:
    flowers.put_item({"owner": {"S": "stopped"}, "expires": {"N": "99999999999"}})

    run = flowers.run({"stopped": "stopped"})

    assert run.status == "SUCCEEDED"
    assert "its lock is free again" in run.output["reason"]
