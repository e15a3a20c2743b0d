"""The customer-managed key of one environment's data or network."""

from aws_cdk import ArnFormat, Aws, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from components.retention import removal_policy

_WRITE = ["kms:Decrypt", "kms:GenerateDataKey"]


class EncryptionKey(kms.Key):
    """A KMS key that rotates yearly.

    Roles of this account get access by their own policies. AWS services that write by themselves
    (logs, events, alarms, budgets) are let in here, on behalf of this account: so no other stack
    has to change this policy, and none depends on it in a circle.
    """

    def __init__(self, scope: Construct, construct_id: str, *, alias: str, retain: bool) -> None:
        super().__init__(
            scope,
            construct_id,
            alias=f"alias/{alias}",
            enable_key_rotation=True,
            removal_policy=removal_policy(retain),
            pending_window=None if retain else Duration.days(7),
        )
        stack = Stack.of(self)
        self.let_in(
            f"logs.{stack.region}.amazonaws.com",
            actions=[*_WRITE, "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
            conditions={
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": _any(self, "logs", "log-group", ":")
                }
            },
        )
        ours = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        for service in ("cloudwatch", "budgets"):
            self.let_in(f"{service}.amazonaws.com", actions=_WRITE, conditions=ours)
        # EventBridge does not say on whose behalf it comes; queue and topic policies check that.
        # Source: Amazon SNS Developer Guide, "Enable compatibility between event sources from AWS
        # services and encrypted topics".
        self.let_in("events.amazonaws.com", actions=_WRITE, conditions=None)
        self.let_in(
            "emr-serverless.amazonaws.com",
            actions=_WRITE,
            conditions={
                "ArnLike": {"aws:SourceArn": _any(self, "emr-serverless", "/applications", "/")}
            },
        )

    def let_in(
        self, service: str, *, actions: list[str], conditions: dict[str, dict[str, str]] | None
    ) -> None:
        """Allow an AWS service to use the key under these conditions."""
        self.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(service)],
                actions=actions,
                resources=["*"],
                conditions=conditions,
            )
        )


def _any(scope: Construct, service: str, resource: str, separator: str) -> str:
    """ARN pattern of all resources of one kind in this account and region."""
    return Stack.of(scope).format_arn(
        service=service,
        resource=resource,
        resource_name="*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME
        if separator == ":"
        else ArnFormat.SLASH_RESOURCE_NAME,
    )
