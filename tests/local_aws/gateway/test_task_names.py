"""Names as Step Functions spells them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from flywheel.local_aws.sagemaker.schema import service_model
from flywheel.local_aws.task_names import error_name, member_name, to_api, to_states


@pytest.mark.parametrize(
    ("api", "states"),
    [
        ("ModelPackageArn", "ModelPackageArn"),
        ("jobRunId", "JobRunId"),
        ("DBClusterArn", "DbClusterArn"),
        ("ETag", "ETag"),
        ("SSEKMSKeyId", "SsekmsKeyId"),
        ("S3Uri", "S3Uri"),
        ("SS", "Ss"),
        ("NULL", "Nul"),
        ("ACL", "Acl"),
    ],
)
def test_members_have_the_java_sdks_names(api: str, states: str) -> None:
    assert member_name(api) == states


@pytest.mark.parametrize(
    ("service", "code", "optimised", "name"),
    [
        ("s3", "NoSuchKey", False, "S3.NoSuchKeyException"),
        ("cloudformation", "ValidationError", False, "CloudFormation.CloudFormationException"),
        ("sagemaker", "ValidationException", True, "SageMaker.AmazonSageMakerException"),
        ("sagemaker", "ResourceLimitExceeded", True, "SageMaker.ResourceLimitExceededException"),
        ("athena", "InvalidRequestException", True, "Athena.InvalidRequestException"),
        ("dynamodb", "ResourceNotFoundException", False, "DynamoDb.ResourceNotFoundException"),
    ],
)
def test_errors_are_named_after_the_sdks_classes(
    service: str, code: str, optimised: bool, name: str
) -> None:
    assert error_name(service, code, optimised=optimised) == name


def shape(service: str, action: str, side: str) -> Any:
    return getattr(service_model(service).operation_model(action), f"{side}_shape")


def test_arguments_reach_the_api_under_its_own_names() -> None:
    arguments = {
        "ApplicationId": "a",
        "JobDriver": {"SparkSubmit": {"EntryPoint": "s3://b/k", "EntryPointArguments": ["1"]}},
        "Tags": {"Team": "ml"},
    }

    assert to_api(arguments, shape("emr-serverless", "StartJobRun", "input")) == {
        "applicationId": "a",
        "jobDriver": {"sparkSubmit": {"entryPoint": "s3://b/k", "entryPointArguments": ["1"]}},
        "tags": {"Team": "ml"},
    }


def test_results_leave_with_states_names_and_the_keys_of_maps_as_they_are() -> None:
    result = {"jobRun": {"jobRunId": "1", "createdAt": datetime(2026, 1, 2, tzinfo=UTC),
                         "tags": {"team": "ml"}}}  # fmt: skip
    described = shape("emr-serverless", "GetJobRun", "output")

    iso = to_states(result, described)["JobRun"]
    epoch = to_states(result, described, "epoch_milliseconds")["JobRun"]

    assert iso == {"JobRunId": "1", "CreatedAt": "2026-01-02T00:00:00.000Z", "Tags": {"team": "ml"}}
    assert epoch["CreatedAt"] == 1767312000000
