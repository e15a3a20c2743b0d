"""How Step Functions spells what APIs call otherwise: member names, error names, timestamps."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

from botocore.model import ServiceModel, Shape

from flywheel.local_aws.sagemaker.schema import service_model

# Task names that are not botocore's service name with the hyphens left out.
_BOTOCORE_NAMES = {
    "sfn": "stepfunctions",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
    "sagemakerruntime": "sagemaker-runtime",
    "emrserverless": "emr-serverless",
    "applicationautoscaling": "application-autoscaling",
}
# How an error's first part is written, where it is not the service id with one capital per word.
_OPTIMISED_ERROR_PREFIXES = {"dynamodb": "DynamoDB", "sns": "SNS"}
_ERROR_PREFIXES = {"dynamodb": "DynamoDb", "cloudwatchlogs": "CloudWatchLogs"}

# Java has a `null` of its own.
_MEMBER_NAMES = {"NULL": "Nul"}

Times = Literal["iso", "epoch_milliseconds"]


def botocore_name(service: str) -> str:
    """botocore's name of the service in `aws-sdk:<service>:<action>`."""
    return _BOTOCORE_NAMES.get(service.lower(), service.lower())


def member_name(name: str) -> str:
    """An API member as Step Functions spells it: the Java SDK's name with a capital first letter.

    Runs of capitals count as one word: `DBClusterArn` becomes `DbClusterArn`.
    """
    if name in _MEMBER_NAMES:
        return _MEMBER_NAMES[name]
    words = re.sub(
        r"[A-Z]{2,}(?=[A-Z][a-z]|$|[^A-Za-z])|[A-Z]{2,}(?=[a-z])",
        lambda run: _lowered(run.group(), name[run.end() :]),
        name,
    )
    return words[:1].upper() + words[1:]


def _lowered(run: str, rest: str) -> str:
    # The last capital begins the next word when a small letter follows.
    return (run[:-1].lower() + run[-1]) if rest[:1].islower() else run.capitalize()


def operation_name(model: ServiceModel, action: str) -> str | None:
    """The API operation behind a task's action (`listObjectsV2`), or None."""
    wanted = action.lower()
    return next((name for name in model.operation_names if name.lower() == wanted), None)


def to_api(value: Any, shape: Shape) -> Any:  # noqa: PLR0911  (one for each kind of shape)
    """A task's arguments as the API wants them: members by their own names, blobs as bytes.

    JSON where the API wants text is written as JSON text, as Step Functions does.
    """
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        names = _api_names(shape)
        return {
            names.get(key, key): to_api(item, shape.members[names[key]]) if key in names else item
            for key, item in value.items()
            if item is not None
        }
    if kind == "list" and isinstance(value, list):
        return [to_api(item, shape.member) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: to_api(item, shape.value) for key, item in value.items()}
    if kind == "blob":
        return value.encode() if isinstance(value, str) else json.dumps(value).encode()
    if kind == "string" and not isinstance(value, str):
        return json.dumps(value)
    if kind in ("integer", "long") and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def to_states(value: Any, shape: Shape, times: Times = "iso") -> Any:
    """An API's result as Step Functions hands it to the next state.

    Args:
        value: the result.
        shape: its shape in the service's model.
        times: `iso` for aws-sdk tasks, `epoch_milliseconds` for the result of a job that was waited
            for.
    """
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        return {
            member_name(key): to_states(item, shape.members[key], times)
            for key, item in value.items()
            if item is not None and key in shape.members
        }
    if kind == "list" and isinstance(value, list):
        return [to_states(item, shape.member, times) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: to_states(item, shape.value, times) for key, item in value.items()}
    if kind == "timestamp":
        return _time(value, times)
    if kind == "blob":
        data = value.read() if hasattr(value, "read") else value
        return data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    return value


def error_name(service: str, code: str, *, optimised: bool = False) -> str:
    """What a failed task's error is called: the SDK's exception class after the service.

    Args:
        service: the service in an aws-sdk task's Resource.
        code: the error code that the API answered.
        optimised: of an optimised integration; these are built on the SDK whose classes begin with
            Amazon.
    """
    prefix = error_prefix(service)
    if optimised:
        prefix = _OPTIMISED_ERROR_PREFIXES.get(service, prefix)
    if code not in modelled_errors(service):  # it has no class of its own
        return f"{prefix}.{'Amazon' if optimised else ''}{prefix}Exception"
    return f"{prefix}.{code if code.endswith('Exception') else code + 'Exception'}"


def error_prefix(service: str) -> str:
    """The service in an error's name, such as `SageMaker` or `CloudFormation`."""
    known = _ERROR_PREFIXES.get(service.lower())
    if known:
        return known
    service_id = service_model(botocore_name(service)).service_id
    words = re.split(r"[\s-]+", str(service_id))
    return "".join(word if not word.isupper() else word.capitalize() for word in words)


@cache
def modelled_errors(service: str) -> frozenset[str]:
    """Every error of the service that its SDK has a class for, by code and by shape name."""
    names: set[str] = set()
    for shape in service_model(botocore_name(service)).error_shapes:
        names |= {shape.name, shape.error_code}
    return frozenset(names)


def _api_names(shape: Shape) -> dict[str, str]:
    return {member_name(name): name for name in shape.members} | {n: n for n in shape.members}


def _time(value: Any, times: Times) -> Any:
    if isinstance(value, int | float):
        value = datetime.fromtimestamp(value, UTC)
    if not isinstance(value, datetime):
        return value
    if times == "epoch_milliseconds":
        return int(value.timestamp() * 1000)
    return (
        value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    )
