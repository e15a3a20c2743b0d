"""The way back: pointer and stack return to the old champion, and the run says why."""

from components.loop.asl import (
    AFTER_A_FAILURE,
    Json,
    State,
    catch_all,
    choice,
    expression,
    task,
)
from components.loop.context import LoopContext
from components.loop.serving_stack import (
    DEPLOY_TOKEN,
    NOTHING_TO_UPDATE,
    RESTORE_TOKEN,
    allow_look_at_stack,
    allow_pointer,
    allow_update_stack,
    update_request,
)
from components.model_registry import NO_CHAMPION

DEPLOYMENT_FAILED = "HasBeenPutBack"
"""Where every failure leads after the pointer was written."""


def rollback(loop: LoopContext) -> list[State]:
    """From a failed deployment to the old champion, once."""
    return [
        choice(
            DEPLOYMENT_FAILED,
            [("$putting_back", AFTER_A_FAILURE)],
            otherwise="PutPointerBack",
            comment="Once only: a second failure is told and left to a person",
        ),
        explain_rollback(loop),
        put_pointer_back(loop),
        choice(
            "IsStackBack",
            [("$contains($stack.status, /ROLLBACK_COMPLETE$/)", AFTER_A_FAILURE)],
            otherwise="RestoreStack",
            comment="A rolled back stack is as it was before",
        ),
        restore_stack(loop),
    ]


def explain_rollback(loop: LoopContext) -> State:
    """Why the update failed: what CloudFormation says of the first resource that did."""
    token = f"'{DEPLOY_TOKEN}-' & $run"
    return task(
        "ExplainRollback",
        "aws-sdk:cloudformation:describeStackEvents",
        {"StackName": loop.serving_stack_name},
        then="PutPointerBack",
        comment="The stack's own status does not tell",
        assign={
            "failure": expression(
                f"""(
                $failed := $states.result.StackEvents[$contains(ResourceStatus, /_FAILED$/)
                    and ($not($exists(ClientRequestToken)) or ClientRequestToken = {token})];
                $first := $failed[-1];
                $exists($first)
                ? $merge([$failure, {{"cause": $failure.cause & $first.LogicalResourceId & ': '
                    & $first.ResourceStatusReason}}])
                : $failure
                )"""
            )
        },
        on_failure=_add_to_failure("asking why failed", then="PutPointerBack"),
        needs=[allow_look_at_stack(loop, "cloudformation:DescribeStackEvents")],
    )


def put_pointer_back(loop: LoopContext) -> State:
    """The old champion again, or none if there was none."""
    return task(
        "PutPointerBack",
        "aws-sdk:ssm:putParameter",
        {"Name": loop.registry.pointer_name, "Value": expression("$pointer"), "Overwrite": True},
        then="IsStackBack",
        comment=f"`{NO_CHAMPION}` when the very first deployment failed",
        assign={"putting_back": True},
        on_failure=_add_to_failure("putting the pointer back failed", then=AFTER_A_FAILURE),
        needs=allow_pointer(loop),
    )


def restore_stack(loop: LoopContext) -> State:
    """The stack follows the pointer back. Its own rollback may have done that already."""
    return task(
        "RestoreStack",
        "aws-sdk:cloudformation:updateStack",
        update_request(loop, RESTORE_TOKEN),
        then="WaitForStack",
        comment="Then the run ends as failed, with the reason",
        on_failure=_add_to_failure("putting the stack back failed", then="WaitForStack"),
        needs=allow_update_stack(loop),
    )


def _add_to_failure(what: str, *, then: str) -> Json:
    """The first failure is the one to tell; a second one is added to it."""
    catch = catch_all(then)
    catch["Assign"] = {
        "failure": expression(
            f"""$contains($states.errorOutput.Cause & '', '{NOTHING_TO_UPDATE}')
            ? $failure
            : $merge([$failure, {{"cause": $failure.cause & '; {what}: '
                & $states.errorOutput.Cause}}])"""
        )
    }
    return catch
