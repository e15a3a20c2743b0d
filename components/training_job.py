"""The training job: its role, its program and the request that starts one."""

from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

from components.algorithm_program import AlgorithmProgram
from components.data_lake import DataLake
from components.instance_storage import has_local_storage
from components.loop.asl import expression
from components.network import Network
from components.sagemaker_role import SageMakerRole
from components.script_program import ScriptProgram
from components.training_program import Manifests, TrainingProgram
from flywheel.settings import EnvironmentSettings, WorkloadSettings

_CHECKPOINTS = "/opt/ml/checkpoints"
_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_RESTARTS_AFTER_FAULTS = 2


class TrainingJob(Construct):
    """A SageMaker training job without network.

    Attributes:
        role: What the container may do.
        program: What it runs.
        timeout_seconds: When a job that still runs is given up.
    """

    program: TrainingProgram

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
        settings = workload.training
        if settings.algorithm:
            self.program = AlgorithmProgram(
                settings.algorithm, environment=environment, workload=workload, lake=lake
            )
        else:
            self.program = ScriptProgram(self, environment=environment, workload=workload)
        longest = (settings.spot and settings.max_wait_minutes) or settings.max_runtime_minutes
        self.timeout_seconds = (longest + 30) * 60  # half an hour to find instances, to upload
        self.role = SageMakerRole(
            self,
            "Role",
            description=f"Training of {workload.name}",
            network=network,
            image_uri=self.program.image_uri,
            log_group=_LOG_GROUP,
        )
        self.program.grant_read(self.role)
        lake.features.grant_read(self.role, f"{workload.name}/*")
        lake.artifacts.grant_read(self.role, f"{workload.name}/runs/*")
        lake.artifacts.grant_put(self.role, f"{workload.name}/models/*")
        if settings.checkpoints:
            lake.artifacts.grant_read_write(self.role, f"{workload.name}/checkpoints/*")
        grant_volume_key(self.role, lake)

    def arguments(self, *, name: str, manifests: Manifests, run: str) -> dict[str, Any]:
        """CreateTrainingJob's request.

        Args:
            name: JSONata of the job's name, unique and at most 63 characters.
            manifests: JSONata of the S3 URI of each channel's manifest.
            run: JSONata of the run's id.
        """
        request: dict[str, Any] = {
            "TrainingJobName": expression(name),
            "RoleArn": self.role.role_arn,
            "AlgorithmSpecification": self._specification(),
            "HyperParameters": self.program.hyperparameters(),
            "InputDataConfig": self.program.channels(manifests),
            **self._surroundings(),
            "Tags": run_tag(run),
        }
        if self._workload.training.checkpoints:
            checkpoints = f"'{self._folder}/checkpoints/' & {run} & '/'"
            request["CheckpointConfig"] = {
                "S3Uri": expression(checkpoints),
                "LocalPath": _CHECKPOINTS,
            }
        return request

    def definition(self, *, manifests: Manifests) -> dict[str, Any]:
        """TrainingJobDefinition of a tuning job: the same job, but for what tuning decides.

        Without checkpoints: all trainings of a tuning job would share the folder, and each would
        go on with what another one has learnt.
        """
        return {
            "RoleArn": self.role.role_arn,
            "AlgorithmSpecification": self._specification(),
            "StaticHyperParameters": self.program.hyperparameters(),
            "InputDataConfig": self.program.channels(manifests),
            **self._surroundings(),
        }

    @property
    def _folder(self) -> str:
        return f"s3://{self._lake.artifacts.bucket_name}/{self._workload.name}"

    def _specification(self) -> dict[str, Any]:
        specification: dict[str, Any] = {
            "TrainingImage": self.program.image_uri,
            "TrainingInputMode": "File",
        }
        if self.program.metric_definitions:
            specification["MetricDefinitions"] = self.program.metric_definitions
        return specification

    def _surroundings(self) -> dict[str, Any]:
        """Where and how long any training of this workload runs."""
        settings = self._workload.training
        surroundings: dict[str, Any] = {
            "OutputDataConfig": {
                "S3OutputPath": f"{self._folder}/models",
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
            "Environment": self.program.environment,
            "EnableInterContainerTrafficEncryption": settings.instance_count > 1,
            "EnableManagedSpotTraining": settings.spot,
        }
        if not self.program.environment:
            del surroundings["Environment"]
        if settings.spot:
            longest = settings.max_wait_minutes or settings.max_runtime_minutes
            surroundings["StoppingCondition"]["MaxWaitTimeInSeconds"] = longest * 60
        return surroundings


def run_tag(run: str) -> list[dict[str, str]]:
    """The tag that says which run a job belongs to; the run's id is JSONata."""
    return [{"Key": "flywheel:run", "Value": expression(run)}]


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
