"""Who may deploy the environment from GitHub; a person deploys this stack, once."""

from aws_cdk import CfnOutput
from constructs import Construct

from components.github_deployer import GitHubDeployer
from flywheel.settings import EnvironmentSettings, GitHubSettings
from stacks.base import FlywheelStack


class DeployAccessStack(FlywheelStack):
    """GitHub's identity provider and the role of the workflow `deploy`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        github: GitHubSettings,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            description="Flywheel: who may deploy from GitHub",
        )
        deployer = GitHubDeployer(self, "GitHub", environment=environment, github=github)

        CfnOutput(
            self,
            "RoleArn",
            value=deployer.role.role_arn,
            description="AWS_ROLE_ARN of the GitHub environment",
        )
