"""A challenger by one training, and the gate that it must pass."""

from components.loop.asl import (
    State,
    allow,
    allow_pass,
    choice,
    expression,
    note,
    task,
)
from components.loop.checks import allow_managed_rule, mark
from components.loop.context import LoopContext
from components.loop.evaluation import evaluate, read_evaluation
from components.loop.prediction import prediction
from components.loop.run_names import job_name, manifest_uri
from components.loop.tuning import tuning


def training(loop: LoopContext) -> list[State]:
    """From the manifests to the decision whether the challenger may be promoted."""
    evaluation = _evaluation(loop)
    then = evaluation[0].name
    return [
        *(
            tuning(loop, loop.tuning_job, then=then)
            if loop.tuning_job
            else [train(loop, then=then)]
        ),
        *evaluation,
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


def _evaluation(loop: LoopContext) -> list[State]:
    """A script's models predict inside the evaluation; an algorithm's have to be asked before."""
    if loop.transform_job:
        return prediction(loop, loop.transform_job)
    return [evaluate(loop)]


def train(loop: LoopContext, *, then: str) -> State:
    """Learns from the clean months before the hold-out."""
    job = loop.training_job
    return task(
        "Train",
        "sagemaker:createTrainingJob.sync",
        job.arguments(
            name=job_name(loop),
            manifests=lambda channel: manifest_uri(loop, channel),
            run="$run",
        ),
        then=then,
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
