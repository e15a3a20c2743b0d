"""CloudFormation properties as an API's parameters: the same names, but a scalar may be text."""

from __future__ import annotations

from typing import Any

from botocore.model import Shape


class PropertyError(ValueError):
    """A template declares what the resource type does not have."""


def as_parameters(value: Any, shape: Shape, path: str = "") -> Any:
    """Convert properties to the API's types.

    Args:
        value: properties, or a part of them.
        shape: the API's shape for it; member names differ at most in their first letter's case.
        path: where in the properties this is.

    Raises:
        PropertyError: an unknown property, or a value that is not of its type.
    """
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        names = {name.lower(): name for name in shape.members}
        converted = {}
        for key, item in value.items():
            name = names.get(key.lower())
            if name is None:
                known = ", ".join(sorted(shape.members))
                raise PropertyError(f"{path}{key} is no property of {shape.name}; it has {known}.")
            converted[name] = as_parameters(item, shape.members[name], f"{path}{key}.")
        return converted
    if kind == "list" and isinstance(value, list):
        return [as_parameters(item, shape.member, f"{path}{i}.") for i, item in enumerate(value)]
    if kind == "map" and isinstance(value, dict):
        return {
            str(key): as_parameters(item, shape.value, f"{path}{key}.")
            for key, item in value.items()
        }
    if kind in ("structure", "list", "map"):
        raise PropertyError(f"{path.rstrip('.')} is {value!r}; it must be a {kind}.")
    return _scalar(value, kind, path.rstrip("."))


def _scalar(value: Any, kind: str, path: str) -> Any:
    try:
        if kind in ("integer", "long"):
            return int(value)
        if kind in ("float", "double"):
            return float(value)
    except (TypeError, ValueError):
        raise PropertyError(f"{path} is {value!r}; it must be a number.") from None
    if kind == "boolean":
        if str(value).lower() not in ("true", "false"):
            raise PropertyError(f"{path} is {value!r}; it must be true or false.")
        return str(value).lower() == "true"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
