"""The endpoint that serves the champion."""

from aws_cdk import ArnFormat, CfnCondition, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from components.acknowledge import WILDCARD, acknowledge
from components.blue_green_update import deployment_config, retained_properties
from components.champion_config import ChampionConfig
from components.data_lake import DataLake
from components.endpoint_autoscaling import EndpointAutoscaling
from components.endpoint_metrics import EndpointMetrics
from components.instance_storage import has_local_storage
from components.log_group import EncryptedLogGroup
from components.network import Network
from components.rollback_alarms import RollbackAlarms
from components.sagemaker_role import SageMakerRole
from components.serving_image import serving_image_uri
from components.training_job import grant_volume_key
from flywheel.settings import EnvironmentSettings, WorkloadSettings


class ModelEndpoint(Construct):
    """Model, endpoint config and endpoint, all of them only while there is a champion.

    The model package is the immutable unit: image, data and environment are in it. A new champion
    means a new model and a new endpoint config (neither has a name of ours, for they cannot be
    changed in place); the endpoint keeps its name and moves over by blue/green update.

    Attributes:
        endpoint_name: Fixed, so that clients and permissions can name it before it exists.
        endpoint_arn: For `sagemaker:InvokeEndpoint`.
        execution_role: What the container and the update may do.
        variant_names: For metrics.
        metrics: Of whichever model is served.
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
        champion: str,
        has_champion: CfnCondition,
    ) -> None:
        """Args:
        champion: ARN of the champion's model package, known when CloudFormation runs.
        has_champion: False while there is no champion; then nothing of this exists.
        """
        super().__init__(scope, construct_id)
        serving = workload.serving
        self.endpoint_name = f"{environment.name}-{workload.dashed_name}"
        self.endpoint_arn = Stack.of(self).format_arn(
            service="sagemaker", resource="endpoint", resource_name=self.endpoint_name
        )
        self.variant_names = [variant.name for variant in serving.variants]
        self.metrics = EndpointMetrics(self.endpoint_name)
        log_group = EncryptedLogGroup(
            self,
            "LogGroup",
            log_group_name=f"/aws/sagemaker/Endpoints/{self.endpoint_name}",
            key=lake.key,
            retention_days=environment.log_retention_days,
            retain=environment.retain_data,
        )
        self.execution_role = self._execution_role(environment, workload, network, lake)
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=self.execution_role.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                model_package_name=champion
            ),
            enable_network_isolation=True,
            vpc_config=sagemaker.CfnModel.VpcConfigProperty(
                subnets=network.private_subnet_ids,
                security_group_ids=[network.job_security_group.security_group_id],
            ),
        )
        # SageMaker reads the model with the role's policy, so the policy must be there first.
        model.node.add_dependency(self.execution_role.node.find_child("DefaultPolicy"))
        config = ChampionConfig(
            self,
            "EndpointConfig",
            serving=serving,
            model_name=model.attr_model_name,
            lake=lake,
            prefix=workload.name,
        )
        alarms = RollbackAlarms(
            self,
            "RollbackAlarms",
            serving=serving,
            endpoint_name=self.endpoint_name,
            endpoint_config_name=config.attr_endpoint_config_name,
            condition=has_champion,
        )
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=self.endpoint_name,
            endpoint_config_name=config.attr_endpoint_config_name,
            deployment_config=deployment_config(serving, alarms.alarm_names),
            **retained_properties(serving),
        )
        endpoint.node.add_dependency(log_group)
        for resource in (model, config, endpoint):
            resource.cfn_options.condition = has_champion
        EndpointAutoscaling(
            self,
            "Autoscaling",
            serving=serving,
            endpoint_name=self.endpoint_name,
            endpoint=endpoint,
            condition=has_champion,
        )

    def _execution_role(
        self,
        environment: EnvironmentSettings,
        workload: WorkloadSettings,
        network: Network,
        lake: DataLake,
    ) -> SageMakerRole:
        role = SageMakerRole(
            self,
            "ExecutionRole",
            description=f"Serving of {workload.name}",
            network=network,
            image_uri=serving_image_uri(environment, workload),
            log_group=f"/aws/sagemaker/Endpoints/{self.endpoint_name}",
            log_group_exists=True,
        )
        lake.artifacts.grant_read(role, f"{workload.name}/models/*")
        if workload.serving.data_capture_percent:
            lake.captured.grant_put(role, f"{workload.name}/*")
        if not any(has_local_storage(v.instance_type) for v in workload.serving.variants):
            grant_volume_key(role, lake)
        alarms = Stack.of(self).format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name=f"{Stack.of(self).stack_name}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        role.add_to_policy(
            iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=[alarms])
        )
        acknowledge(
            role,
            "The rollback alarms exist only while there is a champion, so the policy cannot name "
            "them; their names begin with the name of this stack.",
            f"{WILDCARD}[Resource::…:alarm:…-*]",
        )
        return role
