"""How arrivals become a run: written down first, then one run takes them all.

The loop's state is one DynamoDB item, and every step is one atomic update of it:

- `pending`: set of `<month> <execution>`. Who wrote an entry is part of it, so a run removes
  exactly what it took, and what arrives during the run stays, also for a month in work.
- `approvals`: set of `<time> <model package ARN>`, taken in the same way.
- `owner`, `expires`: the lock. An entry is written before the lock is tried, and the owner looks
  for entries in the very update that gives the lock back: so each entry is either taken by a run or
  seen by the owner, who then starts one more run.
- `clean`, `quarantined`: lists of months; only the owner writes them.
- `approved_through`: time of the last approval that was dealt with.
- `tuning_job`: `<fingerprint> <name>` of the last tuning job, where tuning begins with it.

A run that fails leaves its entries behind, and the next run takes them again.
"""

from components.loop.asl import EMPTY, NULL, State, allow, choice, expression, note, task, wait
from components.loop.champion import champion
from components.loop.context import LoopContext
from components.loop.item import EXECUTION, ITEM_KEY, allow_key, allow_update, if_owner, update_item
from components.loop.prediction import (
    after_release_of_stopped,
    clean_up_after_stopped,
    models_of_stopped,
)
from components.loop.run_names import run_id
from components.loop.tuning import previous_tuning
from components.loop.variables import variables_of
from components.time_limits import lock_seconds

MONTH = "[0-9]{4}-(?:0[1-9]|1[0-2])"
_TAKEN_BY_ANOTHER = "DynamoDB.ConditionalCheckFailedException"
_NOW = "$floor($millis() / 1000)"


def intake(loop: LoopContext) -> list[State]:
    """From what started the execution to the choice of what it has to do."""
    return [
        read_input(loop),
        choice(
            "WhatArrived",
            [
                ("$stopped != ''", "ReleaseStopped"),
                ("$count($arrived) + $count($approved) > 0", "NoteArrival"),
            ],
            otherwise="TakeLock",
            comment="Data or an approval, a stopped run, or a call to work off what is left",
        ),
        note_arrival(loop),
        take_lock(loop),
        wait(
            "Settle",
            loop.environment.retraining.settle_seconds,
            then="TakeBatch",
            comment="The last objects of a delivery may still be on their way",
        ),
        take_batch(loop),
        *champion(loop),
        choice(
            "WhatToDo",
            [
                ("$approval != null and $approval.arn = $pointer", "NothingToDo"),
                ("$approval != null", "DescribeApproved"),
                ("$count($months) > 0", "RunEtl"),
            ],
            otherwise="NothingToDo",
            comment="Approvals first; what else is pending makes one more run",
        ),
        note(
            "NothingToDo",
            {"outcome": "coalesced", "reason": "another run has already done it"},
            then="Release",
            comment="An event that was sent twice, or one whose data another run has taken",
        ),
        release_stopped(loop),
        *clean_up_after_stopped(loop),
        note(
            "NothingToRelease",
            {"outcome": "coalesced", "reason": "the run that ended had already released the lock"},
            then="Done",
            comment="The usual case: a run that fails releases the lock by itself",
        ),
        note(
            "Coalesced",
            {
                "outcome": "coalesced",
                "reason": "a run is under way; it starts one more run after it",
            },
            then="Done",
            comment="What arrived is written down, and the owner of the lock will see it",
        ),
    ]


def read_input(loop: LoopContext) -> State:
    """Understands all inputs, and gives every variable of the report its first value."""
    part = f"{loop.partition}="
    return note(
        "ReadInput",
        {
            "run": expression(run_id(EXECUTION)),
            "arrived": expression(
                f"""(
                $wrong := $states.input.partitions[$not($contains($, /^{MONTH}$/))];
                $exists($wrong) ? $error('partitions must be months such as 2013-04');
                $keys := $states.input.key.$match($, /\\/{part}({MONTH})\\//, 1).groups[0];
                [$distinct($append($states.input.partitions, $keys)).($ & ' ' & {EXECUTION})]
                )"""
            ),
            "approved": expression(
                """$exists($states.input.approved)
                ? [($exists($states.input.at) ? $states.input.at
                    : $states.context.Execution.StartTime) & ' ' & $states.input.approved]
                : []"""
            ),
            "stopped": expression("$states.input.stopped & ''"),
            "retrain": expression("$states.input.retrain = true"),
            "marks": {"started": expression("$states.context.State.EnteredTime")},
            "outcome": "failed",
            "reason": EMPTY,
            "entries": [],
            "seen": [],
            "approved_through": EMPTY,
            "months": [],
            "num_rows": 0,
            "holdout": NULL,
            "training_months": [],
            "failed_checks": [],
            "challenger": NULL,
            "champion": NULL,
            "champion_metric": NULL,
            "failure": NULL,
            "putting_back": False,
            "taken": False,
            "more": False,
            **variables_of(loop),
        },
        then="WhatArrived",
        comment=(
            'A list of {"key"} from the pipe; {"partitions": ["2013-04"]}, {"retrain": true} or {} '
            'by hand; {"approved": "<model package ARN>"}; {"stopped": "<execution>"}'
        ),
    )


def note_arrival(loop: LoopContext) -> State:
    """Writes the arrival down before anything else: from here on it cannot get lost."""
    return task(
        "NoteArrival",
        "dynamodb:updateItem",
        update_item(
            loop,
            expression("$count($arrived) > 0 ? 'ADD pending :new' : 'ADD approvals :new'"),
            {":new": {"SS": expression("$count($arrived) > 0 ? $arrived : $approved")}},
        ),
        then="TakeLock",
        comment="A set: the same entry twice is one entry",
        needs=allow_update(loop),
    )


def take_lock(loop: LoopContext) -> State:
    """One run at a time. The owner may take it again, because a call may be repeated."""
    return task(
        "TakeLock",
        "dynamodb:updateItem",
        update_item(
            loop,
            "SET #owner = :run, expires = :expires",
            {
                ":run": {"S": expression(EXECUTION)},
                ":now": {"N": expression(f"$string({_NOW})")},
                ":expires": {
                    "N": expression(f"$string({_NOW} + {lock_seconds(loop.environment)})")
                },
            },
            ConditionExpression=("attribute_not_exists(#owner) OR expires < :now OR #owner = :run"),
            ExpressionAttributeNames={"#owner": "owner"},
        ),
        then="Settle",
        comment="Refused while another run holds it, unless that one has died and its time is over",
        catch=[{"ErrorEquals": [_TAKEN_BY_ANOTHER], "Output": {}, "Next": "Coalesced"}],
        needs=allow_update(loop),
    )


def take_batch(loop: LoopContext) -> State:
    """Reads what is to be done; the entries are removed when their outcome is settled."""
    item = "$states.result.Item"
    new = f"{item}.approvals.SS[$substringBefore($, ' ') > $through]"
    newest = f"$through := {item}.approved_through.S & ''; $newest := $sort({new})[-1]"
    return task(
        "TakeBatch",
        "dynamodb:getItem",
        {"TableName": loop.table.table_name, "Key": ITEM_KEY, "ConsistentRead": True},
        then="ReadPointer",
        comment="All that has arrived until now is one batch",
        assign={
            "taken": True,
            "approval": expression(
                f"""({newest}; $exists($newest) ? {{"at": $substringBefore($newest, ' '),
                "arn": $substringAfter($newest, ' ')}} : null)"""
            ),
            "seen": expression(f"[{item}.approvals.SS]"),
            "approved_through": expression(
                f"({newest}; $exists($newest) ? $substringBefore($newest, ' ') : $through)"
            ),
            "entries": expression(f"({newest}; $exists($newest) ? [] : [{item}.pending.SS])"),
            "months": expression(
                f"""({newest};
                $pending := [$sort($distinct({item}.pending.SS.$substringBefore($, ' ')))];
                $exists($newest) ? []
                : $count($pending) = 0 and $retrain ? [({item}.clean.L.S)[-1]] : $pending)"""
            ),
            "clean": expression(f"[{item}.clean.L.S]"),
            "quarantined": expression(f"[{item}.quarantined.L.S]"),
            **previous_tuning(loop, item),
        },
        needs=(allow("dynamodb:GetItem", on=[loop.table.table_arn]), allow_key(loop)),
    )


def release_stopped(loop: LoopContext) -> State:
    """Frees the lock of a run that was stopped or died without passing `Release`.

    It never fails, because a failure here would be such an event itself.
    """
    return task(
        "ReleaseStopped",
        "dynamodb:updateItem",
        if_owner(
            loop,
            "REMOVE #owner, expires",
            {":run": {"S": expression("$stopped")}},
        ),
        then=after_release_of_stopped(loop),
        comment="Its entries stay: the next arrival works them off too",
        assign={
            **models_of_stopped(loop),
            "outcome": "coalesced",
            "reason": expression(
                "'the run ' & $stopped & ' was stopped; its lock is free again and "
                "what it worked on is still pending'"
            ),
        },
        on_failure="NothingToRelease",
        needs=allow_update(loop),
    )
