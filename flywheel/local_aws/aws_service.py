"""An AWS service from its operations: botocore's own model routes, checks and answers requests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from botocore.model import OperationModel, Shape

from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.sagemaker.errors import ServiceError
from flywheel.local_aws.sagemaker.schema import check_request, service_model

Operation = Callable[[dict[str, Any]], dict[str, Any]]


class AwsService:
    """One service with the JSON or the REST JSON protocol.

    Args:
        name: botocore's name of the service, such as `emr-serverless`.
        operations: what this service does; every other operation of the model is refused by name.
    """

    def __init__(self, name: str, operations: Mapping[str, Operation]) -> None:
        self.name = name
        self.model = service_model(name)
        self._operations = dict(operations)
        unknown = set(operations) - set(self.model.operation_names)
        if unknown:
            raise ValueError(f"{name} has no operation {', '.join(sorted(unknown))}")
        self._routes = [
            (operation.http["method"], *_route(operation), operation)
            for operation in map(self.model.operation_model, self.model.operation_names)
        ]
        # The most specific path first: more literal characters.
        self._routes.sort(key=lambda route: -len(route[1].pattern))

    def call(self, action: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Run one operation in this process.

        Raises:
            ServiceError: as the service would answer.
        """
        if action not in self.model.operation_names:
            raise ServiceError(
                "UnknownOperationException", f"{self.name} has no operation {action}.", 404
            )
        run = self._operations.get(action)
        if run is None:
            raise ServiceError(
                "NotImplementedException",
                f"the local {self.name} does not implement {action}; it has: "
                f"{', '.join(sorted(self._operations))}.",
                501,
            )
        check_request(action, parameters, self.name)
        return run(parameters)

    async def handle_request(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> seams.Response:
        """Answer one HTTP request."""
        try:
            action, parameters = self._parse(method, path, headers, body, query)
            result = self.call(action, parameters)
        except ServiceError as error:
            return seams.json_error(error.status, error.code, error.message)
        version = self.model.metadata.get("jsonVersion")
        content_type = f"application/x-amz-json-{version}" if version else "application/json"
        return 200, {"Content-Type": content_type}, json.dumps(result, default=_timestamp).encode()

    def _parse(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        try:
            document = json.loads(body) if body else {}
        except ValueError as error:
            raise ServiceError("SerializationException", f"the body is not JSON: {error}") from None
        if self.model.metadata["protocol"] == "json":
            return headers.get("x-amz-target", "").rpartition(".")[2], document
        for verb, pattern, names, operation in self._routes:
            match = pattern.fullmatch(path)
            if verb == method and match:
                values = dict(zip(names, map(unquote, match.groups()), strict=True))
                return operation.name, _located(operation, values, query, document)
        raise ServiceError(
            "UnknownOperationException", f"{self.name} has no operation {method} {path}.", 404
        )


def _located(
    operation: OperationModel, path_values: dict[str, str], query: dict[str, Any], document: Any
) -> dict[str, Any]:
    """REST JSON: members travel in the path, the query string or the body."""
    parameters: dict[str, Any] = {}
    shape = operation.input_shape
    for name, member in shape.members.items() if shape else ():
        wire = member.serialization.get("name", name)
        location = member.serialization.get("location")
        if location == "uri":
            parameters[name] = path_values[wire]
        elif location == "querystring":
            if query.get(wire):
                parameters[name] = _from_text(query[wire], member)
        elif wire in document:
            parameters[name] = document[wire]
    return parameters


def _route(operation: OperationModel) -> tuple[re.Pattern[str], list[str]]:
    path = operation.http["requestUri"].partition("?")[0]
    names = re.findall(r"\{(\w+)\+?\}", path)
    literal = [re.escape(part) for part in re.split(r"\{\w+\+?\}", path)]
    values = ["(.+)" if name.endswith("Arn") else "([^/]+)" for name in names]  # ARNs have slashes
    return re.compile("".join(a + b for a, b in zip(literal, [*values, ""], strict=True))), names


def _from_text(values: list[str], shape: Shape) -> Any:
    if shape.type_name == "list":
        return values
    if shape.type_name in ("integer", "long"):
        return int(values[0])
    if shape.type_name == "timestamp":
        return datetime.fromisoformat(values[0].replace("Z", "+00:00"))
    return values[0] == "true" if shape.type_name == "boolean" else values[0]


def _timestamp(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).timestamp()
    raise TypeError(f"{type(value).__name__} has no JSON form")
