"""The ground that everything of an environment stands on."""

from aws_cdk import Fn
from constructs import Construct

from components.api_logging import ApiLogging
from components.network import Network
from flywheel.settings import EnvironmentSettings
from stacks.base import FlywheelStack

_MOST_ZONES = 6


class NetworkStack(FlywheelStack):
    """VPC, VPC endpoints, flow log, and API Gateway's account-wide logging role.

    Attributes:
        network: For everything that runs in it.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: EnvironmentSettings
    ) -> None:
        super().__init__(
            scope, construct_id, environment=environment, description="Flywheel: private network"
        )
        self.network = Network(self, "Network", environment=environment)
        ApiLogging(self, "ApiLogging")

    @property
    def availability_zones(self) -> list[str]:
        """Zones as CloudFormation finds them: AWS CDK would ask the account while synthesising."""
        return [Fn.select(index, Fn.get_azs()) for index in range(_MOST_ZONES)]
