"""Step 5 of the workflow: prediction as an API."""

from aws_cdk import CfnOutput
from constructs import Construct

from components.data_lake import DataLake
from components.prediction_api import PredictionApi
from flywheel.settings import EnvironmentSettings, WorkloadSettings
from stacks.base import FlywheelStack
from stacks.network_stack import NetworkStack
from stacks.serving_stack import ServingStack


class ApiStack(FlywheelStack):
    """POST /predictions in front of the endpoint.

    Attributes:
        api: The API's construct.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        workload: WorkloadSettings,
        ground: NetworkStack,
        lake: DataLake,
        serving: ServingStack,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            workload=workload,
            description=f"Flywheel: API of {workload.name}",
        )
        self.add_stack_dependency(ground, "API Gateway must be allowed to log")
        self.api = PredictionApi(
            self,
            "Predictions",
            environment=environment,
            workload=workload,
            endpoint=serving.endpoint,
            key=lake.key,
        )

        CfnOutput(self, "ApiUrl", value=self.api.url)
