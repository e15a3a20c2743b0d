"""How every run ends: the lock is given back, one more run is started, somebody is told."""

from components.loop.asl import (
    Json,
    State,
    allow,
    catch_all,
    choice,
    expression,
    literal,
    task,
)
from components.loop.context import LoopContext
from components.loop.item import EXECUTION, allow_key, allow_update, if_owner


def outcome(loop: LoopContext) -> list[State]:
    """From the outcome of a run to its end."""
    return [
        release(loop),
        choice(
            "HasMoreArrived",
            [("$more", "StartAgain")],
            otherwise="Notify",
            comment="Whatever arrived during this run",
        ),
        start_again(loop),
        notify(loop),
        choice(
            "HowDidItEnd",
            [("$failure = null", "Done")],
            otherwise="Failed",
            comment="A failed run is a failed execution, for alarms to see",
        ),
        State(
            "Done",
            {
                "Type": "Pass",
                "Comment": "The report of the run",
                "Output": expression(report(loop)),
                "End": True,
            },
        ),
        State(
            "Failed",
            {
                "Type": "Fail",
                "Comment": "The lock is free; what the run took is still pending",
                "Error": expression("$failure.error"),
                "Cause": expression("$failure.state & ': ' & $failure.cause"),
            },
        ),
    ]


def report(loop: LoopContext) -> str:
    """JSONata of what a run says about itself."""
    metric = literal(loop.workload.gate.metric)
    selection = '"selection_month": $selection_month,' if loop.selects else ""
    tuning = '"tuning": $tuning,' if loop.tuning_job else ""
    return f"""{{
        "run_id": $run,
        "outcome": $outcome,
        "reason": $reason,
        "months": $months,
        "rows": $num_rows,
        "holdout_month": $holdout,
        "training_months": $training_months,
        {selection} {tuning}
        "challenger": $challenger,
        "champion_before": $champion = null ? null : {{
            "version": $champion.version, {metric}: $champion_metric, "arn": $champion.arn}},
        "failed_checks": $failed_checks,
        "marks": $merge([$marks, {{"ended": $now()}}])
    }}"""


def release(loop: LoopContext) -> State:
    """Gives the lock back and removes what was settled, in one update.

    A failed run settles nothing, so its months are taken again; an approval is settled as soon as
    its deployment was tried, because trying again would fail again. The entry `-` is never there;
    it keeps the sets from being empty, which DynamoDB refuses.
    """
    rule = "$settled := $failure = null; $tried := $settled or $putting_back"
    through = "$tried and $approved_through != ''"
    left = "$states.result.Attributes"
    return task(
        "Release",
        "dynamodb:updateItem",
        if_owner(
            loop,
            expression(
                f"""({rule};
                'REMOVE #owner, expires DELETE pending :done, approvals :seen'
                & ({through} ? ' SET approved_through = :through' : ''))"""
            ),
            expression(
                f"""({rule}; $merge([{{
                ":run": {{"S": {EXECUTION}}},
                ":done": {{"SS": $append(['-'], $settled ? $entries : [])}},
                ":seen": {{"SS": $append(['-'], $tried ? $seen : [])}}
                }}, {through} ? {{":through": {{"S": $approved_through}}}} : {{}}]))"""
            ),
            ReturnValues="ALL_NEW",
        ),
        then="HasMoreArrived",
        comment="Whoever writes an entry later finds the lock free; an earlier entry is seen here",
        assign={
            "more": expression(
                f"""$taken and $count({left}.pending.SS[$not($ in $entries)])
                + $count({left}.approvals.SS[$not($ in $seen)]) > 0"""
            )
        },
        on_failure=_keep_first_failure(),
        needs=allow_update(loop),
    )


def _keep_first_failure() -> Json:
    """The lock may never have been ours: then the first failure is the one to tell."""
    catch = catch_all("Notify")
    catch["Assign"] = {
        "failure": expression(
            """$failure != null ? $failure : {
            "state": $states.context.State.Name,
            "error": $states.errorOutput.Error,
            "cause": 'the lock could not be released: ' & $states.errorOutput.Cause}"""
        )
    }
    return catch


def start_again(loop: LoopContext) -> State:
    """A further run of the same machine; it takes the lock like any other."""
    return task(
        "StartAgain",
        "states:startExecution",
        {
            "StateMachineArn": expression("$states.context.StateMachine.Id"),
            "Input": {
                "partitions": [],
                "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": expression(
                    "$states.context.Execution.Id"
                ),
            },
        },
        then="Notify",
        comment="One more run, however many arrivals there were",
        on_failure="Notify",
        needs=[allow("states:StartExecution", on=[loop.state_machine_arn])],
    )


def notify(loop: LoopContext) -> State:
    """One message for each run that had something to do."""
    where = f"{loop.workload.name} in {loop.environment.name}"
    return task(
        "Notify",
        "sns:publish",
        {
            "TopicArn": loop.topic.topic_arn,
            "Subject": expression(
                f"{literal(where)} & ': ' & ($failure = null ? $outcome : 'failed')"
            ),
            "Message": expression(
                f"""$string($merge([{report(loop)}, $failure = null ? {{}} : {{
                "outcome": 'failed',
                "reason": $failure.state & ' failed with ' & $failure.error & ': ' & $failure.cause,
                "failure": $failure}}]), true)"""
            ),
        },
        then="HowDidItEnd",
        comment="To the topic of the workload",
        on_failure="Failed",
        needs=[allow("sns:Publish", on=[loop.topic.topic_arn]), allow_key(loop)],
    )
