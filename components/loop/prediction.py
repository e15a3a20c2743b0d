"""A built-in algorithm's models answer the hold-out's requests, so that they can be judged.

Each model exists for as long as it is asked: whatever happens, and also after a run that a person
stopped, the loop deletes them by their names, which follow from the run's id.
"""

from typing import Any

from components.algorithm_data import REQUESTS
from components.loop.asl import (
    AFTER_A_FAILURE,
    Json,
    State,
    allow,
    allow_pass,
    catch_all,
    choice,
    expression,
    note,
    task,
)
from components.loop.checks import allow_managed_rule, mark
from components.loop.context import LoopContext
from components.loop.evaluation import answers_uri, evaluate_answers, holdout_uri
from components.loop.run_names import CHALLENGER, CHAMPION, model_name, run_id
from components.transform_job import TransformJob

_CLEAN_UP = "AreModelsLeft"
_CLEAN_UP_STOPPED = "AreStoppedModelsLeft"
_NOT_THERE = "Could not find model"
"""What SageMaker says of a model that does not exist, in an error that has no name of its own."""


def prediction(loop: LoopContext, job: TransformJob) -> list[State]:
    """From the challenger's artifact to the evaluation, with nothing left behind."""
    algorithm = loop.algorithm
    assert algorithm  # noqa: S101 (it is what the transform job is made for)
    return [
        note(
            "NameModels",
            {
                "models": expression(
                    f"""$append([{model_name(loop, CHALLENGER)}],
                    $champion = null ? [] : [{model_name(loop, CHAMPION)}])"""
                )
            },
            then="CreateChallengerModel",
            comment="Whatever happens from here on, these are deleted",
        ),
        _create_model(
            loop,
            job,
            "CreateChallengerModel",
            job.model_of_artifact(name="$models[0]", artifact="$model", run="$run"),
            then="PredictChallenger",
            comment="For the evaluation only: it is not registered yet",
        ),
        _predict(
            loop,
            job,
            "PredictChallenger",
            model="$models[0]",
            of=CHALLENGER,
            then="IsThereAChampion",
        ),
        choice(
            "IsThereAChampion",
            [("$champion = null", "Evaluate")],
            otherwise="CreateChampionModel",
            comment="The first model is compared with nobody",
        ),
        _create_model(
            loop,
            job,
            "CreateChampionModel",
            job.model_of_package(name="$models[1]", package="$champion.arn", run="$run"),
            then="PredictChampion",
            comment="As it was registered; the endpoint's traffic is left alone",
        ),
        _predict(loop, job, "PredictChampion", model="$models[1]", of=CHAMPION, then="Evaluate"),
        evaluate_answers(loop, algorithm, then=_CLEAN_UP, on_failure=_CLEAN_UP),
        choice(
            _CLEAN_UP,
            [("$count($models) > 0", "DeleteModel"), ("$failure != null", AFTER_A_FAILURE)],
            otherwise="ReadEvaluation",
            comment="Then on to where the run was going",
        ),
        _delete_model(loop, "DeleteModel", then=_CLEAN_UP),
    ]


def clean_up_after_stopped(loop: LoopContext) -> list[State]:
    """Deletes what a run that was stopped has left behind; in states of its own.

    So no way of a run that holds the lock leads past `Release`.
    """
    if not loop.transform_job:
        return []
    return [
        choice(
            _CLEAN_UP_STOPPED,
            [("$count($models) > 0", "DeleteStoppedModel")],
            otherwise="Notify",
            comment="A run that is stopped cannot clean up by itself",
        ),
        _delete_model(loop, "DeleteStoppedModel", then=_CLEAN_UP_STOPPED),
    ]


def _create_model(
    loop: LoopContext, job: TransformJob, name: str, arguments: Json, *, then: str, comment: str
) -> State:
    return task(
        name,
        "aws-sdk:sagemaker:createModel",
        arguments,
        then=then,
        comment=comment,
        on_failure=_CLEAN_UP,
        needs=[
            allow("sagemaker:AddTags", "sagemaker:CreateModel", on=[_models(loop)]),
            allow_pass(job.role.role_arn, "sagemaker"),
        ],
    )


def _predict(
    loop: LoopContext, job: TransformJob, name: str, *, model: str, of: str, then: str
) -> State:
    return task(
        name,
        "sagemaker:createTransformJob.sync",
        job.arguments(
            name=model,
            model=model,
            requests=holdout_uri(loop, REQUESTS),
            output=answers_uri(loop, of),
            run="$run",
        ),
        then=then,
        comment=f"Batch transform: the {of} answers the requests of the newest month",
        timeout_seconds=job.timeout_seconds,
        assign={"marks": mark("predict")} if of == CHALLENGER else None,
        on_failure=_CLEAN_UP,
        needs=[
            allow(
                "sagemaker:AddTags",
                "sagemaker:CreateTransformJob",
                "sagemaker:DescribeTransformJob",
                "sagemaker:StopTransformJob",
                on=[loop.arn("sagemaker", "transform-job", f"{loop.job_prefix}*")],
            ),
            allow_managed_rule(loop, "StepFunctionsGetEventsForSageMakerTransformJobsRule"),
        ],
    )


def _delete_model(loop: LoopContext, name: str, *, then: str) -> State:
    """One model less. One that is not there, because it could not be created, is no failure."""
    left = {"models": expression("$count($models) > 1 ? [$models[-1]] : []")}
    catch = catch_all(then)
    catch["Assign"] = {
        "failure": expression(
            f"""$failure != null or $contains($states.errorOutput.Cause & '', '{_NOT_THERE}')
            ? $failure : {{
            "state": $states.context.State.Name,
            "error": $states.errorOutput.Error,
            "cause": $models[0] & ' is left behind: ' & $states.errorOutput.Cause}}"""
        ),
        **left,
    }
    return task(
        name,
        "aws-sdk:sagemaker:deleteModel",
        {"ModelName": expression("$models[0]")},
        then=then,
        comment="The artifact stays in its folder",
        assign=left,
        on_failure=catch,
        needs=[allow("sagemaker:DeleteModel", on=[_models(loop)])],
    )


def _models(loop: LoopContext) -> str:
    return loop.arn("sagemaker", "model", f"{loop.job_prefix}*")


def models_of_stopped(loop: LoopContext) -> dict[str, Any]:
    """What a run that was stopped may have left behind."""
    if not loop.transform_job:
        return {}
    stopped = f"({run_id('$stopped')})"
    names = ", ".join(model_name(loop, of, stopped) for of in (CHALLENGER, CHAMPION))
    return {"models": expression(f"[{names}]")}


def after_release_of_stopped(loop: LoopContext) -> str:
    """Who frees the lock of a run that was stopped cleans up after it too."""
    return _CLEAN_UP_STOPPED if loop.transform_job else "Notify"
