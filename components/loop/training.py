"""A challenger, its evaluation beside the champion, and the gate."""

from components.loop.asl import (
    NULL,
    State,
    allow,
    allow_pass,
    choice,
    expression,
    literal,
    note,
    task,
)
from components.loop.checks import allow_managed_rule, mark
from components.loop.context import LoopContext


def training(loop: LoopContext) -> list[State]:
    """From the manifest to the decision whether the challenger may be promoted."""
    return [
        train(loop),
        evaluate(loop),
        read_evaluation(loop),
        choice(
            "Gate",
            [("$passes", "Register")],
            otherwise="Rejected",
            comment="Good enough, and not worse than the champion on the same month",
        ),
        note(
            "Rejected",
            {"outcome": "rejected"},
            then="Release",
            comment="The champion stays; the artifact stays in its folder, unregistered",
        ),
    ]


def train(loop: LoopContext) -> State:
    """Learns from the clean months before the hold-out."""
    job = loop.training_job
    manifest = _run_uri(loop, "/train.manifest")
    return task(
        "Train",
        "sagemaker:createTrainingJob.sync",
        job.arguments(name=job_name(loop), manifest=manifest, run="$run"),
        then="Evaluate",
        comment="On spare capacity and with checkpoints where the settings say so",
        timeout_seconds=job.timeout_seconds,
        assign={
            "model": expression("$states.result.ModelArtifacts.S3ModelArtifacts"),
            "marks": mark("train"),
        },
        needs=[
            allow(
                "sagemaker:AddTags",
                "sagemaker:CreateTrainingJob",
                "sagemaker:DescribeTrainingJob",
                "sagemaker:StopTrainingJob",
                on=[loop.arn("sagemaker", "training-job", f"{loop.job_prefix}*")],
            ),
            allow_pass(job.role.role_arn, "sagemaker"),
            allow_managed_rule(loop, "StepFunctionsGetEventsForSageMakerTrainingJobsRule"),
        ],
    )


def job_name(loop: LoopContext) -> str:
    """JSONata of a name that is unique to the run; training and processing jobs do not clash."""
    return f"{literal(loop.job_prefix)} & $run"


def _run_uri(loop: LoopContext, rest: str) -> str:
    """JSONata of an S3 URI in the run's folder."""
    folder = f"s3://{loop.lake.artifacts.bucket_name}/{loop.run_folder}"
    return f"'{folder}' & $run & '{rest}'"


def evaluate(loop: LoopContext) -> State:
    """Both models predict the hold-out, which neither has learnt from."""
    job = loop.processing_job
    features = f"s3://{loop.lake.features.bucket_name}/{loop.workload.name}/{loop.partition}="
    return task(
        "Evaluate",
        "sagemaker:createProcessingJob.sync",
        job.arguments(
            name=job_name(loop),
            challenger="$model",
            champion="$champion.model",
            holdout=f"'{features}' & $holdout & '/'",
            month="$holdout",
            output=_run_uri(loop, "/evaluation"),
            run="$run",
        ),
        then="ReadEvaluation",
        comment="Challenger and champion on the same newest month",
        timeout_seconds=job.timeout_seconds,
        assign={"marks": mark("evaluate")},
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
            "challenger": {"version": NULL, gate.metric: expression(challenger), "arn": NULL},
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
