"""Which AWS API call a task makes, and whether AWS would take its parameters."""

from collections.abc import Iterator
from typing import Any

import botocore.session
import regex  # type: ignore[import-untyped]
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator

_SESSION = botocore.session.get_session()
_BOTOCORE = {"sfn": "stepfunctions", "states": "stepfunctions", "emrserverless": "emr-serverless"}


def operation(resource: str) -> tuple[str, OperationModel]:
    """botocore's service and operation of `arn:aws:states:::<service>:<action>`."""
    *_, service, action = resource.removesuffix(".sync").split(":")
    name = _BOTOCORE.get(service, service)
    model = _SESSION.get_service_model(name)
    wanted = action.lower()
    found = [item for item in model.operation_names if item.lower() == wanted]
    assert found, f"{service} has no action {action}"
    return name, model.operation_model(found[0])


def problems(resource: str, arguments: Any) -> list[str]:
    """What AWS would refuse: unknown, missing, mistyped, too long, or against the pattern."""
    _, model = operation(resource)
    shape = model.input_shape
    assert shape is not None
    request = _as_api(arguments, shape)
    report = ParamValidator().validate(request, shape)
    found: list[str] = report.generate_report().splitlines()
    return found + list(_limits(request, shape, "")) + list(_null_members(arguments, ""))


def _as_api(value: Any, shape: Shape) -> Any:
    """Arguments of optimised integrations begin with a capital, whatever the API does."""
    if shape.type_name == "structure" and isinstance(value, dict):
        members = {name[:1].upper() + name[1:]: name for name in shape.members}
        return {
            members.get(key, key): _as_api(item, shape.members[members[key]])
            if key in members
            else item
            for key, item in value.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_as_api(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _as_api(item, shape.value) for key, item in value.items()}
    if shape.type_name == "blob":
        return str(value).encode()
    if shape.name == "SensitiveData" and isinstance(value, dict):
        return str(value)  # StartExecution's input: Step Functions writes it as text
    return value


def _limits(value: Any, shape: Shape, path: str) -> Iterator[str]:
    meta, kind = shape.metadata, shape.type_name
    if kind == "structure" and isinstance(value, dict):
        for key, item in value.items():
            if key in shape.members:
                yield from _limits(item, shape.members[key], f"{path}.{key}")
    elif kind == "list" and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _limits(item, shape.member, f"{path}[{number}]")
    elif kind == "map" and isinstance(value, dict):
        for key, item in value.items():
            yield from _limits(key, shape.key, f"{path} key {key}")
            yield from _limits(item, shape.value, f"{path}.{key}")
    if kind == "string" and isinstance(value, str):
        # SageMaker's metadata shapes end in `$`, then a length that is a limit of its own.
        pattern = str(meta.get("pattern", "")).split("${")[0]
        if pattern and not regex.fullmatch(pattern, value):
            yield f"{path}: {value!r} does not match {pattern}"
        if meta.get("enum") and value not in meta["enum"]:
            yield f"{path}: {value!r} is none of {meta['enum']}"
    longest = meta.get("max")
    if longest is not None:
        size = len(value) if isinstance(value, str | list | dict) else value
        if isinstance(size, int) and size > longest:
            yield f"{path}: {size} is more than {longest}"


def _null_members(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _null_members(item, f"{path}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _null_members(item, f"{path}[{number}]")
    elif value is None:
        yield f"{path} is null"
