"""Step 3 of the workflow: where models are registered."""

from aws_cdk import CfnOutput
from constructs import Construct

from components.model_registry import ModelRegistry
from flywheel.settings import EnvironmentSettings, WorkloadSettings
from stacks.base import FlywheelStack


class RegistryStack(FlywheelStack):
    """Model package group and champion pointer; the one stack that is never meant to change.

    Attributes:
        registry: The registry's construct.
        model_package_group_name: For CreateModelPackage.
        pointer_name: SSM parameter that names the champion.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        workload: WorkloadSettings,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            workload=workload,
            description="Flywheel: model registry",
            tagged=False,
        )
        self.registry = ModelRegistry(self, "Registry", environment=environment, workload=workload)
        self.model_package_group_name = self.registry.model_package_group_name
        self.pointer_name = self.registry.pointer_name

        CfnOutput(self, "ModelPackageGroup", value=self.model_package_group_name)
        CfnOutput(self, "ChampionPointer", value=self.pointer_name)
