"""The machine's role: what its states need, on what they need it, and nothing else."""

from collections import defaultdict
from typing import Any

import pytest

from tests.conftest import Assembly
from tests.loop.aws_calls import operation
from tests.loop.conftest import STACK
from tests.loop.template import KEY, resolve

AWS = "us-east-1:000000000000"
JOBS = {
    f"arn:aws:events:{AWS}:rule/StepFunctionsGetEventsForEMRServerlessJobRule",
    f"arn:aws:events:{AWS}:rule/StepFunctionsGetEventsForSageMakerProcessingJobsRule",
    f"arn:aws:events:{AWS}:rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule",
}
POINTER = f"arn:aws:ssm:{AWS}:parameter/flywheel/local/flight_delay/champion"
SPARK = f"arn:aws:emr-serverless:{AWS}:/applications/00spark"
STACK_ARN = f"arn:aws:cloudformation:{AWS}:stack/local-FlightDelayServing/*"
TRAINING = f"arn:aws:sagemaker:{AWS}:training-job/local-flight-delay-*"
PROCESSING = f"arn:aws:sagemaker:{AWS}:processing-job/local-flight-delay-*"
GROUP = f"arn:aws:sagemaker:{AWS}:model-package-group/local-flight-delay"
PACKAGES = f"arn:aws:sagemaker:{AWS}:model-package/local-flight-delay/*"
WORKGROUP = f"arn:aws:athena:{AWS}:workgroup/flywheel-local"
BUCKETS = {f"arn:aws:s3:::{name}" for name in ("artifacts", "curated", "features", "queryresults")}
GLUE = {
    f"arn:aws:glue:{AWS}:catalog",
    f"arn:aws:glue:{AWS}:database/flywheel_local",
    f"arn:aws:glue:{AWS}:table/flywheel_local/flight_delay_curated",
}
RUNS, RESULTS = "arn:aws:s3:::artifacts/flight_delay/runs/*", "arn:aws:s3:::queryresults/*"

EXPECTED: dict[str, set[str]] = {
    "athena:GetDataCatalog": {f"arn:aws:athena:{AWS}:datacatalog/AwsDataCatalog"},
    "athena:GetQueryExecution": {WORKGROUP},
    "athena:GetQueryResults": {WORKGROUP},
    "athena:StartQueryExecution": {WORKGROUP},
    "athena:StopQueryExecution": {WORKGROUP},
    "cloudformation:DescribeStackEvents": {STACK_ARN},
    "cloudformation:DescribeStacks": {STACK_ARN},
    "cloudformation:UpdateStack": {STACK_ARN},
    "dynamodb:GetItem": {f"arn:aws:dynamodb:{AWS}:table/state"},
    "dynamodb:UpdateItem": {f"arn:aws:dynamodb:{AWS}:table/state"},
    "emr-serverless:CancelJobRun": {f"{SPARK}/jobruns/*"},
    "emr-serverless:GetJobRun": {f"{SPARK}/jobruns/*"},
    "emr-serverless:StartJobRun": {SPARK},
    "events:DescribeRule": JOBS,
    "events:PutRule": JOBS,
    "events:PutTargets": JOBS,
    "glue:GetDatabase": GLUE,
    "glue:GetPartitions": GLUE,
    "glue:GetTable": GLUE,
    "kms:Decrypt": {KEY},
    "kms:GenerateDataKey": {KEY},
    "logs:CreateLogDelivery": {"*"},
    "logs:DeleteLogDelivery": {"*"},
    "logs:DescribeLogGroups": {"*"},
    "logs:DescribeResourcePolicies": {"*"},
    "logs:GetLogDelivery": {"*"},
    "logs:ListLogDeliveries": {"*"},
    "logs:PutResourcePolicy": {"*"},
    "logs:UpdateLogDelivery": {"*"},
    "s3:AbortMultipartUpload": {RUNS, RESULTS},
    "s3:GetBucketLocation": BUCKETS,
    "s3:GetObject": {
        "arn:aws:s3:::curated/flight_delay/*",
        "arn:aws:s3:::features/flight_delay/*",
        RESULTS,
        RUNS,
    },
    "s3:ListBucket": BUCKETS,
    "s3:ListMultipartUploadParts": {RUNS, RESULTS},
    "s3:PutObject": {RUNS, RESULTS},
    "sagemaker:AddTags": {TRAINING, PROCESSING},
    "sagemaker:CreateModelPackage": {GROUP, PACKAGES},
    "sagemaker:CreateProcessingJob": {PROCESSING},
    "sagemaker:CreateTrainingJob": {TRAINING},
    "sagemaker:DescribeEndpoint": {f"arn:aws:sagemaker:{AWS}:endpoint/local-flight-delay"},
    "sagemaker:DescribeEndpointConfig": {f"arn:aws:sagemaker:{AWS}:endpoint-config/*"},
    "sagemaker:DescribeModel": {f"arn:aws:sagemaker:{AWS}:model/*"},
    "sagemaker:DescribeModelPackage": {PACKAGES},
    "sagemaker:DescribeProcessingJob": {PROCESSING},
    "sagemaker:DescribeTrainingJob": {TRAINING},
    "sagemaker:StopProcessingJob": {PROCESSING},
    "sagemaker:StopTrainingJob": {TRAINING},
    "sns:Publish": {f"arn:aws:sns:{AWS}:topic"},
    "ssm:GetParameter": {POINTER},
    "ssm:GetParameters": {POINTER, f"arn:aws:ssm:{AWS}:parameter/cdk-bootstrap/hnb659fds/version"},
    "ssm:PutParameter": {POINTER},
    "states:StartExecution": {f"arn:aws:states:{AWS}:stateMachine:local-flight-delay"},
    "xray:GetSamplingRules": {"*"},
    "xray:GetSamplingTargets": {"*"},
    "xray:PutTelemetryRecords": {"*"},
    "xray:PutTraceSegments": {"*"},
}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.fixture(scope="module")
def statements(assembly: Assembly) -> list[dict[str, Any]]:
    """All statements of the machine's role, in the local environment."""
    template = assembly.template("local", STACK)
    return [
        resolve(statement)
        for logical_id, statement in template.statements()
        if logical_id.startswith("LoopRole")
    ]


def test_the_role_may_do_this_and_nothing_else(statements: list[dict[str, Any]]) -> None:
    allowed: dict[str, set[str]] = defaultdict(set)
    for statement in statements:
        for action in listed(statement["Action"]):
            allowed[action] |= set(listed(statement["Resource"]))
    passed = allowed.pop("iam:PassRole")

    assert dict(allowed) == EXPECTED
    assert len(passed) == 3


def test_each_role_is_passed_to_one_service_only(statements: list[dict[str, Any]]) -> None:
    services = {
        role: statement["Condition"]["StringEquals"]["iam:PassedToService"]
        for statement in statements
        if "iam:PassRole" in listed(statement["Action"])
        for role in listed(statement["Resource"])
    }

    assert sorted(services.values()) == [
        "emr-serverless.amazonaws.com",
        "sagemaker.amazonaws.com",
        "sagemaker.amazonaws.com",
    ]


def test_every_call_of_every_state_is_allowed(definition: dict[str, Any]) -> None:
    prefixes = {"stepfunctions": "states"}
    for name, state in definition["States"].items():
        if state["Type"] == "Task":
            service, model = operation(state["Resource"])
            action = f"{prefixes.get(service, service)}:{_action(model.name)}"
            assert action in EXPECTED, f"{name} needs {action}"


def _action(operation_name: str) -> str:
    return {"ListObjectsV2": "ListBucket"}.get(operation_name, operation_name)


def test_no_action_has_a_wildcard(statements: list[dict[str, Any]]) -> None:
    actions = [action for statement in statements for action in listed(statement["Action"])]

    assert not [action for action in actions if "*" in action]


@pytest.mark.parametrize("environment", ["local", "prod"])
def test_the_policy_fits_into_a_role(assembly: Assembly, environment: str) -> None:
    """IAM takes 10,240 characters, white space not counted, of inline policies."""
    template = assembly.template(environment, STACK)
    size = sum(
        len(str(resolve(properties["PolicyDocument"])).replace(" ", ""))
        for logical_id, properties in template.properties("AWS::IAM::Policy").items()
        if logical_id.startswith("LoopRole")
    )

    assert 0 < size < 8_500  # names that AWS generates are longer than the samples here


def test_only_step_functions_may_take_the_role_for_this_machine(assembly: Assembly) -> None:
    template = assembly.template("local", STACK)
    (role,) = [
        resolve(properties)
        for logical_id, properties in template.properties("AWS::IAM::Role").items()
        if logical_id.startswith("LoopRole")
    ]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"Service": "states.amazonaws.com"}
    assert trust["Condition"]["ArnLike"] == {
        "aws:SourceArn": f"arn:aws:states:{AWS}:stateMachine:local-flight-delay"
    }
