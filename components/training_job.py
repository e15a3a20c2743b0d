"""The training job: its role, its code and the request that starts one."""

from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

from components.code_bundle import INSTALL_WITHOUT_NETWORK, REPOSITORY, CodeBundle
from components.data_lake import DataLake
from components.instance_storage import has_local_storage
from components.loop.asl import expression
from components.network import Network
from components.sagemaker_role import SageMakerRole
from flywheel.algorithms.images import image_uri
from flywheel.settings import EnvironmentSettings, WorkloadSettings

_CODE = "/opt/ml/input/data/code"
_CHECKPOINTS = "/opt/ml/checkpoints"
_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_RESTARTS_AFTER_FAULTS = 2


class TrainingJob(Construct):
    """A SageMaker training job in script mode, without network.

    Attributes:
        role: What the container may do.
        image_uri: The container that trains.
        timeout_seconds: When a job that still runs is given up.
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
    ) -> None:
        super().__init__(scope, construct_id)
        self._workload, self._network, self._lake = workload, network, lake
        self._region = environment.region
        settings = workload.training
        self.image_uri = image_uri(
            settings.image.framework,
            settings.image.version,
            environment.region,
            instance_type=settings.instance_type,
        )
        longest = (settings.spot and settings.max_wait_minutes) or settings.max_runtime_minutes
        self.timeout_seconds = (longest + 30) * 60  # half an hour to find instances, to upload
        self._code = CodeBundle(
            self,
            "Code",
            source=REPOSITORY / settings.source,
            inference_source=REPOSITORY / workload.serving.source,
        )
        self.role = SageMakerRole(
            self,
            "Role",
            description=f"Training of {workload.name}",
            network=network,
            image_uri=self.image_uri,
            log_group=_LOG_GROUP,
        )
        self._code.grant_get(self.role)
        lake.features.grant_read(self.role, f"{workload.name}/*")
        lake.artifacts.grant_read(self.role, f"{workload.name}/runs/*")
        lake.artifacts.grant_put(self.role, f"{workload.name}/models/*")
        if settings.checkpoints:
            lake.artifacts.grant_read_write(self.role, f"{workload.name}/checkpoints/*")
        grant_volume_key(self.role, lake)

    def arguments(self, *, name: str, manifest: str, run: str) -> dict[str, Any]:
        """CreateTrainingJob's request.

        Args:
            name: JSONata of the job's name, unique and at most 63 characters.
            manifest: JSONata of the S3 URI of the manifest of what is learnt from.
            run: JSONata of the run's id.
        """
        settings, artifacts = self._workload.training, self._lake.artifacts.bucket_name
        folder = f"s3://{artifacts}/{self._workload.name}"
        request: dict[str, Any] = {
            "TrainingJobName": expression(name),
            "RoleArn": self.role.role_arn,
            "AlgorithmSpecification": {
                "TrainingImage": self.image_uri,
                "TrainingInputMode": "File",
                "MetricDefinitions": [
                    {"Name": metric.name, "Regex": metric.regex} for metric in settings.metrics
                ],
            },
            "HyperParameters": self._hyperparameters(),
            "InputDataConfig": [
                _channel("train", "ManifestFile", expression(manifest)),
                _channel("code", "S3Prefix", self._code.uri),
            ],
            "OutputDataConfig": {
                "S3OutputPath": f"{folder}/models",
                "KmsKeyId": self._lake.key.key_arn,
            },
            "ResourceConfig": {
                "InstanceType": settings.instance_type,
                "InstanceCount": settings.instance_count,
                "VolumeSizeInGB": settings.volume_size_gb,
                **volume_key(settings.instance_type, self._lake),
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": settings.max_runtime_minutes * 60},
            "RetryStrategy": {"MaximumRetryAttempts": _RESTARTS_AFTER_FAULTS},
            "VpcConfig": vpc_config(self._network),
            "EnableNetworkIsolation": True,
            "Environment": INSTALL_WITHOUT_NETWORK,
            "EnableInterContainerTrafficEncryption": settings.instance_count > 1,
            "EnableManagedSpotTraining": settings.spot,
            "Tags": [{"Key": "flywheel:run", "Value": expression(run)}],
        }
        if not settings.metrics:
            del request["AlgorithmSpecification"]["MetricDefinitions"]
        if settings.spot:
            longest = settings.max_wait_minutes or settings.max_runtime_minutes
            request["StoppingCondition"]["MaxWaitTimeInSeconds"] = longest * 60
        if settings.checkpoints:
            checkpoints = f"'{folder}/checkpoints/' & {run} & '/'"
            request["CheckpointConfig"] = {
                "S3Uri": expression(checkpoints),
                "LocalPath": _CHECKPOINTS,
            }
        return request

    def _hyperparameters(self) -> dict[str, str]:
        settings = self._workload.training
        return {
            **{name: str(value) for name, value in settings.hyperparameters.items()},
            "sagemaker_program": settings.script,
            # A path in the container instead of an S3 URI: that is what lets it do without network.
            "sagemaker_submit_directory": f"{_CODE}/{self._code.file_name}",
            "sagemaker_region": self._region,
        }


def vpc_config(network: Network) -> dict[str, Any]:
    """Where a job's containers run."""
    return {
        "SecurityGroupIds": [network.job_security_group.security_group_id],
        "Subnets": network.private_subnet_ids,
    }


def volume_key(instance_type: str, lake: DataLake) -> dict[str, Any]:
    """The key of a job's disk, where the instance type takes one."""
    return {} if has_local_storage(instance_type) else {"VolumeKmsKeyId": lake.key.key_arn}


def grant_volume_key(role: iam.Role, lake: DataLake) -> None:
    """Let a job's role hand our key to the disks of its instances.

    Source: Amazon SageMaker Developer Guide, "CreateTrainingJob API: execution role permissions".
    """
    lake.key.grant(role, "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey")
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["kms:CreateGrant"],
            resources=[lake.key.key_arn],
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        )
    )


def _channel(name: str, kind: str, uri: str) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "InputMode": "File",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": kind,
                "S3Uri": uri,
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }
