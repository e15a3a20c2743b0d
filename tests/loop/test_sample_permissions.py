"""What a machine's role may do more where an algorithm predicts, or where tuning trains."""

from collections import defaultdict
from typing import Any

import pytest

from tests.conftest import Assembly, Template
from tests.loop.aws_calls import operation
from tests.loop.template import definition_of, resolve
from tests.loop.test_definition import tasks
from tests.sample_workloads import STACKS

LETTERS = "local-letters-to-soun"  # 21 characters and a digest of all of them

EXPECTED: dict[str, dict[str, set[str]]] = {
    "Flowers": {
        "AddTags": {
            "hyper-parameter-tuning-job/local-flowers-*",
            "model/local-flowers-*",
            "processing-job/local-flowers-*",
            "training-job/local-flowers-*",
            "transform-job/local-flowers-*",
        },
        "CreateHyperParameterTuningJob": {"hyper-parameter-tuning-job/local-flowers-*"},
        "CreateModel": {"model/local-flowers-*"},
        "CreateProcessingJob": {"processing-job/local-flowers-*"},
        "CreateTransformJob": {"transform-job/local-flowers-*"},
        "DeleteModel": {"model/local-flowers-*"},
        "DescribeHyperParameterTuningJob": {"hyper-parameter-tuning-job/local-flowers-*"},
        "DescribeProcessingJob": {"processing-job/local-flowers-*"},
        "DescribeTrainingJob": {"training-job/local-flowers-*"},
        "DescribeTransformJob": {"transform-job/local-flowers-*"},
        "StopHyperParameterTuningJob": {"hyper-parameter-tuning-job/local-flowers-*"},
        "StopProcessingJob": {"processing-job/local-flowers-*"},
        "StopTransformJob": {"transform-job/local-flowers-*"},
    },
    "Delays": {
        "AddTags": {
            "hyper-parameter-tuning-job/local-delays-*",
            "processing-job/local-delays-*",
            "training-job/local-delays-*",
        },
        "CreateHyperParameterTuningJob": {"hyper-parameter-tuning-job/local-delays-*"},
        "CreateProcessingJob": {"processing-job/local-delays-*"},
        "DescribeHyperParameterTuningJob": {"hyper-parameter-tuning-job/local-delays-*"},
        "DescribeProcessingJob": {"processing-job/local-delays-*"},
        "DescribeTrainingJob": {"training-job/local-delays-*"},
        "StopHyperParameterTuningJob": {"hyper-parameter-tuning-job/local-delays-*"},
        "StopProcessingJob": {"processing-job/local-delays-*"},
    },
}
DEPLOYMENT = {
    "CreateModelPackage", "DescribeEndpoint", "DescribeEndpointConfig", "DescribeModel",
    "DescribeModelPackage",
}  # fmt: skip
"""What every loop may do with what it deploys."""
RULES = {
    "Flowers": {"EMRServerlessJob", "SageMakerTuningJobs", "SageMakerTransformJobs"},
    "LettersToSoundsOfOneEnglish": {
        "EMRServerlessJob", "SageMakerTrainingJobs", "SageMakerTransformJobs",
    },
    "Delays": {"EMRServerlessJob", "SageMakerTuningJobs"},
}  # fmt: skip


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def allowed(template: Template) -> dict[str, set[str]]:
    """Action → resources, of the machine's role."""
    found: dict[str, set[str]] = defaultdict(set)
    for logical_id, statement in template.statements():
        if logical_id.startswith("LoopRole"):
            for action in listed(statement["Action"]):
                found[action] |= set(listed(resolve(statement["Resource"])))
    return found


@pytest.mark.parametrize("stack", EXPECTED)
def test_the_role_may_do_this_in_sagemaker_and_nothing_else(samples: Assembly, stack: str) -> None:
    found = {
        action.removeprefix("sagemaker:"): {arn.split(":", 5)[5] for arn in resources}
        for action, resources in allowed(samples.template("local", f"{stack}Retraining")).items()
        if action.startswith("sagemaker:")
    }

    assert {name: on for name, on in found.items() if name not in DEPLOYMENT} == EXPECTED[stack]


@pytest.mark.parametrize("stack", RULES)
def test_step_functions_may_hear_of_these_jobs(samples: Assembly, stack: str) -> None:
    rules = allowed(samples.template("local", f"{stack}Retraining"))["events:PutRule"]

    assert {rule.rpartition("StepFunctionsGetEventsFor")[2] for rule in rules} == {
        f"{kind}Rule" for kind in RULES[stack] | {"SageMakerProcessingJobs"}
    }


@pytest.mark.parametrize("stack", STACKS.values())
def test_every_call_of_every_state_is_allowed(samples: Assembly, stack: str) -> None:
    template = samples.template("local", f"{stack}Retraining")
    may = allowed(template)
    renamed = {"stepfunctions": "states", "s3:ListObjectsV2": "s3:ListBucket"}
    for name, task in tasks(definition_of(template.body)).items():
        service, model = operation(task["Resource"])
        action = f"{renamed.get(service, service)}:{model.name}"
        assert renamed.get(action, action) in may, f"{name} needs {action}"


@pytest.mark.parametrize("stack", STACKS.values())
def test_every_role_that_a_job_gets_may_be_passed(samples: Assembly, stack: str) -> None:
    template = samples.template("local", f"{stack}Retraining")
    given = {
        arguments[key]
        for task in tasks(definition_of(template.body)).values()
        for arguments in (task["Arguments"], task["Arguments"].get("TrainingJobDefinition", {}))
        for key in ("RoleArn", "ExecutionRoleArn")
        if key in arguments
    }

    assert allowed(template)["iam:PassRole"] == given


@pytest.mark.parametrize("environment", ["local", "staging"])
@pytest.mark.parametrize("stack", STACKS.values())
def test_the_policy_fits_into_a_role(samples: Assembly, stack: str, environment: str) -> None:
    """IAM takes 10,240 characters, white space not counted, of inline policies."""
    template = samples.template(environment, f"{stack}Retraining")
    size = sum(
        len(str(resolve(properties["PolicyDocument"])).replace(" ", ""))
        for logical_id, properties in template.properties("AWS::IAM::Policy").items()
        if logical_id.startswith("LoopRole")
    )

    assert 0 < size < 9_300  # names that AWS generates are longer than the samples here


def test_a_long_name_keeps_its_jobs_to_itself(samples: Assembly) -> None:
    found = allowed(samples.template("local", "LettersToSoundsOfOneEnglishRetraining"))

    (arn,) = found["sagemaker:CreateTrainingJob"]
    name = arn.rpartition("/")[2]
    assert name.startswith(f"{LETTERS}-")
    assert len(name.removesuffix("*")) == 27


def place(arn: str) -> str:
    """`arn:aws:s3:::features/flowers/truth/*` is features/truth."""
    bucket, _, *folders = arn.split(":")[5].split("/")
    return "/".join([bucket, *folders[:-1]])


@pytest.mark.parametrize("stack", ["Flowers", "LettersToSoundsOfOneEnglish"])
def test_job_roles_reach_what_they_need_and_no_more(samples: Assembly, stack: str) -> None:
    reached: dict[str, set[str]] = defaultdict(set)
    for logical_id, statement in samples.template("staging", f"{stack}Training").statements():
        role = logical_id.partition("Role")[0]
        objects = [arn for arn in listed(resolve(statement["Resource"])) if "/" in arn]
        for action in {"s3:GetObject", "s3:PutObject"} & set(listed(statement["Action"])):
            kind = action[3:6]
            reached[f"{role} {kind}"] |= {place(arn) for arn in objects if "-assets-" not in arn}

    assert {name: on for name, on in reached.items() if on and not name.startswith("Etl")} == {
        "Training Get": {"features", "artifacts/runs"},
        "Training Put": {"artifacts/models"},
        "Prediction Get": {"features/requests", "artifacts/models"},
        "Prediction Put": {"artifacts/runs"},
        "Evaluation Get": {"features/truth", "artifacts/models", "artifacts/runs"},
        "Evaluation Put": {"artifacts/runs"},
    }
