"""The processing job that evaluates challenger and champion: its role, its code, its request."""

from typing import Any

from constructs import Construct

from components.code_bundle import REPOSITORY, CodeAsset
from components.data_lake import DataLake
from components.loop.asl import expression
from components.network import Network
from components.sagemaker_role import SageMakerRole
from components.training_job import grant_volume_key, volume_key, vpc_config
from flywheel.algorithms.images import image_uri
from flywheel.settings import EnvironmentSettings, WorkloadSettings

_INPUT = "/opt/ml/processing/input"
_OUTPUT = "/opt/ml/processing/output"
_LOG_GROUP = "/aws/sagemaker/ProcessingJobs"


class ProcessingJob(Construct):
    """A SageMaker processing job in the training image, without network.

    Attributes:
        role: What the container may do.
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
        settings, image = workload.evaluation, workload.training.image
        self._image_uri = image_uri(
            image.framework,
            image.version,
            environment.region,
            instance_type=settings.instance_type,
        )
        self.timeout_seconds = (settings.max_runtime_minutes + 30) * 60
        self._script = CodeAsset(self, "Script", path=REPOSITORY / settings.script)
        self.role = SageMakerRole(
            self,
            "Role",
            description=f"Evaluation of {workload.name}",
            network=network,
            image_uri=self._image_uri,
            log_group=_LOG_GROUP,
        )
        self._script.grant_get(self.role)
        lake.features.grant_read(self.role, f"{workload.name}/*")
        lake.artifacts.grant_read(self.role, f"{workload.name}/models/*")
        lake.artifacts.grant_put(self.role, f"{workload.name}/runs/*")
        grant_volume_key(self.role, lake)

    def arguments(
        self,
        *,
        name: str,
        challenger: str,
        champion: str,
        holdout: str,
        month: str,
        output: str,
        run: str,
    ) -> dict[str, Any]:
        """CreateProcessingJob's request; every argument is JSONata.

        Args:
            name: The job's name, unique and at most 63 characters.
            challenger: S3 URI of the challenger's model.tar.gz.
            champion: S3 URI of the champion's, or nothing when there is none.
            holdout: S3 URI of the folder with the hold-out's features.
            month: The hold-out's partition.
            output: S3 URI of the folder that gets evaluation.json.
            run: The run's id.
        """
        settings = self._workload.evaluation
        script = f"{_INPUT}/code/{self._script.file_name}"
        return {
            "ProcessingJobName": expression(name),
            "RoleArn": self.role.role_arn,
            "AppSpecification": {
                "ImageUri": self._image_uri,
                "ContainerEntrypoint": ["python3", script],
                "ContainerArguments": expression(
                    f"""$append([
                    '--challenger', '{_INPUT}/challenger/model.tar.gz',
                    '--holdout', '{_INPUT}/holdout', '--holdout-month', {month},
                    '--output', '{_OUTPUT}'
                    ], $exists({champion})
                    ? ['--champion', '{_INPUT}/champion/model.tar.gz'] : [])"""
                ),
            },
            "ProcessingInputs": expression(
                f"""$append([
                {_input("code", f"'{self._script.uri}'")},
                {_input("challenger", challenger)},
                {_input("holdout", holdout)}
                ], $exists({champion}) ? [{_input("champion", champion)}] : [])"""
            ),
            "ProcessingOutputConfig": {
                "KmsKeyId": self._lake.key.key_arn,
                "Outputs": [
                    {
                        "OutputName": "evaluation",
                        "S3Output": {
                            "S3Uri": expression(output),
                            "LocalPath": _OUTPUT,
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ],
            },
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": settings.instance_type,
                    "InstanceCount": 1,
                    "VolumeSizeInGB": settings.volume_size_gb,
                    **volume_key(settings.instance_type, self._lake),
                }
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": settings.max_runtime_minutes * 60},
            "NetworkConfig": {
                "EnableNetworkIsolation": True,
                "EnableInterContainerTrafficEncryption": False,
                "VpcConfig": vpc_config(self._network),
            },
            "Tags": [{"Key": "flywheel:run", "Value": expression(run)}],
        }


def _input(name: str, uri: str) -> str:
    """One processing input as JSONata."""
    return f"""{{"InputName": '{name}', "S3Input": {{"S3Uri": {uri},
        "LocalPath": '{_INPUT}/{name}', "S3DataType": 'S3Prefix', "S3InputMode": 'File',
        "S3DataDistributionType": 'FullyReplicated'}}}}"""
