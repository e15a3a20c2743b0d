"""Model package groups and model packages through plain boto3."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.sagemaker.helpers import IMAGE, INFERENCE, ROLE, Aws, archive, unique


def group(aws: Aws) -> str:
    """A new group; its name."""
    name = unique("Group")
    aws.sagemaker.create_model_package_group(
        ModelPackageGroupName=name, ModelPackageGroupDescription="Flight delays (late > 15 min)."
    )
    return name


def register(aws: Aws, group_name: str, word: str = "one", **more: Any) -> str:
    """A new version; its ARN."""
    files = {"word.txt": word, "code/inference.py": INFERENCE}
    data = aws.put(f"{unique('package')}/model.tar.gz", archive(files))
    container = {
        "Image": IMAGE,
        "ModelDataUrl": data,
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py", "EXPECTED": word},
    }
    arn: str = aws.sagemaker.create_model_package(
        ModelPackageGroupName=group_name,
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        CustomerMetadataProperties={"run_id": "run-1"},
        **more,
    )["ModelPackageArn"]
    return arn


def test_versions_count_up_and_are_never_given_twice(aws: Aws) -> None:
    name = group(aws)
    first, second = register(aws, name), register(aws, name)
    assert first.endswith(f":model-package/{name.lower()}/1")
    aws.sagemaker.delete_model_package(ModelPackageName=second)
    third = aws.sagemaker.describe_model_package(ModelPackageName=register(aws, name))
    assert third["ModelPackageVersion"] == 3
    assert third["ModelPackageGroupName"] == name
    listed = aws.sagemaker.list_model_packages(ModelPackageGroupName=name, SortOrder="Ascending")
    assert [p["ModelPackageVersion"] for p in listed["ModelPackageSummaryList"]] == [1, 3]


def test_a_package_waits_for_approval_and_each_change_is_an_event(aws: Aws) -> None:
    arn = register(aws, group(aws))
    described = aws.sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    assert described["ModelPackageStatus"] == "Completed"
    aws.sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="reviewed",
        CustomerMetadataProperties={"reviewer": "a person"},
    )
    described = aws.sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["ApprovalDescription"] == "reviewed"
    assert described["CustomerMetadataProperties"] == {"run_id": "run-1", "reviewer": "a person"}
    states = aws.states("Model Package", arn, "ModelApprovalStatus")
    assert states == ["PendingManualApproval", "Approved"]
    assert aws.states("Model Package", arn, "ModelPackageVersion") == [1, 1]


def test_only_an_approved_package_becomes_a_model(aws: Aws) -> None:
    arn = register(aws, group(aws), "approved-model")
    name = unique("model")
    request = {
        "ModelName": name,
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {"ModelPackageName": arn},
    }
    with pytest.raises(ClientError, match="ModelApprovalStatus is PendingManualApproval"):
        aws.sagemaker.create_model(**request)
    aws.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected")
    with pytest.raises(ClientError, match="ModelApprovalStatus is Rejected"):
        aws.sagemaker.create_model(**request)
    aws.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    aws.sagemaker.create_model(**request)
    model = aws.sagemaker.describe_model(ModelName=name)
    assert model["PrimaryContainer"] == {"ModelPackageName": arn}
    assert aws.ask(aws.endpoint(aws.endpoint_config(name))) == "approved-model:x"


def test_a_group_with_packages_is_not_deleted(aws: Aws) -> None:
    name = group(aws)
    arn = register(aws, name)
    with pytest.raises(ClientError, match="still contains Model Packages") as refused:
        aws.sagemaker.delete_model_package_group(ModelPackageGroupName=name)
    assert refused.value.response["Error"]["Code"] == "ConflictException"
    aws.sagemaker.delete_model_package(ModelPackageName=arn)
    aws.sagemaker.delete_model_package_group(ModelPackageGroupName=name)
    with pytest.raises(ClientError, match="does not exist"):
        aws.sagemaker.describe_model_package_group(ModelPackageGroupName=name)


def test_a_request_with_the_same_token_registers_once(aws: Aws) -> None:
    name = group(aws)
    token = "0123456789-token"
    assert register(aws, name, ClientToken=token) == register(aws, name, ClientToken=token)


def test_names_must_be_known_and_free(aws: Aws) -> None:
    with pytest.raises(ClientError, match=r"ModelPackageGroup arn:.* does not exist"):
        register(aws, "no-such-group")
    name = group(aws)
    with pytest.raises(ClientError, match="Model Package Group already exists"):
        aws.sagemaker.create_model_package_group(ModelPackageGroupName=name)
    with pytest.raises(ClientError, match=r"ModelPackage arn:.*/9 does not exist"):
        aws.sagemaker.describe_model_package(ModelPackageName=f"{name}/9")
    group_arn = aws.sagemaker.describe_model_package_group(ModelPackageGroupName=name)[
        "ModelPackageGroupArn"
    ]
    assert register(aws, group_arn).endswith("/1")


def test_approved_packages_can_be_listed(aws: Aws) -> None:
    name = group(aws)
    register(aws, name)
    approved = register(aws, name, ModelApprovalStatus="Approved")
    found = aws.sagemaker.list_model_packages(
        ModelPackageGroupName=name, ModelApprovalStatus="Approved"
    )
    assert [p["ModelPackageArn"] for p in found["ModelPackageSummaryList"]] == [approved]
    assert register(aws, name)
    assert not aws.sagemaker.list_model_packages(NameContains=name)["ModelPackageSummaryList"]
