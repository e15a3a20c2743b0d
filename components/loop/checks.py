"""From raw files to data that may be learnt from: Spark, Athena's checks, quarantine."""

from components.loop.asl import (
    Permission,
    State,
    allow,
    allow_pass,
    choice,
    expression,
    literal,
    note,
    task,
)
from components.loop.context import LoopContext
from components.loop.item import EXECUTION, allow_update, if_owner

_ANY = 1e308
"""Stands for a bound that is not there."""

_NO_NUMBERS = ["", "NaN", "Infinity", "-Infinity"]
"""What a check without a usable value looks like."""


def checks(loop: LoopContext) -> list[State]:
    """From the batch's months to the verdict which of them may be learnt from."""
    return [
        run_etl(loop),
        check_data(loop),
        read_checks(loop),
        record_checks(loop),
        choice(
            "IsDataClean",
            [
                ("$count($checked.passed) = 0", "Quarantined"),
                ("$count($training_months) = 0", "Waiting"),
            ],
            otherwise="ListFeatures",
            comment="A refused month is left out; the run goes on with the others, if any",
        ),
        note(
            "Quarantined",
            {
                "outcome": "quarantined",
                "reason": expression("'data checks failed: ' & $checked.summary"),
            },
            then="Release",
            comment="The champion stays; delivering a month again gives it another chance",
        ),
        note(
            "Waiting",
            {
                "outcome": "waiting",
                "reason": expression(_too_few_months(loop)),
            },
            then="Release",
            comment="The newest month is the hold-out, so the first one cannot train a model",
        ),
    ]


def _too_few_months(loop: LoopContext) -> str:
    if not loop.selects:
        return "$holdout & ' is the first clean month; training needs one before the hold-out'"
    return (
        "'clean months: ' & $string($count($clean)) & '; it takes three: "
        "one to train, one to select by and the hold-out'"
    )


def run_etl(loop: LoopContext) -> State:
    """Raw files of the batch's months to curated rows and features; repeating it is harmless."""
    job = loop.spark_job
    return task(
        "RunEtl",
        "emr-serverless:startJobRun.sync",
        job.arguments(
            name=f"{literal(loop.job_prefix)} & $run",
            months="$join($months, ',')",
            history="$join([$clean[$ < $months[0]]], ',')",
            token="$run",  # noqa: S106 (an idempotency token, not a secret)
        ),
        then="CheckData",
        comment="Spark on EMR Serverless writes each month anew",
        timeout_seconds=job.timeout_seconds,
        assign={"marks": mark("etl")},
        needs=[
            allow("emr-serverless:StartJobRun", on=[job.application_arn]),
            allow(
                "emr-serverless:GetJobRun",
                "emr-serverless:CancelJobRun",
                on=[f"{job.application_arn}/jobruns/*"],
            ),
            allow_pass(job.role.role_arn, "emr-serverless"),
            allow_managed_rule(loop, "StepFunctionsGetEventsForEMRServerlessJobRule"),
        ],
    )


def allow_managed_rule(loop: LoopContext, name: str) -> Permission:
    """Let Step Functions hear that a job has ended, by the rule that it manages."""
    return allow(
        "events:DescribeRule",
        "events:PutRule",
        "events:PutTargets",
        on=[loop.managed_rule_arn(name)],
    )


def mark(stage: str) -> str:
    """Notes when this state began."""
    return expression(f'$merge([$marks, {{"{stage}": $states.context.State.EnteredTime}}])')


def check_query(loop: LoopContext) -> str:
    """JSONata of one query for all checks: a row for each month, a column for each check.

    One pass over the data, because Athena bills by what it reads.
    """
    columns = "".join(
        f', CAST({check.expression} AS double) AS "{check.name}"' for check in loop.workload.checks
    )
    table = f'"{loop.lake.database_name}"."{loop.workload.name}_curated"'
    # The parts come from the settings and from months that are digits and a hyphen.
    select = f'SELECT "{loop.partition}", count(*) AS "num_rows"{columns} FROM {table} '  # noqa: S608
    where = f'WHERE "{loop.partition}" IN ('
    quoted = """$join($months.("'" & $ & "'"), ', ')"""
    return f"{literal(select + where)} & {quoted} & {literal(f') GROUP BY "{loop.partition}"')}"


def check_data(loop: LoopContext) -> State:
    """Athena computes every check of every month."""
    lake, workload = loop.lake, loop.workload
    table = f"{lake.database_name}/{workload.name}_curated"
    return task(
        "CheckData",
        "athena:startQueryExecution.sync",
        {
            "QueryString": expression(check_query(loop)),
            "QueryExecutionContext": {"Database": lake.database_name},
            "WorkGroup": lake.workgroup_name,
        },
        then="ReadChecks",
        comment="The checks of the workload's settings, over the curated rows of the batch",
        timeout_seconds=1800,
        assign={
            "query": expression("$states.result.QueryExecution.QueryExecutionId"),
            "marks": mark("checks"),
        },
        needs=[
            allow(
                "athena:StartQueryExecution",
                "athena:StopQueryExecution",
                "athena:GetQueryExecution",
                on=[loop.arn("athena", "workgroup", lake.workgroup_name)],
            ),
            allow(
                "athena:GetDataCatalog", on=[loop.arn("athena", "datacatalog", "AwsDataCatalog")]
            ),
            allow(
                "glue:GetDatabase",
                "glue:GetTable",
                "glue:GetPartitions",
                on=[
                    loop.arn("glue", "catalog", "").rstrip("/"),
                    loop.arn("glue", "database", lake.database_name),
                    loop.arn("glue", "table", table),
                ],
            ),
            lambda role: lake.curated.grant_read(role, f"{workload.name}/*"),
            lake.query_results.grant_read,
            lake.query_results.grant_put,
        ],
    )


def read_checks(loop: LoopContext) -> State:
    """Judges every month: no rows fail, and so does a check without a value (all null)."""
    checks = [
        {
            "column": column,
            "name": check.name,
            "least": -_ANY if check.min is None else check.min,
            "most": _ANY if check.max is None else check.max,
        }
        for column, check in enumerate(loop.workload.checks, start=2)
    ]
    verdict = f"""(
        $checks := {literal(checks)};
        $rows := $merge($states.result.ResultSet.Rows.{{
            Data[0].VarCharValue: [Data.(VarCharValue & '')]}});
        $failed := [$months.(
            $month := $;
            $row := $lookup($rows, $month);
            $not($exists($row))
            ? {{"month": $month, "name": "num_rows", "value": 0, "min": 1, "max": null}}
            : $checks[(
                $column := column;
                $text := $row[$column];
                $text in {literal(_NO_NUMBERS)} ? true
                : ($value := $number($text); $value < least or $value > most)
            )].(
                $column := column;
                $text := $row[$column];
                {{"month": $month, "name": name,
                    "value": $text in {literal(_NO_NUMBERS)} ? null : $number($text),
                    "min": least = {-_ANY} ? null : least,
                    "max": most = {_ANY} ? null : most}})
        )];
        $refused := [$months[$ in $failed.month]];
        $passed := [$months[$not($ in $refused)]];
        {{
            "failed": $failed,
            "passed": $passed,
            "clean": [$sort($append($clean[$not($ in $months)], $passed))],
            "quarantined": [$sort($append($quarantined[$not($ in $months)], $refused))],
            "num_rows": $sum([$months.$number($lookup($rows, $)[1])]),
            "summary": $join([$failed.(month & ' ' & name & ' is '
                & (value = null ? 'unknown' : $string($round(value, 4))))], ', ')
        }}
    )"""
    return task(
        "ReadChecks",
        "athena:getQueryResults",
        {"QueryExecutionId": expression("$query")},
        then="RecordChecks",
        comment="Compares each value with its bounds",
        assign={"checked": expression(verdict)},
        needs=[
            allow(
                "athena:GetQueryResults",
                on=[loop.arn("athena", "workgroup", loop.lake.workgroup_name)],
            )
        ],
    )


def record_checks(loop: LoopContext) -> State:
    """Remembers which months may be learnt from; only the lock's owner may say so.

    The hold-out is the newest clean month, which is the newest one of the batch unless old data is
    delivered again: then the champion has learnt from it, and only a later month judges fairly.
    """
    return task(
        "RecordChecks",
        "dynamodb:updateItem",
        if_owner(
            loop,
            "SET clean = :clean, quarantined = :quarantined",
            {
                ":run": {"S": expression(EXECUTION)},
                ":clean": {"L": expression('[$checked.clean.{"S": $}]')},
                ":quarantined": {"L": expression('[$checked.quarantined.{"S": $}]')},
            },
        ),
        then="IsDataClean",
        comment="A refused month leaves the clean ones, a clean one leaves quarantine",
        assign={
            "clean": expression("$checked.clean"),
            "quarantined": expression("$checked.quarantined"),
            "failed_checks": expression("$checked.failed"),
            "num_rows": expression("$checked.num_rows"),
            "holdout": expression("$count($checked.clean) > 0 ? $checked.clean[-1] : null"),
            **_months_before_holdout(loop),
        },
        needs=allow_update(loop),
    )


def _months_before_holdout(loop: LoopContext) -> dict[str, str]:
    """What is learnt from, and what a channel for selection holds back from it."""
    clean = "$checked.clean"
    if not loop.selects:
        return {"training_months": expression(f"[{clean}[$ < {clean}[-1]]]")}
    return {
        "selection_month": expression(f"$count({clean}) > 1 ? {clean}[-2] : null"),
        "training_months": expression(f"[{clean}[$ < {clean}[-2]]]"),
    }
