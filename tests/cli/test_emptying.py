"""Emptying an environment, against the embedded AWS."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from flywheel.emptying import empty
from flywheel.errors import UserError
from flywheel.local_aws import LocalAws
from flywheel.settings import EnvironmentSettings, load_environments

CONFIG = Path(__file__).parents[2] / "config"
TEMPLATE = {
    "Resources": {
        "Zone": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"VersioningConfiguration": {"Status": "Enabled"}},
        },
        "Models": {
            "Type": "AWS::SageMaker::ModelPackageGroup",
            "Properties": {"ModelPackageGroupName": "dev-models"},
        },
    },
    "Outputs": {"Zone": {"Value": {"Ref": "Zone"}}},
}


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws(region="eu-west-1") as started:
        yield started


@pytest.fixture(scope="module")
def environments() -> dict[str, EnvironmentSettings]:
    return load_environments(CONFIG)


def test_all_versions_and_models_go_and_the_stack_can_be_deleted(
    aws: LocalAws, environments: dict[str, EnvironmentSettings]
) -> None:
    cloudformation, s3 = aws.client("cloudformation"), aws.client("s3")
    cloudformation.create_stack(StackName="dev-Lake", TemplateBody=json.dumps(TEMPLATE))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="dev-Lake", WaiterConfig={"Delay": 1}
    )
    stack = cloudformation.describe_stacks(StackName="dev-Lake")["Stacks"][0]
    bucket = stack["Outputs"][0]["OutputValue"]
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket, Key="flights.csv", Body=body)
    s3.delete_object(Bucket=bucket, Key="flights.csv")
    aws.client("sagemaker").create_model_package(
        ModelPackageGroupName="dev-models", ModelApprovalStatus="Approved"
    )

    said: list[str] = []
    empty(environments["dev"], aws.client, said.append)

    assert f"{bucket}: 3 object versions deleted" in said
    assert any(line.endswith("/dev-models: 1 model packages deleted") for line in said)
    cloudformation.delete_stack(StackName="dev-Lake")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName="dev-Lake", WaiterConfig={"Delay": 1}
    )


def test_an_environment_that_keeps_its_data_is_refused(
    aws: LocalAws, environments: dict[str, EnvironmentSettings]
) -> None:
    with pytest.raises(UserError, match="retain_data is true; nothing of prod is deleted"):
        empty(environments["prod"], aws.client, print)


def test_an_environment_without_stacks_is_said(
    aws: LocalAws, environments: dict[str, EnvironmentSettings]
) -> None:
    with pytest.raises(UserError, match="staging has no stacks in this account"):
        empty(environments["staging"], aws.client, print)
