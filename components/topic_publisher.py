"""Who may publish to a topic."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns


def let_publish(topic: sns.ITopic, service: str) -> None:
    """Let an AWS service publish on behalf of this account.

    A topic with a policy of its own, be it only to insist on TLS, lets nobody in by default.
    """
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        )
    )
