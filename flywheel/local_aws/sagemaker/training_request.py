"""A training request: what is checked in it, what a container is told, what its log tells."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flywheel.local_aws.images import ImageCatalogue
from flywheel.local_aws.sagemaker import channels
from flywheel.local_aws.sagemaker.errors import not_local, validation_error
from flywheel.local_aws.sagemaker.resources import now
from flywheel.local_aws.sagemaker.sandbox import Sandbox

DAY_SECONDS = 86400
_PROGRAM = Path(__file__).parent / "container" / "training_container.py"
_HOST = "localhost"  # the toolkit waits until every host's name resolves


def check(params: Mapping[str, Any], images: ImageCatalogue) -> None:
    """Refuse what AWS would refuse, and what this machine cannot do.

    Raises:
        ServiceError: With what is wrong and what to do.
    """
    algorithm = params["AlgorithmSpecification"]
    image = algorithm.get("TrainingImage")
    if image is None:
        raise not_local("AlgorithmSpecification.AlgorithmName", "Name a TrainingImage.")
    images.find(image)
    if "ResourceConfig" not in params:
        raise validation_error(
            "ResourceConfig is required for a training job that is not serverless."
        )
    if (
        "sagemaker_program" not in params.get("HyperParameters", {})
        and "ContainerEntrypoint" not in algorithm
    ):
        raise not_local(
            f"The built-in program of image {image.rsplit('/', 1)[-1]}",
            "Give hyperparameters sagemaker_program and sagemaker_submit_directory (script "
            "mode), or a "
            "ContainerEntrypoint.",
        )
    for definition in algorithm.get("MetricDefinitions", ()):
        try:
            re.compile(definition["Regex"])
        except re.error as error:
            raise validation_error(
                f"Invalid regular expression {definition['Regex']} of metric "
                f"{definition['Name']}: {error}."
            ) from error
    condition = params.get("StoppingCondition", {})
    runtime, wait = (
        condition.get("MaxRuntimeInSeconds", DAY_SECONDS),
        condition.get("MaxWaitTimeInSeconds"),
    )
    if params.get("EnableManagedSpotTraining"):
        if wait is None or wait < runtime:
            raise validation_error(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or "
                "equal to "
                "MaxRuntimeInSeconds"
            )
    elif wait is not None:
        raise validation_error(
            "MaxWaitTimeInSeconds above 0 is supported only with EnableManagedSpotTraining."
        )
    for channel in params.get("InputDataConfig", ()):
        channels.check(channel, algorithm["TrainingInputMode"])


def command(request: Mapping[str, Any], sandbox: Sandbox, python: Path) -> list[str | Path]:
    """What to run: the request's own entrypoint, or its script under the toolkit."""
    algorithm = request["AlgorithmSpecification"]
    if "ContainerEntrypoint" in algorithm:
        words = [*algorithm["ContainerEntrypoint"], *algorithm.get("ContainerArguments", ())]
        return [sandbox.local(word) for word in words]
    return [python, _PROGRAM]


def write_settings(request: Mapping[str, Any], sandbox: Sandbox) -> None:
    """Write the three files in which SageMaker tells a container its job."""
    folder = sandbox.opt_ml / "input" / "config"
    resources = request["ResourceConfig"]
    default_mode = request["AlgorithmSpecification"]["TrainingInputMode"]
    instance_type = resources.get("InstanceType", "local")
    group = {
        "instance_group_name": "homogeneousCluster",
        "instance_type": instance_type,
        "hosts": [_HOST],
    }
    settings: dict[str, dict[str, Any]] = {
        "hyperparameters": {
            name: sandbox.local(value) for name, value in request.get("HyperParameters", {}).items()
        },
        "inputdataconfig": {
            channel["ChannelName"]: channels.settings(channel, default_mode)
            for channel in request.get("InputDataConfig", ())
        },
        "resourceconfig": {
            "current_host": _HOST,
            "current_instance_type": instance_type,
            "current_group_name": "homogeneousCluster",
            "hosts": [_HOST],
            "instance_groups": [group],
            "network_interface_name": "lo",
        },
    }
    for name, content in settings.items():
        (folder / f"{name}.json").write_text(json.dumps(content))


def metrics(request: Mapping[str, Any], log: str) -> list[dict[str, Any]]:
    """The last value that each metric definition finds in the log."""
    found = []
    for definition in request["AlgorithmSpecification"].get("MetricDefinitions", ()):
        values = [match for match in re.finditer(definition["Regex"], log) if match.groups()]
        try:
            value = float(values[-1].group(1))
        except (IndexError, ValueError, TypeError):
            continue  # AWS leaves out a metric that the log does not have
        found.append({"MetricName": definition["Name"], "Value": value, "Timestamp": now()})
    return found
