"""Removes what keeps CloudFormation from deleting an environment: objects and model packages.

CloudFormation deletes neither a bucket with objects nor a model package group with packages. A
custom resource that emptied them at deletion would be a standing right to delete all data; this is
a command that a person gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flywheel.errors import UserError
from flywheel.settings import EnvironmentSettings

KEYS_A_CALL = 1000  # DeleteObjects takes no more

type Clients = Callable[[str], Any]


def empty(environment: EnvironmentSettings, clients: Clients, say: Callable[[str], None]) -> None:
    """Delete every object version and every model package of an environment's stacks.

    Args:
        environment: whose stacks, named `<environment>-…`.
        clients: gives a boto3 client of the account for a service's name.
        say: told what was deleted, a line for each bucket and group.

    Raises:
        UserError: the environment keeps its data, or has no stacks in this account.
    """
    if environment.retain_data:
        raise UserError(
            f"config/environments/{environment.name}.yaml retain_data is true; nothing of "
            f"{environment.name} is deleted. Set it to false and deploy that, if you are sure."
        )
    resources = list(_resources(environment.name, clients("cloudformation")))
    if not resources:
        raise UserError(
            f"{environment.name} has no stacks in this account and region ({environment.region}). "
            "Check the credentials."
        )
    for kind, name in resources:
        if kind == "AWS::S3::Bucket":
            say(f"{name}: {_empty_bucket(clients('s3'), name)} object versions deleted")
        elif kind == "AWS::SageMaker::ModelPackageGroup":
            say(f"{name}: {_empty_group(clients('sagemaker'), name)} model packages deleted")


def _resources(environment: str, cloudformation: Any) -> Iterator[tuple[str, str]]:
    """Type and physical name of all that the environment's stacks hold."""
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            if stack["StackName"].startswith(f"{environment}-"):
                listed = cloudformation.get_paginator("list_stack_resources")
                for resources in listed.paginate(StackName=stack["StackName"]):
                    for item in resources["StackResourceSummaries"]:
                        if item.get("PhysicalResourceId"):
                            yield item["ResourceType"], item["PhysicalResourceId"]


def _empty_bucket(s3: Any, bucket: str) -> int:
    deleted = 0
    for page in s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": KEYS_A_CALL}
    ):
        versions = [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for item in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        ]
        if versions:
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
            if answer.get("Errors"):
                first = answer["Errors"][0]
                raise UserError(f"{bucket}/{first['Key']} cannot be deleted: {first['Message']}")
            deleted += len(versions)
    return deleted


def _empty_group(sagemaker: Any, group: str) -> int:
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
    packages = [
        item["ModelPackageArn"] for page in pages for item in page["ModelPackageSummaryList"]
    ]
    for package in packages:
        sagemaker.delete_model_package(ModelPackageName=package)
    return len(packages)
