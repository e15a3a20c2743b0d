"""Where models are registered, and which one is the champion."""

from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from components.retention import removal_policy
from flywheel.settings import EnvironmentSettings, WorkloadSettings

NO_CHAMPION = "none"
"""What the pointer says before the first model is approved."""


class ModelRegistry(Construct):
    """The model package group of one workload and the champion pointer.

    Both are frozen. A changed group description makes CloudFormation replace the group with all its
    models. Any change of the pointer, be it a tag, makes CloudFormation write its first value
    again, which would take the endpoint down: so nothing here depends on a setting that people
    change, and the stack carries no tags.

    Attributes:
        model_package_group_name: For CreateModelPackage.
        pointer_name: SSM parameter with the ARN of the champion's model package, or `none`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        workload: WorkloadSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        self.model_package_group_name = f"{environment.name}-{workload.dashed_name}"
        self.pointer_name = f"/flywheel/{environment.name}/{workload.name}/champion"
        policy = removal_policy(environment.retain_data)
        group = sagemaker.CfnModelPackageGroup(
            self,
            "ModelPackageGroup",
            model_package_group_name=self.model_package_group_name,
            model_package_group_description=f"Models of {workload.name}, {environment.name}",
        )
        group.apply_removal_policy(policy)
        pointer = ssm.CfnParameter(
            self,
            "Champion",
            name=self.pointer_name,
            type="String",
            value=NO_CHAMPION,
            description="ARN of the model package that serves; the retraining loop writes it",
        )
        pointer.apply_removal_policy(policy)
