"""The processing job that evaluates challenger and champion: its role, its code, its request."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from constructs import Construct

from components.algorithm_data import TRUTH
from components.code_bundle import REPOSITORY, CodeAsset, ModuleArchive
from components.data_lake import DataLake
from components.loop.asl import expression
from components.network import Network
from components.sagemaker_role import SageMakerRole
from components.training_job import grant_volume_key, run_tag, volume_key, vpc_config
from flywheel.algorithms.images import image_uri
from flywheel.settings import EnvironmentSettings, WorkloadSettings

INPUT = "/opt/ml/processing/input"
"""Each input is a folder of its name below it."""
_OUTPUT = "/opt/ml/processing/output"
_LOG_GROUP = "/aws/sagemaker/ProcessingJobs"


@dataclass(frozen=True)
class Input:
    """One thing that the script reads.

    Attributes:
        uri: JSONata of an S3 URI.
        kind: S3Prefix, or ManifestFile for the files that a manifest lists.
    """

    name: str
    uri: str
    kind: str = "S3Prefix"


@dataclass(frozen=True)
class Evaluation:
    """What the script is told (each word is JSONata) and what it reads.

    What is about the champion is left out while there is none.
    """

    arguments: tuple[str, ...]
    inputs: tuple[Input, ...]
    champion_arguments: tuple[str, ...]
    champion_inputs: tuple[Input, ...]


class ProcessingJob(Construct):
    """A SageMaker processing job without network, in an image that runs scripts.

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
        settings = workload.evaluation
        image = settings.image or workload.training.image
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
        self._modules = None
        if settings.modules:
            self._modules = ModuleArchive(self, "Modules", modules=settings.modules)
            self._modules.grant_get(self.role)
        if workload.training.algorithm:
            # The answers to judge are in the run's folder, and the features are not needed.
            lake.features.grant_read(self.role, f"{workload.name}/{TRUTH}/*")
            lake.artifacts.grant_read(self.role, f"{workload.name}/runs/*")
        else:
            lake.features.grant_read(self.role, f"{workload.name}/*")
        lake.artifacts.grant_read(self.role, f"{workload.name}/models/*")
        lake.artifacts.grant_put(self.role, f"{workload.name}/runs/*")
        grant_volume_key(self.role, lake)

    def arguments(
        self, *, name: str, evaluation: Evaluation, champion: str, output: str, run: str
    ) -> dict[str, Any]:
        """CreateProcessingJob's request; every argument is JSONata.

        Args:
            name: The job's name, unique and at most 63 characters.
            evaluation: What the script is told and reads.
            champion: Exists while there is a champion.
            output: S3 URI of the folder that gets evaluation.json.
            run: The run's id.
        """
        settings = self._workload.evaluation
        script = f"{INPUT}/code/{self._script.file_name}"
        code = [Input("code", f"'{self._script.uri}'")]
        imports = {}
        if self._modules:
            code.append(Input("modules", f"'{self._modules.uri}'"))
            imports = {"PYTHONPATH": f"{INPUT}/modules/{self._modules.file_name}"}
        told = [*evaluation.arguments, "'--output'", f"'{_OUTPUT}'"]
        return {
            "ProcessingJobName": expression(name),
            "RoleArn": self.role.role_arn,
            "AppSpecification": {
                "ImageUri": self._image_uri,
                "ContainerEntrypoint": ["python3", script],
                "ContainerArguments": expression(
                    f"""$append([ {", ".join(told)} ], $exists({champion})
                    ? [{", ".join(evaluation.champion_arguments)}] : [])"""
                ),
            },
            **({"Environment": imports} if imports else {}),
            "ProcessingInputs": expression(
                f"""$append([ {_inputs([*code, *evaluation.inputs])} ], $exists({champion})
                ? [{_inputs(evaluation.champion_inputs)}] : [])"""
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
            "Tags": run_tag(run),
        }


def _inputs(inputs: Iterable[Input]) -> str:
    return ", ".join(_input(one) for one in inputs)


def _input(one: Input) -> str:
    """One processing input as JSONata."""
    return f"""{{"InputName": '{one.name}', "S3Input": {{"S3Uri": {one.uri},
        "LocalPath": '{INPUT}/{one.name}', "S3DataType": '{one.kind}', "S3InputMode": 'File',
        "S3DataDistributionType": 'FullyReplicated'}}}}"""
