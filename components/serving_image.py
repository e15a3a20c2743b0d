"""The container that serves what the training container has trained."""

from flywheel.algorithms.images import image_uri
from flywheel.settings import EnvironmentSettings, WorkloadSettings


def serving_image_uri(environment: EnvironmentSettings, workload: WorkloadSettings) -> str:
    """The inference image for the endpoint's first variant, in the environment's region."""
    image = workload.training.image
    return image_uri(
        image.framework,
        image.version,
        environment.region,
        instance_type=workload.serving.variants[0].instance_type,
        scope="inference",
    )
