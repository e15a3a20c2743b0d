"""The batch transform that asks a model about the hold-out: its role and its requests."""

from typing import Any

from constructs import Construct

from components.algorithm_data import REQUESTS
from components.data_lake import DataLake
from components.loop.asl import expression
from components.network import Network
from components.sagemaker_role import SageMakerRole
from components.serving_image import serving_image_uri
from components.training_job import grant_volume_key, run_tag, volume_key, vpc_config
from flywheel.algorithms.catalogue import Algorithm
from flywheel.settings import EnvironmentSettings, WorkloadSettings

_LOG_GROUP = "/aws/sagemaker/TransformJobs"


class TransformJob(Construct):
    """A model of a built-in algorithm, and a batch transform with it, without network.

    The model runs in the container and on the instance type that serve it, so what is judged is
    what users would get.

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
        algorithm: Algorithm,
        network: Network,
        lake: DataLake,
    ) -> None:
        super().__init__(scope, construct_id)
        self._network, self._lake = network, lake
        self._transform = algorithm.inference.transform
        self._instance_type = workload.serving.variants[0].instance_type
        self._image_uri = serving_image_uri(environment, workload)
        self.timeout_seconds = (workload.evaluation.max_runtime_minutes + 30) * 60
        self.role = SageMakerRole(
            self,
            "Role",
            description=f"Predictions of {workload.name} for its evaluation",
            network=network,
            image_uri=self._image_uri,
            log_group=_LOG_GROUP,
        )
        lake.features.grant_read(self.role, f"{workload.name}/{REQUESTS}/*")
        lake.artifacts.grant_read(self.role, f"{workload.name}/models/*")
        lake.artifacts.grant_put(self.role, f"{workload.name}/runs/*")
        grant_volume_key(self.role, lake)

    def model_of_artifact(self, *, name: str, artifact: str, run: str) -> dict[str, Any]:
        """CreateModel's request for a model that is not registered yet; arguments are JSONata."""
        container = {"Image": self._image_uri, "ModelDataUrl": expression(artifact)}
        return self._model(name, container, run)

    def model_of_package(self, *, name: str, package: str, run: str) -> dict[str, Any]:
        """CreateModel's request for a registered model; arguments are JSONata."""
        return self._model(name, {"ModelPackageName": expression(package)}, run)

    def _model(self, name: str, container: dict[str, Any], run: str) -> dict[str, Any]:
        return {
            "ModelName": expression(name),
            "ExecutionRoleArn": self.role.role_arn,
            "PrimaryContainer": container,
            "EnableNetworkIsolation": True,
            "VpcConfig": vpc_config(self._network),
            "Tags": run_tag(run),
        }

    def arguments(
        self, *, name: str, model: str, requests: str, output: str, run: str
    ) -> dict[str, Any]:
        """CreateTransformJob's request; every argument is JSONata.

        Args:
            name: The job's name, unique and at most 63 characters.
            model: The model's name.
            requests: S3 URI of the folder with the requests.
            output: S3 URI of the folder that gets a file of answers for each file of requests.
            run: The run's id.
        """
        transform = self._transform
        strategy = {"BatchStrategy": transform.batch_strategy} if transform.batch_strategy else {}
        return {
            "TransformJobName": expression(name),
            "ModelName": expression(model),
            **strategy,
            "TransformInput": {
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": expression(requests)}
                },
                "ContentType": transform.content_type,
                "CompressionType": "None",
                "SplitType": transform.split_type,
            },
            "TransformOutput": {
                "S3OutputPath": expression(output),
                "Accept": transform.accept,
                "AssembleWith": transform.assemble_with,
                "KmsKeyId": self._lake.key.key_arn,
            },
            "TransformResources": {
                "InstanceType": self._instance_type,
                "InstanceCount": 1,
                **volume_key(self._instance_type, self._lake),
            },
            "Tags": run_tag(run),
        }
