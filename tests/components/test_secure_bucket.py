"""Grants name their actions, keep to a prefix, and bring the key along."""

from collections.abc import Callable

import pytest
from aws_cdk import Stack

from components.encryption_key import EncryptionKey
from components.secure_bucket import AccessLogBucket, SecureBucket
from components.service_role import ServiceRole
from tests.components.conftest import synthesised

GET, DELETE = "s3:GetObject", "s3:DeleteObject"
DECRYPT = {"kms:Decrypt"}
ENCRYPT = {"kms:Decrypt", "kms:GenerateDataKey"}
PUT = {"s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}
LIST = {"s3:GetBucketLocation", "s3:ListBucket"}


@pytest.mark.parametrize(
    ("grant", "object_actions", "key_actions"),
    [
        (SecureBucket.grant_read, {GET}, DECRYPT),
        (SecureBucket.grant_put, PUT, ENCRYPT),
        (SecureBucket.grant_write, {*PUT, DELETE}, ENCRYPT),
        (SecureBucket.grant_delete, {DELETE}, DECRYPT),
        (SecureBucket.grant_read_write, {GET, *PUT, DELETE}, ENCRYPT),
    ],
)
def test_a_grant_is_what_its_name_says(
    stack: Stack, grant: Callable[..., object], object_actions: set[str], key_actions: set[str]
) -> None:
    logs = AccessLogBucket(stack, "Logs", retain=False)
    key = EncryptionKey(stack, "Key", alias="test", retain=False)
    bucket = SecureBucket(stack, "Bucket", key=key, access_logs=logs, retain=False)
    role = ServiceRole(stack, "Role", service="sagemaker", description="Test")
    grant(bucket, role, "sales/*")
    allowed: dict[str, set[str]] = {"key": set(), "objects": set(), "bucket": set()}
    for _, statement in synthesised(stack).statements():
        actions = statement["Action"]
        resource = str(statement["Resource"])
        kind = "key" if "Key" in resource else "objects" if "sales/*" in resource else "bucket"
        allowed[kind] |= {actions} if isinstance(actions, str) else set(actions)
    assert allowed == {"key": key_actions, "objects": object_actions, "bucket": LIST}


def test_a_retained_bucket_goes_only_with_a_failed_first_deployment(stack: Stack) -> None:
    AccessLogBucket(stack, "Logs", retain=True)
    (bucket,) = synthesised(stack).of_type("AWS::S3::Bucket").values()
    assert bucket["DeletionPolicy"] == "RetainExceptOnCreate"
    assert bucket["UpdateReplacePolicy"] == "Retain"
