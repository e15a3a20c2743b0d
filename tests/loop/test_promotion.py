"""Approval, deployment, and every way in which a deployment goes wrong."""

import pytest

from tests.loop.world import AwsError, World

FIRST = ("2013-01", "2013-02", "2013-03")


def test_a_person_is_asked_before_a_model_is_deployed(manual_world: World) -> None:
    run = manual_world.arrive(*FIRST)

    assert run.output["outcome"] == "pending_approval"
    assert run.output["challenger"]["version"] == 1
    (package,) = manual_world.called("createModelPackage")
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert manual_world.pointer() == manual_world.served == "none"


def test_an_approval_deploys_the_model(manual_world: World) -> None:
    manual_world.arrive(*FIRST)

    run = manual_world.approve(1)

    assert run.output["outcome"] == "promoted"
    assert run.output["reason"] == "a person approved version 1"
    assert run.output["challenger"] == {
        "version": 1, "auc": 0.75, "arn": f"{manual_world.group}/1",
    }  # fmt: skip
    assert manual_world.pointer() == manual_world.served == f"{manual_world.group}/1"
    assert "approvals" not in manual_world.item()


def test_an_approval_event_deploys_once_even_when_sent_twice(manual_world: World) -> None:
    manual_world.arrive(*FIRST)

    runs = [manual_world.approve(1), manual_world.approve(1)]

    assert [run.output["outcome"] for run in runs] == ["promoted", "coalesced"]
    assert len(manual_world.called("updateStack")) == 1


def test_an_approval_event_that_comes_late_a_second_time_brings_no_old_model_back(
    manual_world: World,
) -> None:
    manual_world.arrive(*FIRST)
    manual_world.arrive("2013-04")
    manual_world.approve(1, at="2030-01-01T00:00:00Z")
    manual_world.approve(2, at="2030-01-02T00:00:00Z")

    run = manual_world.approve(1, at="2030-01-01T00:00:00Z")

    assert run.output["outcome"] == "coalesced"
    assert manual_world.served == f"{manual_world.group}/2"


def test_an_approval_during_a_run_is_deployed_after_it(manual_world: World) -> None:
    manual_world.arrive(*FIRST)
    waiting: list[str] = []
    manual_world.during["createTrainingJob"] = lambda: waiting.append(
        manual_world.approve(1).output["outcome"]
    )

    manual_world.arrive("2013-04")

    assert waiting == ["coalesced"]
    assert [run.output["outcome"] for run in manual_world.runs()] == [
        "pending_approval", "pending_approval", "coalesced", "promoted",
    ]  # fmt: skip
    assert manual_world.served == f"{manual_world.group}/1"


def test_data_that_is_pending_beside_an_approval_gets_a_run_of_its_own(
    manual_world: World,
) -> None:
    manual_world.arrive(*FIRST)
    manual_world.during["describeModelPackage"] = lambda: manual_world.arrive("2013-04")

    manual_world.approve(1)

    outcomes = [run.output["outcome"] for run in manual_world.runs()]
    assert outcomes == ["pending_approval", "promoted", "coalesced", "pending_approval"]


def test_approving_an_older_version_again_brings_it_back(manual_world: World) -> None:
    manual_world.arrive(*FIRST)
    manual_world.arrive("2013-04")
    manual_world.approve(1, at="2030-01-01T00:00:00Z")
    manual_world.approve(2, at="2030-01-02T00:00:00Z")

    run = manual_world.approve(1, at="2030-01-03T00:00:00Z")

    assert run.output["outcome"] == "promoted"
    assert run.output["champion_before"]["version"] == 2
    assert manual_world.served == f"{manual_world.group}/1"


def test_an_approval_that_was_taken_back_deploys_nothing(manual_world: World) -> None:
    manual_world.arrive(*FIRST)
    package = manual_world.packages[f"{manual_world.group}/1"]
    manual_world.during["describeModelPackage"] = lambda: package.update(
        ModelApprovalStatus="Rejected"
    )

    run = manual_world.approve(1)

    assert run.output["outcome"] == "coalesced"
    assert manual_world.pointer() == "none"


def test_a_silent_endpoint_rollback_puts_the_pointer_back(world: World) -> None:
    world.arrive(*FIRST)
    old = world.pointer()
    world.update = "silent"

    run = world.arrive("2013-04")

    assert run.status == "FAILED"
    assert run.error == "EndpointRolledBack"
    assert f"the endpoint is InService with {old} instead of" in run.cause
    assert world.pointer() == world.served == world.resolved == old
    assert not world.locked()
    assert world.messages[-1]["outcome"] == "failed"


def test_a_stack_that_rolls_back_puts_the_pointer_back(world: World) -> None:
    world.arrive(*FIRST)
    old = world.pointer()
    world.update = "rolled back"

    run = world.arrive("2013-04")

    assert run.error == "DeploymentRolledBack"
    assert run.cause == (
        "UpdateStack: the serving stack went back: UPDATE_ROLLBACK_COMPLETE "
        "Endpoint: the alarm MainErrors went off"
    )
    assert "RestoreStack" not in run.states
    assert world.pointer() == world.served == old


def test_a_first_deployment_that_fails_leaves_no_champion(world: World) -> None:
    world.update = "rolled back"

    run = world.arrive(*FIRST)

    assert run.status == "FAILED"
    assert world.pointer() == world.served == "none"


def test_a_failed_approval_is_not_tried_again_with_every_run(manual_world: World) -> None:
    manual_world.arrive(*FIRST)
    manual_world.update = "rolled back"

    run = manual_world.approve(1)

    assert run.error == "DeploymentRolledBack"
    assert "approvals" not in manual_world.item()
    assert manual_world.pointer() == "none"


def test_a_stack_that_has_the_model_already_needs_no_update(world: World) -> None:
    world.served = world.resolved = f"{world.group}/1"

    run = world.arrive(*FIRST)

    assert run.output["outcome"] == "promoted"
    assert run.output["reason"].startswith("auc")


def test_the_loop_waits_while_somebody_else_updates_the_stack(world: World) -> None:
    world.stack_status = "UPDATE_IN_PROGRESS"

    run = world.arrive(*FIRST)

    assert run.output["outcome"] == "promoted"
    assert "WaitUntilReady" in run.states


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_FAILED", "ROLLBACK_COMPLETE"])
def test_a_stack_that_cannot_be_updated_fails_before_the_pointer_moves(
    world: World, status: str
) -> None:
    world.stack_status = status

    run = world.arrive(*FIRST)

    assert run.error == "StackNotUpdatable"
    assert run.cause == f"CheckStack: the serving stack is {status}: "
    assert not world.called("putParameter")
    assert not world.locked()


@pytest.mark.parametrize("action", ["updateStack", "describeEndpoint", "describeModel"])
def test_an_error_after_the_pointer_has_moved_puts_it_back(world: World, action: str) -> None:
    world.failing[action] = AwsError("X.AccessDeniedException", "not allowed")

    run = world.arrive(*FIRST)

    assert run.status == "FAILED"
    assert "not allowed" in run.cause
    assert world.pointer() == "none"
    assert len(world.called("putParameter")) == 2


def test_a_stack_that_nobody_can_look_at_ends_the_run_after_one_attempt_to_put_it_back(
    world: World,
) -> None:
    def deny() -> None:
        world.failing["describeStacks"] = AwsError("X.AccessDeniedException", "not allowed")

    world.during["updateStack"] = deny

    run = world.arrive(*FIRST)

    assert run.status == "FAILED"
    assert run.states.count("PutPointerBack") == 1
    assert world.pointer() == "none"
    assert not world.locked()


def test_putting_back_that_fails_is_told_too(world: World) -> None:
    world.update = "silent"

    def deny() -> None:
        world.failing["updateStack"] = AwsError("X.AccessDeniedException", "not allowed")

    world.during["describeModel"] = deny

    run = world.arrive(*FIRST)

    assert run.error == "EndpointRolledBack"
    assert run.cause.endswith("putting the stack back failed: not allowed")


def test_the_stack_keeps_its_template_and_its_parameters(world: World) -> None:
    world.arrive(*FIRST)

    (update,) = world.called("updateStack")
    assert update["UsePreviousTemplate"] is True
    assert update["Parameters"] == [
        {"ParameterKey": "Champion", "UsePreviousValue": True},
        {"ParameterKey": "BootstrapVersion", "UsePreviousValue": True},
    ]
