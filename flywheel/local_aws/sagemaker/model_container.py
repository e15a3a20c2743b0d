"""What a model server finds in its container: the model's files and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from flywheel.local_aws.sagemaker import stand_ins
from flywheel.local_aws.sagemaker.files import unpack
from flywheel.local_aws.sagemaker.jobs import Services
from flywheel.local_aws.sagemaker.models import Container
from flywheel.local_aws.sagemaker.sandbox import Sandbox

PROGRAM = Path(__file__).parent / "container" / "model_server.py"


def prepare(services: Services, container: Container, sandbox: Sandbox) -> None:
    """Put the model's files where the container would find them.

    Raises:
        JobError: S3 does not have them, or they are no archive.
    """
    sandbox.create("model")
    model = sandbox.opt_ml / "model"
    if container.model_data is not None and container.compressed:
        archive = sandbox.root / "model.tar.gz"
        services.storage.fetch(container.model_data, archive)
        unpack(archive, model, container.model_data)
        archive.unlink()
    elif container.model_data is not None:
        services.storage.download_prefix(container.model_data, model)


def check_health(services: Services, container: Container, sandbox: Sandbox) -> None:
    """Refuse a model that the container would not load, before it is started.

    Raises:
        JobError: With what is wrong with the model.
    """
    image = services.config.images.find(container.image)
    stand_ins.check_artifact(image, container.environment, sandbox)


def environment(
    services: Services, container: Container, sandbox: Sandbox, python: Path
) -> dict[str, str]:
    """The whole environment of the model server's process."""
    ours: Mapping[str, str] = {}
    image = services.config.images.find(container.image)
    if stand_ins.serving(image, container.environment) is not None:
        ours = stand_ins.serving_environment(sandbox, services.config.stand_ins)
    return sandbox.environment(
        services.config,
        python,
        {
            "SM_MODEL_DIR": "/opt/ml/model",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            "SAGEMAKER_PROGRAM": "inference.py",
            "OMP_NUM_THREADS": "1",  # more make one row slower, and starve on busy cores
            **container.environment,
            **ours,
        },
        isolated=container.isolated,
    )
