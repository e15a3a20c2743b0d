"""Step 1 of the workflow: where data lives and how it is prepared."""

from collections.abc import Mapping

from aws_cdk import CfnOutput
from constructs import Construct

from components.data_lake import DataLake
from components.network import Network
from flywheel.settings import EnvironmentSettings, WorkloadSettings
from stacks.base import FlywheelStack


class DataLakeStack(FlywheelStack):
    """Key, zones, catalogue, workgroup, Spark application, and each workload's tables.

    Attributes:
        lake: For everything that reads or writes data.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        workloads: Mapping[str, WorkloadSettings],
        network: Network,
    ) -> None:
        super().__init__(
            scope, construct_id, environment=environment, description="Flywheel: data lake"
        )
        self.lake = DataLake(
            self, "Lake", environment=environment, workloads=workloads, network=network
        )
        for workload in workloads.values():
            self.lake.add_workload(workload)

        CfnOutput(self, "RawBucket", value=self.lake.raw.bucket_name)
        CfnOutput(self, "CuratedBucket", value=self.lake.curated.bucket_name)
        CfnOutput(self, "FeaturesBucket", value=self.lake.features.bucket_name)
        CfnOutput(self, "ArtifactsBucket", value=self.lake.artifacts.bucket_name)
