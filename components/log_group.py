"""A log group that is encrypted with our key and does not keep logs for ever."""

from typing import cast

from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from components.retention import removal_policy


class EncryptedLogGroup(logs.LogGroup):
    """A CloudWatch log group with our key and a retention.

    Name it only where an AWS service insists on a name, which it would otherwise create itself,
    unencrypted and kept for ever.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey,
        retention_days: int,
        retain: bool,
        log_group_name: str | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            log_group_name=log_group_name,
            encryption_key=key,
            removal_policy=removal_policy(retain),
        )
        resource = cast(logs.CfnLogGroup, self.node.default_child)
        resource.retention_in_days = retention_days
