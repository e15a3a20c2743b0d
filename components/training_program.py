"""What a training job runs: a script of ours in a framework's container, or a built-in algorithm.

The job around it (instances, network, keys, limits) is the same for both: see `training_job`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from aws_cdk import aws_iam as iam

from flywheel.algorithms.images import image_uri
from flywheel.settings import EnvironmentSettings, TuningSettings, WorkloadSettings

Manifests = Callable[[str], str]
"""A channel's name → JSONata of the S3 URI of its manifest."""


class TrainingProgram(Protocol):
    """The parts of a training or tuning request that depend on what is trained.

    Attributes:
        image_uri: The container.
        environment: Its environment variables.
        metric_definitions: How metrics are read from its log; none where AWS knows.
    """

    image_uri: str
    environment: Mapping[str, str]
    metric_definitions: list[dict[str, str]]

    def grant_read(self, role: iam.IRole) -> None:
        """Let the job's role read what the program consists of."""
        ...

    def hyperparameters(self) -> dict[str, str]:
        """HyperParameters, or the static ones of a tuning job."""
        ...

    def channels(self, manifests: Manifests) -> list[dict[str, Any]]:
        """InputDataConfig."""
        ...

    def objective(self, tuning: TuningSettings) -> dict[str, str]:
        """HyperParameterTuningJobObjective."""
        ...

    def ranges(self, tuning: TuningSettings) -> dict[str, Any]:
        """ParameterRanges."""
        ...


def training_image_uri(environment: EnvironmentSettings, workload: WorkloadSettings) -> str:
    """The image that trains, in the environment's region."""
    image = workload.training.image
    return image_uri(
        image.framework,
        image.version,
        environment.region,
        instance_type=workload.training.instance_type,
    )
