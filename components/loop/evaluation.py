"""Challenger and champion as numbers: the processing job, and what the loop makes of them."""

from components.algorithm_data import TRUTH
from components.loop.asl import (
    AFTER_A_FAILURE,
    NULL,
    State,
    allow,
    allow_pass,
    expression,
    literal,
    task,
)
from components.loop.checks import allow_managed_rule, mark
from components.loop.context import LoopContext
from components.loop.run_names import CHALLENGER, CHAMPION, job_name, manifest_uri, run_uri
from components.processing_job import INPUT, Evaluation, Input
from flywheel.algorithms.catalogue import Algorithm


def evaluate(loop: LoopContext) -> State:
    """Both models of a script predict the hold-out, which neither has learnt from."""
    evaluation = Evaluation(
        arguments=(
            *("'--challenger'", f"'{INPUT}/challenger/model.tar.gz'"),
            *("'--holdout'", f"'{INPUT}/holdout'", "'--holdout-month'", "$holdout"),
        ),
        inputs=(Input("challenger", "$model"), Input("holdout", holdout_uri(loop))),
        champion_arguments=("'--champion'", f"'{INPUT}/champion/model.tar.gz'"),
        champion_inputs=(Input("champion", "$champion.model"),),
    )
    return _evaluate(
        loop,
        evaluation,
        then="ReadEvaluation",
        on_failure=AFTER_A_FAILURE,
        comment="Challenger and champion on the same newest month",
    )


def evaluate_answers(
    loop: LoopContext, algorithm: Algorithm, *, then: str, on_failure: str
) -> State:
    """What the models answered is compared with the truth, and with a naive model's answers."""
    models = f"{INPUT}/{{}}-model/model.tar.gz"
    evaluation = Evaluation(
        arguments=(
            *(
                "'--algorithm'",
                f"'{algorithm.key}'",
                "'--metric'",
                f"'{loop.workload.gate.metric}'",
            ),
            *("'--truth'", f"'{INPUT}/truth'", "'--reference'", f"'{INPUT}/reference'"),
            *("'--challenger'", f"'{INPUT}/challenger'", "'--holdout-month'", "$holdout"),
            *("'--challenger-model'", f"'{models.format(CHALLENGER)}'"),
        ),
        inputs=(
            Input("truth", holdout_uri(loop, TRUTH)),
            Input("reference", manifest_uri(loop, "reference"), "ManifestFile"),
            Input(CHALLENGER, f"{answers_uri(loop, CHALLENGER)} & '/'"),
            Input(f"{CHALLENGER}-model", "$model"),
        ),
        champion_arguments=(
            *("'--champion'", f"'{INPUT}/champion'"),
            *("'--champion-model'", f"'{models.format(CHAMPION)}'"),
        ),
        champion_inputs=(
            Input(CHAMPION, f"{answers_uri(loop, CHAMPION)} & '/'"),
            Input(f"{CHAMPION}-model", "$champion.model"),
        ),
    )
    return _evaluate(
        loop,
        evaluation,
        then=then,
        on_failure=on_failure,
        comment="What both have answered, against the truth of the newest month",
    )


def answers_uri(loop: LoopContext, of: str) -> str:
    """JSONata of the S3 URI of the folder with a model's answers."""
    return run_uri(loop, f"/{of}")


def holdout_uri(loop: LoopContext, folder: str = "") -> str:
    """JSONata of the S3 URI of the hold-out in the feature zone, or in a folder of it."""
    workload = f"s3://{loop.lake.features.bucket_name}/{loop.workload.name}"
    place = f"{workload}/{folder}" if folder else workload
    return f"'{place}/{loop.partition}=' & $holdout & '/'"


def _evaluate(
    loop: LoopContext, evaluation: Evaluation, *, then: str, on_failure: str, comment: str
) -> State:
    job = loop.processing_job
    return task(
        "Evaluate",
        "sagemaker:createProcessingJob.sync",
        job.arguments(
            name=job_name(loop),
            evaluation=evaluation,
            champion="$champion.model",
            output=run_uri(loop, "/evaluation"),
            run="$run",
        ),
        then=then,
        comment=comment,
        timeout_seconds=job.timeout_seconds,
        assign={"marks": mark("evaluate")},
        on_failure=on_failure,
        needs=[
            allow(
                "sagemaker:AddTags",
                "sagemaker:CreateProcessingJob",
                "sagemaker:DescribeProcessingJob",
                "sagemaker:StopProcessingJob",
                on=[loop.arn("sagemaker", "processing-job", f"{loop.job_prefix}*")],
            ),
            allow_pass(job.role.role_arn, "sagemaker"),
            allow_managed_rule(loop, "StepFunctionsGetEventsForSageMakerProcessingJobsRule"),
        ],
    )


def _baseline(loop: LoopContext, evaluation: str) -> dict[str, str]:
    """What a naive model reaches on the same hold-out, where the script says it."""
    return {"baseline": expression(f"{evaluation}.challenger.baseline")} if loop.algorithm else {}


def read_evaluation(loop: LoopContext) -> State:
    """Judges by the numbers of evaluation.json."""
    gate = loop.workload.gate
    evaluation = "$parse($states.result.Body)"
    challenger = f"{evaluation}.challenger.`{gate.metric}`"
    champion = f"($champion = null ? null : {evaluation}.champion.`{gate.metric}`)"
    judge = f"""$challenger := {challenger}; $champion := {champion};
        $enough := $challenger >= {gate.minimum};
        $holds := $champion = null ? true : $challenger >= $champion - {gate.tolerance}"""
    versus = f"""($holds ? ' and not below ' : ' but below ') & "the champion's "
        & $string($round($champion, 4)) & ' less {gate.tolerance}'"""
    return task(
        "ReadEvaluation",
        "aws-sdk:s3:getObject",
        {
            "Bucket": loop.lake.artifacts.bucket_name,
            "Key": expression(f"{literal(loop.run_folder)} & $run & '/evaluation/evaluation.json'"),
        },
        then="Gate",
        comment=f"{gate.metric} at least {gate.minimum}, at most {gate.tolerance} below champion",
        assign={
            "challenger": {
                "version": NULL,
                gate.metric: expression(challenger),
                **_baseline(loop, evaluation),
                "arn": NULL,
            },
            "champion_metric": expression(champion),
            "sha256": expression(f"{evaluation}.challenger.sha256"),
            "passes": expression(f"({judge}; $enough and $holds)"),
            "reason": expression(
                f"""({judge};
                $said := {literal(gate.metric)} & ' ' & $string($round($challenger, 4));
                $enough
                ? $said & ' is at least {gate.minimum}'
                    & ($champion = null ? '; there is no champion yet' : {versus})
                : $said & ' is below the minimum {gate.minimum}')"""
            ),
        },
        needs=[lambda role: loop.lake.artifacts.grant_read(role, f"{loop.run_folder}*")],
    )
