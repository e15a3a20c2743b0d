"""The role of one AWS service on behalf of this account."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from constructs import Construct

from components.acknowledge import acknowledge


class ServiceRole(iam.Role):
    """A role that one AWS service may assume, and only for resources of this account.

    Source: AWS IAM User Guide, "The confused deputy problem".
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: str,
        description: str,
        source_arn: str | None = None,
        names_account: bool = True,
    ) -> None:
        """Args:
        service: For example `sagemaker`, without `.amazonaws.com`.
        description: What the role is for.
        source_arn: Only on behalf of resources whose ARN is like this.
        names_account: False for a service that does not say on whose behalf it comes. IAM lets
            nobody pass a role to a resource of another account, which protects it all the same.
        """
        conditions: dict[str, dict[str, str]] = {}
        if names_account:
            conditions["StringEquals"] = {"aws:SourceAccount": Aws.ACCOUNT_ID}
        if source_arn:
            conditions["ArnLike"] = {"aws:SourceArn": source_arn}
        super().__init__(
            scope,
            construct_id,
            assumed_by=iam.ServicePrincipal(
                f"{service}.amazonaws.com", conditions=conditions or None
            ),
            description=description,
        )
        acknowledge(
            self,
            "The policy belongs to this role alone, stands beside its use and is deleted with it.",
            "NIST.800.53.R5-IAMNoInlinePolicy",
        )
