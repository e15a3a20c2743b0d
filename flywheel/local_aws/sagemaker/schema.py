"""AWS's published model of the service: checks what comes in and what goes out against it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

from flywheel.local_aws.sagemaker.errors import ServiceError, validation_error

_NUMBERS: dict[str, type | tuple[type, ...]] = {
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
}


@dataclass(frozen=True)
class _Violation:
    path: str
    value: str
    rule: str

    def __str__(self) -> str:
        return f"Value {self.value} at '{self.path}' failed to satisfy constraint: {self.rule}"


@cache
def service_model(service: str) -> ServiceModel:
    """botocore's model of `sagemaker` or `sagemaker-runtime`; 0.6 s, once a process."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def check_request(action: str, params: Mapping[str, Any], service: str = "sagemaker") -> None:
    """Check a request as AWS does before it looks at the meaning.

    Args:
        action: An operation of the service.
        params: Its parameters, as JSON gives them.
        service: `sagemaker` or `sagemaker-runtime`.

    Raises:
        ServiceError: `ValidationException` with every violation, or `SerializationException` for a
        wrong type.
    """
    shape = service_model(service).operation_model(action).input_shape
    if shape is None:
        return
    violations = list(_violations(shape, params, ""))
    if violations:
        noun = "error" if len(violations) == 1 else "errors"
        raise validation_error(
            f"{len(violations)} validation {noun} detected: " + "; ".join(map(str, violations))
        )


def response_violations(action: str, response: Mapping[str, Any]) -> list[str]:
    """How a response differs from AWS's model; the tests demand that it never does."""
    shape = service_model("sagemaker").operation_model(action).output_shape
    if shape is None:
        return [] if not response else [f"{action} answers nothing, not {sorted(response)}"]
    return [str(violation) for violation in _violations(shape, response, "")]


def _violations(shape: Shape, value: Any, path: str) -> Iterator[_Violation]:
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _list(shape, value, path)
    elif isinstance(shape, MapShape):
        yield from _map(shape, value, path)
    else:
        yield from _scalar(shape, value, path)


def _structure(shape: StructureShape, value: Any, path: str) -> Iterator[_Violation]:
    _expect(isinstance(value, Mapping), path, "a structure", value)
    for name in shape.required_members:
        if value.get(name) is None:
            yield _Violation(_join(path, name), "null", "Member must not be null")
    for name, member in value.items():
        if name not in shape.members:
            known = ", ".join(shape.members)
            yield _Violation(
                _join(path, name), "of an unknown member", f"Member must be one of: {known}"
            )
        elif member is not None:
            yield from _violations(shape.members[name], member, _join(path, name))


def _list(shape: ListShape, value: Any, path: str) -> Iterator[_Violation]:
    _expect(isinstance(value, list | tuple), path, "a list", value)
    yield from _length(shape, value, path)
    for number, member in enumerate(value, start=1):
        yield from _violations(shape.member, member, f"{path}.{number}.member")


def _map(shape: MapShape, value: Any, path: str) -> Iterator[_Violation]:
    _expect(isinstance(value, Mapping), path, "a map", value)
    yield from _length(shape, value, path)
    for key, member in value.items():
        yield from _violations(shape.key, key, f"{path}.{key}.key")
        yield from _violations(shape.value, member, f"{path}.{key}.value")


def _scalar(shape: Shape, value: Any, path: str) -> Iterator[_Violation]:
    kind = shape.type_name
    if isinstance(shape, StringShape):
        _expect(isinstance(value, str), path, "a string", value)
        yield from _string(shape, value, path)
    elif kind in _NUMBERS:
        _expect(
            isinstance(value, _NUMBERS[kind]) and not isinstance(value, bool),
            path,
            f"of type {kind}",
            value,
        )
        low, high = shape.metadata.get("min", -math.inf), shape.metadata.get("max", math.inf)
        if value < low:
            yield _Violation(
                path, f"'{value}'", f"Member must have value greater than or equal to {low}"
            )
        if value > high:
            yield _Violation(
                path, f"'{value}'", f"Member must have value less than or equal to {high}"
            )
    elif kind == "boolean":
        _expect(isinstance(value, bool), path, "a boolean", value)
    elif kind == "timestamp":
        is_time = isinstance(value, int | float | datetime) and not isinstance(value, bool)
        _expect(is_time, path, "a timestamp", value)


def _string(shape: StringShape, value: str, path: str) -> Iterator[_Violation]:
    if shape.enum and value not in shape.enum:
        yield _Violation(
            path, f"'{value}'", f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
        )
    yield from _length(shape, value, path)
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield _Violation(
            path, f"'{value}'", f"Member must satisfy regular expression pattern: {pattern}"
        )


def _length(shape: Shape, value: Any, path: str) -> Iterator[_Violation]:
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", math.inf)
    shown = f"'{value}'"
    if len(value) < low:
        yield _Violation(path, shown, f"Member must have length greater than or equal to {low}")
    if len(value) > high:
        yield _Violation(path, shown, f"Member must have length less than or equal to {high}")


# AWS writes Java patterns. What Python's `re` does not have in them, inside or outside of a
# character class.
_JAVA = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{Alnum}": r"\w",
    r"\p{Z}": r"\s",
    r"\p{M}": r"\W",
    r"\p{S}": r"\W",
    r"\p{P}": r"\W",
    r"[\p{Print}]": r"[ -~]",
    r"\p{Print}": r"[ -~]",
    r"\p{ASCII}": r"[\x00-\x7f]",
    r"\z": r"\Z",
    ")${1,128}": ")",  # a slip in AWS's model: a length after the end of the text
    ")${1,256}": ")",
    r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]": "[^\x00-\x08\x0a-\x1f]",
    r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]": "[^\x00-\x08\x0b\x0c\x0e-\x1f]",
}


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    flags = re.DOTALL if pattern == ".*" else 0
    for java, python in _JAVA.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern, flags)


def _expect(right: bool, path: str, kind: str, value: Any) -> None:
    if not right:
        raise ServiceError(
            "SerializationException",
            f"'{path}' must be {kind}, not {type(value).__name__}: {value!r}",
        )


def _join(path: str, member: str) -> str:
    """AWS writes members with a small first letter, and dots between them."""
    name = member[:1].lower() + member[1:]
    return f"{path}.{name}" if path else name
