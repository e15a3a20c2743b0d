"""A training request: what is checked in it, what a container is told, what its log tells."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flywheel.algorithms.catalogue import Algorithm
from flywheel.local_aws.images import ImageCatalogue
from flywheel.local_aws.sagemaker import channels, stand_ins
from flywheel.local_aws.sagemaker.errors import not_local, validation_error
from flywheel.local_aws.sagemaker.resources import now
from flywheel.local_aws.sagemaker.sandbox import Sandbox

DAY_SECONDS = 86400
_PROGRAM = Path(__file__).parent / "container" / "training_container.py"
_TAB = "#011"  # what becomes of a tab on the way to CloudWatch Logs
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
    stand_ins.check(params, images.find(image))
    if "ResourceConfig" not in params:
        raise validation_error(
            "ResourceConfig is required for a training job that is not serverless."
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
    given = params.get("InputDataConfig", ())
    names = [channel["ChannelName"] for channel in given]
    if len(set(names)) < len(names):
        raise validation_error(f"Channel names must be unique; given are {', '.join(names)}.")
    for channel in given:
        channels.check(channel, algorithm["TrainingInputMode"])


def completed(params: dict[str, Any], images: ImageCatalogue) -> dict[str, Any]:
    """A request with what SageMaker adds by itself: the metrics of Amazon's own images."""
    own = stand_ins.metric_definitions(params, images)
    if not own or params["AlgorithmSpecification"].get("MetricDefinitions"):
        return params
    specification = params["AlgorithmSpecification"] | {"MetricDefinitions": own}
    return {**params, "AlgorithmSpecification": specification}


def command(
    request: Mapping[str, Any], sandbox: Sandbox, python: Path, algorithm: Algorithm | None
) -> list[str | Path]:
    """What to run: the request's own entrypoint, a stand-in, or a script under the toolkit."""
    given = request["AlgorithmSpecification"]
    if "ContainerEntrypoint" in given:
        words = [*given["ContainerEntrypoint"], *given.get("ContainerArguments", ())]
        return [sandbox.local(word) for word in words]
    return [python, _PROGRAM] if algorithm is None else stand_ins.command(algorithm, python)


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
    """The last value that each metric definition finds in the log; AWS leaves out the others."""
    return [
        {"MetricName": definition["Name"], "Value": values[-1], "Timestamp": now()}
        for definition in request["AlgorithmSpecification"].get("MetricDefinitions", ())
        if (values := metric_values(definition["Regex"], log))
    ]


def metric_values(regex: str, log: str) -> list[float]:
    """Every number that a metric definition finds in a log, in order."""
    if _TAB in regex:
        log = log.replace("\t", _TAB)
    texts = [match.group(1) for match in re.finditer(regex, log) if match.groups()]
    # \S in AWS's expression takes the tab, and what follows it, along.
    first = ((text or "").partition(_TAB)[0] for text in texts)
    return [value for text in first if (value := _number(text)) is not None]


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
