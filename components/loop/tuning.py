"""A challenger by hyperparameter tuning: several trainings, of which the best one goes on."""

from typing import Any

from components.loop.asl import (
    Json,
    Permission,
    State,
    allow,
    allow_pass,
    choice,
    errors_of,
    expression,
    literal,
    task,
)
from components.loop.checks import allow_managed_rule, mark
from components.loop.context import LoopContext
from components.loop.item import EXECUTION, allow_update, if_owner
from components.loop.run_names import manifest_uri, tuning_name
from components.tuning_job import TuningJob

_CREATE = "sagemaker:createHyperParameterTuningJob.sync"


def first_training_state(loop: LoopContext) -> str:
    """Where training begins."""
    if not loop.tuning_job:
        return "Train"
    return "HasTunedBefore" if loop.tuning_job.warm_start else "Tune"


def previous_tuning(loop: LoopContext, item: str) -> dict[str, str]:
    """The tuning job that this run's can begin with, as the loop's item remembers it.

    One that was tuned differently is no help: SageMaker would refuse it.
    """
    if not loop.tuning_job or not loop.tuning_job.warm_start:
        return {}
    remembered = f"{item}.tuning_job.S & ''"
    fits = f"$substringBefore($remembered, ' ') = '{loop.tuning_job.fingerprint}'"
    return {
        "parent": expression(
            f"($remembered := {remembered}; {fits} ? $substringAfter($remembered, ' ') : '')"
        )
    }


def tuning(loop: LoopContext, job: TuningJob, *, then: str) -> list[State]:
    """From the manifests to the best model."""
    if not job.warm_start:
        return [tune(loop, job), describe_best_training(loop, then=then)]
    return [
        choice(
            "HasTunedBefore",
            [("$parent != ''", "TuneFurther")],
            otherwise="Tune",
            comment="The previous run's tuning, if it looked for the same",
        ),
        tune_further(loop, job),
        tune(loop, job),
        describe_best_training(loop, then="RecordTuning"),
        record_tuning(loop, job, then=then),
    ]


def tune(loop: LoopContext, job: TuningJob) -> State:
    """Trains several times with different hyperparameters."""
    return _tune(loop, job, "Tune", comment="Several trainings; the best one's model goes on")


def tune_further(loop: LoopContext, job: TuningJob) -> State:
    """Begins with what the previous run has learnt about the hyperparameters."""
    return _tune(
        loop,
        job,
        "TuneFurther",
        comment="Begins with the results of the previous tuning",
        parent="$parent",
        # A parent that SageMaker does not take, for example a deleted one, must not end the loop.
        catch=[{"ErrorEquals": list(errors_of(_CREATE)), "Output": {}, "Next": "Tune"}],
    )


def _tune(
    loop: LoopContext,
    job: TuningJob,
    name: str,
    *,
    comment: str,
    parent: str | None = None,
    catch: list[Json] | None = None,
) -> State:
    return task(
        name,
        _CREATE,
        job.arguments(
            name=tuning_name(loop),
            manifests=lambda channel: manifest_uri(loop, channel),
            run="$run",
            parent=parent,
        ),
        then="DescribeBestTraining",
        comment=comment,
        timeout_seconds=job.timeout_seconds,
        assign={"tuning": expression(_outcome()), "marks": mark("train")},
        catch=catch or (),
        needs=_permissions(loop, job),
    )


def _outcome() -> str:
    """JSONata of what the run says about its tuning."""
    best = "$states.result.BestTrainingJob"
    metric = f"{best}.FinalHyperParameterTuningJobObjectiveMetric"
    return f"""$exists({best}.TrainingJobName) ? {{
        "job": $states.result.HyperParameterTuningJobName,
        "best": {best}.TrainingJobName,
        "objective": {{{metric}.MetricName: {metric}.Value}},
        "hyperparameters": {best}.TunedHyperParameters,
        "trainings": $states.result.TrainingJobStatusCounters
        }} : $error('none of the trainings has reported the objective metric')"""


def _permissions(loop: LoopContext, job: TuningJob) -> list[Permission]:
    """SageMaker starts the trainings itself, with the tags of the tuning job."""
    trainings = loop.arn("sagemaker", "training-job", f"{loop.tuning_prefix}*")
    tunings = loop.arn("sagemaker", "hyper-parameter-tuning-job", f"{loop.tuning_prefix}*")
    return [
        allow("sagemaker:AddTags", on=[tunings, trainings]),
        allow(
            "sagemaker:CreateHyperParameterTuningJob",
            "sagemaker:DescribeHyperParameterTuningJob",
            "sagemaker:StopHyperParameterTuningJob",
            on=[tunings],
        ),
        allow_pass(job.training.role.role_arn, "sagemaker"),
        allow_managed_rule(loop, "StepFunctionsGetEventsForSageMakerTuningJobsRule"),
    ]


def describe_best_training(loop: LoopContext, *, then: str) -> State:
    """The model of the best training."""
    return task(
        "DescribeBestTraining",
        "aws-sdk:sagemaker:describeTrainingJob",
        {"TrainingJobName": expression("$tuning.best")},
        then=then,
        comment="The tuning job names it but not its model",
        assign={"model": expression("$states.result.ModelArtifacts.S3ModelArtifacts")},
        needs=[
            allow(
                "sagemaker:DescribeTrainingJob",
                on=[loop.arn("sagemaker", "training-job", f"{loop.tuning_prefix}*")],
            )
        ],
    )


def record_tuning(loop: LoopContext, job: TuningJob, *, then: str) -> State:
    """Remembers the tuning job for the next run; only the lock's owner may do so."""
    return task(
        "RecordTuning",
        "dynamodb:updateItem",
        if_owner(loop, "SET tuning_job = :job", _remembered(job)),
        then=then,
        comment="The next run's tuning begins with it",
        needs=allow_update(loop),
    )


def _remembered(job: TuningJob) -> dict[str, Any]:
    return {
        ":run": {"S": expression(EXECUTION)},
        ":job": {"S": expression(f"{literal(f'{job.fingerprint} ')} & $tuning.job")},
    }
