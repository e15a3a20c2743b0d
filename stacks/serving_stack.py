"""Step 4 of the workflow: the endpoint."""

from aws_cdk import CfnCondition, CfnOutput, CfnParameter, Fn
from constructs import Construct

from components.data_lake import DataLake
from components.model_endpoint import ModelEndpoint
from components.model_registry import NO_CHAMPION
from components.network import Network
from flywheel.settings import EnvironmentSettings, WorkloadSettings
from stacks.base import FlywheelStack
from stacks.registry_stack import RegistryStack


class ServingStack(FlywheelStack):
    """Serves the champion: CloudFormation reads the pointer at each update of the stack.

    While the pointer says `none` there is no model, no endpoint and no cost.

    Attributes:
        endpoint: The endpoint's construct.
        endpoint_name: Fixed.
        execution_role: The role of the container.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        workload: WorkloadSettings,
        network: Network,
        lake: DataLake,
        registry: RegistryStack,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            workload=workload,
            description=f"Flywheel: endpoint of {workload.name}",
        )
        self.add_stack_dependency(registry, "The pointer must exist")
        champion = CfnParameter(
            self,
            "Champion",
            type="AWS::SSM::Parameter::Value<String>",
            default=registry.pointer_name,
            description="SSM parameter that holds the ARN of the model package to serve",
        )
        has_champion = CfnCondition(
            self,
            "HasChampion",
            expression=Fn.condition_not(Fn.condition_equals(champion.value_as_string, NO_CHAMPION)),
        )
        self.endpoint = ModelEndpoint(
            self,
            "Serving",
            environment=environment,
            workload=workload,
            network=network,
            lake=lake,
            champion=champion.value_as_string,
            has_champion=has_champion,
        )
        self.endpoint_name = self.endpoint.endpoint_name
        self.execution_role = self.endpoint.execution_role

        CfnOutput(self, "EndpointName", value=self.endpoint_name)
