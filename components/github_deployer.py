"""Who may deploy from GitHub: workflows of one repository, for one environment, without secrets."""

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from components.acknowledge import acknowledge
from flywheel.settings import EnvironmentSettings, GitHubSettings

_HOST = "token.actions.githubusercontent.com"
_AUDIENCE = "sts.amazonaws.com"
_BOOTSTRAP_ROLES = ("deploy", "file-publishing", "lookup")
"""Roles of `cdk bootstrap` that a deployment takes on; images are not published.
Source: AWS CDK Developer Guide, "AWS CDK bootstrapping"."""


class GitHubDeployer(Construct):
    """A role for jobs of the GitHub environment that is called like ours.

    All that it may do is to take on the roles of `cdk bootstrap`: what a deployment may do is
    decided there. GitHub's environment decides who has to agree first.

    Attributes:
        role: What a workflow takes on with its identity token.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        github: GitHubSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        provider_arn = stack.format_arn(
            service="iam", region="", resource="oidc-provider", resource_name=_HOST
        )
        if github.create_provider:
            provider = iam.CfnOIDCProvider(
                self, "Provider", url=f"https://{_HOST}", client_id_list=[_AUDIENCE]
            )
            provider_arn = provider.attr_arn
        self.role = iam.Role(
            self,
            "Role",
            description=f"Deploys {environment.name} from {github.repository}",
            assumed_by=iam.WebIdentityPrincipal(
                provider_arn,
                {
                    "StringEquals": {
                        f"{_HOST}:aud": _AUDIENCE,
                        f"{_HOST}:sub": f"repo:{github.repository}:environment:{environment.name}",
                    }
                },
            ),
            max_session_duration=Duration.hours(1),
        )
        qualifier = stack.synthesizer.bootstrap_qualifier or "hnb659fds"
        names = [
            f"cdk-{qualifier}-{name}-role-{Aws.ACCOUNT_ID}-{Aws.REGION}"
            for name in _BOOTSTRAP_ROLES
        ]
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["sts:AssumeRole"],
                resources=[
                    stack.format_arn(service="iam", region="", resource="role", resource_name=name)
                    for name in names
                ],
            )
        )
        acknowledge(
            self.role,
            "The policy belongs to this role alone, stands beside its use and is deleted with it.",
            "NIST.800.53.R5-IAMNoInlinePolicy",
        )
