"""The role that API Gateway logs with: one for each account and region, not for each API."""

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from constructs import Construct

from components.acknowledge import acknowledge
from components.retention import removal_policy


class ApiLogging(Construct):
    """Without this account-wide setting AWS refuses every stage that has a log.

    The role stays when the stack goes: the setting may be in use by APIs that are not ours.
    Source: Amazon API Gateway Developer Guide, "Set up CloudWatch logging for REST APIs".
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            description="API Gateway's logs, for all APIs of this account and region",
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name(
                    "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
                )
            ],
        )
        role.apply_removal_policy(removal_policy(retain=True))
        acknowledge(
            role,
            "API Gateway checks for this very policy when the account setting is made.",
            "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
            "AmazonAPIGatewayPushToCloudWatchLogs]",
        )
        apigateway.CfnAccount(self, "Account", cloud_watch_role_arn=role.role_arn)
