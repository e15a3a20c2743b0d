"""A built-in algorithm of SageMaker."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_iam as iam

from components.algorithm_data import folder_of, training_of
from components.data_lake import DataLake
from components.loop.asl import expression
from components.training_program import Manifests, training_image_uri
from flywheel.algorithms import catalogue, training_requests
from flywheel.settings import EnvironmentSettings, TuningSettings, WorkloadSettings


class AlgorithmProgram:
    """A TrainingProgram that brings its own code and metrics; the catalogue says what it takes.

    Attributes:
        image_uri: The algorithm's container.
        environment: Empty.
        metric_definitions: None of ours: SageMaker knows the algorithm's.
    """

    def __init__(
        self,
        key: str,
        *,
        environment: EnvironmentSettings,
        workload: WorkloadSettings,
        lake: DataLake,
    ) -> None:
        self._algorithm = catalogue.find(key)
        self._training = training_of(workload)
        self._channels = workload.training.channels
        self._features = f"s3://{lake.features.bucket_name}/{workload.name}"
        self.image_uri = training_image_uri(environment, workload)
        self.environment: Mapping[str, str] = {}
        self.metric_definitions: list[dict[str, str]] = []

    def grant_read(self, role: iam.IRole) -> None:
        """There is no code of ours."""

    def hyperparameters(self) -> dict[str, str]:
        """As the algorithm reads them."""
        return training_requests.hyperparameters(self._algorithm, self._training.hyperparameters)

    def channels(self, manifests: Manifests) -> list[dict[str, Any]]:
        """A manifest for what changes from run to run, a folder for what does not."""
        return [self._channel(name, manifests) for name in self._channels]

    def _channel(self, name: str, manifests: Manifests) -> dict[str, Any]:
        use = self._channels[name]
        if use.data == "fixed":
            kind, uri = "S3Prefix", f"{self._features}/{folder_of(name, use)}/"
        else:
            kind, uri = "ManifestFile", expression(manifests(name))
        return training_requests.channel_input(
            self._algorithm, name, self._training.channels[name], uri, kind
        )

    def objective(self, tuning: TuningSettings) -> dict[str, str]:
        """The algorithm knows itself where its metric should go."""
        return training_requests.objective(self._algorithm, tuning.objective)

    def ranges(self, tuning: TuningSettings) -> dict[str, Any]:
        """What the settings leave out is what AWS recommends."""
        del tuning  # it is a part of the training
        return training_requests.parameter_ranges(self._algorithm, self._training)
