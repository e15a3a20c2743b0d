"""S3 buckets: private, encrypted with our key, TLS only, versioned, logged."""

from typing import Any, cast

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from components.acknowledge import WILDCARD, acknowledge
from components.retention import removal_policy

_LIST = ["s3:GetBucketLocation", "s3:ListBucket"]
_READ = ["s3:GetObject"]
_PUT = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
_DELETE = ["s3:DeleteObject"]
_SUPERSEDED_DAYS = 30
_ACCESS_LOG_DAYS = 90


class SecureBucket(s3.Bucket):
    """One zone of the lake.

    `grant_*` name every action (AWS CDK's own grants hold `s3:GetObject*` and the like) and take a
    key pattern, so that a role reaches the objects of its workload only. An overwritten or deleted
    object can be brought back for 30 days.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey,
        access_logs: s3.IBucket,
        retain: bool,
        expire_days: int | None = None,
        notify_event_bridge: bool = False,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix=f"{construct_id}/",
            removal_policy=removal_policy(retain),
            lifecycle_rules=[_housekeeping(expire_days)],
        )
        if notify_event_bridge:
            # The L2's own switch brings a Lambda function; the property alone does it.
            cast(s3.CfnBucket, self.node.default_child).add_property_override(
                "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True
            )
        _acknowledge_single_region(self)

    def grant_read(self, identity: iam.IGrantable, objects_key_pattern: Any = "*") -> iam.Grant:
        """Let it list the bucket and read the objects of this pattern."""
        return self._grant(identity, objects_key_pattern, [*_READ], decrypt_only=True)

    def grant_write(
        self,
        identity: iam.IGrantable,
        objects_key_pattern: Any = "*",
        allowed_action_patterns: Any = None,
    ) -> iam.Grant:
        """Let it list the bucket and write or delete, but not read, the objects of this pattern."""
        actions = allowed_action_patterns or [*_PUT, *_DELETE]
        return self._grant(identity, objects_key_pattern, actions)

    def grant_put(self, identity: iam.IGrantable, objects_key_pattern: Any = "*") -> iam.Grant:
        """Let it write, but neither read nor delete, the objects of this pattern."""
        return self._grant(identity, objects_key_pattern, [*_PUT])

    def grant_delete(self, identity: iam.IGrantable, objects_key_pattern: Any = "*") -> iam.Grant:
        """Let it delete the objects of this pattern; their versions stay for 30 days."""
        return self._grant(identity, objects_key_pattern, [*_DELETE], decrypt_only=True)

    def grant_read_write(
        self, identity: iam.IGrantable, objects_key_pattern: Any = "*"
    ) -> iam.Grant:
        """Let it list the bucket and read, write and delete the objects of this pattern."""
        return self._grant(identity, objects_key_pattern, [*_READ, *_PUT, *_DELETE])

    def _grant(
        self,
        grantee: iam.IGrantable,
        pattern: str,
        actions: list[str],
        *,
        decrypt_only: bool = False,
    ) -> iam.Grant:
        principal = grantee.grant_principal
        if self.encryption_key:
            key_actions = (
                ["kms:Decrypt"] if decrypt_only else ["kms:Decrypt", "kms:GenerateDataKey"]
            )
            self.encryption_key.grant(grantee, *key_actions)
        iam.Grant.add_to_principal(grantee=grantee, actions=_LIST, resource_arns=[self.bucket_arn])
        if isinstance(principal, Construct):
            acknowledge(
                principal,
                "The role reaches the objects below this prefix; their keys are born at run time.",
                f"{WILDCARD}[Resource::…/{pattern}]",
            )
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=actions, resource_arns=[self.arn_for_objects(pattern)]
        )


class AccessLogBucket(s3.Bucket):
    """Where S3 writes who touched what in the other buckets."""

    def __init__(self, scope: Construct, construct_id: str, *, retain: bool) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            removal_policy=removal_policy(retain),
            lifecycle_rules=[_housekeeping(_ACCESS_LOG_DAYS)],
        )
        acknowledge(
            self,
            "S3 writes access logs only into a bucket with SSE-S3. "
            "Source: Amazon S3 User Guide, 'Enabling Amazon S3 server access logging'.",
            "NIST.800.53.R5-S3DefaultEncryptionKMS",
        )
        _acknowledge_single_region(self)


def _housekeeping(expire_days: int | None) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        abort_incomplete_multipart_upload_after=Duration.days(7),
        noncurrent_version_expiration=Duration.days(_SUPERSEDED_DAYS),
        expiration=Duration.days(expire_days) if expire_days else None,
    )


def _acknowledge_single_region(bucket: s3.Bucket) -> None:
    acknowledge(
        bucket,
        "Versioned within one region: data may have to stay in it, and a copy elsewhere doubles "
        "the cost. Whoever needs it adds a replication rule here.",
        "NIST.800.53.R5-S3BucketReplicationEnabled",
    )
