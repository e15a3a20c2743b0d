"""The loop's memory: one item, its updates and who may make them."""

from typing import Any

from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from components.acknowledge import acknowledge
from components.data_lake import DataLake
from components.loop.asl import Json, Permission, allow
from components.loop.context import LoopContext
from components.retention import removal_policy
from flywheel.settings import EnvironmentSettings

ITEM_KEY = {"id": {"S": "loop"}}
"""The one item: every step of the loop is one atomic change of it. `intake` says what it holds."""

EXECUTION = "$states.context.Execution.Name"
"""JSONata of who owns the lock."""


class StateTable(dynamodb.Table):
    """A table with one item: lock, arrivals, approvals, clean and quarantined partitions."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        lake: DataLake,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=lake.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=environment.retain_data,
            removal_policy=removal_policy(environment.retain_data),
        )
        acknowledge(
            self,
            "Point-in-time recovery keeps 35 days of this item; a backup plan would add nothing.",
            "NIST.800.53.R5-DynamoDBInBackupPlan",
        )


def update_item(loop: LoopContext, expression: str, values: Any, **more: Any) -> Json:
    """UpdateItem's request for the loop's item; `#owner` is a reserved word of DynamoDB."""
    return {
        "TableName": loop.table.table_name,
        "Key": ITEM_KEY,
        "UpdateExpression": expression,
        "ExpressionAttributeValues": values,
        **more,
    }


def if_owner(loop: LoopContext, expression: str, values: Any, **more: Any) -> Json:
    """UpdateItem's request that is refused unless this execution holds the lock."""
    return update_item(
        loop,
        expression,
        values,
        ConditionExpression="#owner = :run",
        ExpressionAttributeNames={"#owner": "owner"},
        **more,
    )


def allow_update(loop: LoopContext) -> tuple[Permission, ...]:
    """Change the loop's item."""
    return allow("dynamodb:UpdateItem", on=[loop.table.table_arn]), allow_key(loop)


def allow_key(loop: LoopContext) -> Permission:
    """Read and write what is encrypted with the environment's key."""
    return lambda role: loop.lake.key.grant(role, "kms:Decrypt", "kms:GenerateDataKey")
