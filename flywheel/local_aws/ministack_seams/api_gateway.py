"""API Gateway: integrations of REST APIs, and what is checked of a request."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ministack.services import apigateway_v1

from flywheel.local_aws.ministack_seams.services import Response

_original: dict[str, Any] = {}


@dataclass(frozen=True)
class RestRequest:
    """One call of a REST API's method with an `AWS` integration."""

    integration: Mapping[str, Any]
    region: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, Any]
    path_parameters: Mapping[str, str]
    body: bytes
    binary_media_types: Sequence[str]
    stage_variables: Mapping[str, str]
    request_id: str


RestIntegration = Callable[[RestRequest], Awaitable[Response]]


_rest_integrations: dict[str, RestIntegration] = {}


def add_rest_integration(service: str, invoke: RestIntegration) -> None:
    """Serve `AWS` integrations with `<service>:path/…`; ministack sends them all to Lambda."""
    _rest_integrations[service] = invoke
    if apigateway_v1._invoke_lambda_custom_v1 is not _invoke_rest:
        _original["_invoke_lambda_custom_v1"] = apigateway_v1._invoke_lambda_custom_v1
        apigateway_v1._invoke_lambda_custom_v1 = _invoke_rest


async def _invoke_rest(  # noqa: PLR0917  (called by ministack)
    integration: Mapping[str, Any],
    api_id: str,
    stage_name: str,
    stage: Mapping[str, Any],
    resource: Any,
    path: str,
    method: str,
    headers: Mapping[str, str],
    body: bytes,
    query: Mapping[str, Any],
    path_parameters: Mapping[str, str],
    **context: Any,
) -> Response:
    uri = apigateway_v1._parse_service_integration_uri(integration.get("uri", ""))
    invoke = _rest_integrations.get(uri[1]) if uri and uri[2] == "path" else None
    if invoke is None:
        response: Response = await _original["_invoke_lambda_custom_v1"](
            integration, api_id, stage_name, stage, resource, path, method, headers, body, query,
            path_parameters, **context,
        )  # fmt: skip
        return response
    return await invoke(
        RestRequest(
            integration=integration,
            region=uri[0] or context.get("owner_region") or "",
            path="/" + uri[3],
            headers=headers or {},
            query=query or {},
            path_parameters=path_parameters or {},
            body=body or b"",
            binary_media_types=context.get("binary_media_types") or (),
            stage_variables=stage.get("variables") or {},
            request_id=str(uuid.uuid4()),
        )
    )


def check_only_modelled_bodies() -> None:
    """Check a body only if the method has a model for its content type or `$default`, as AWS.

    ministack takes the model of application/json for every other content type too.
    """
    if apigateway_v1._check_request_validation is not _check_request_validation:
        _original["_check_request_validation"] = apigateway_v1._check_request_validation
        apigateway_v1._check_request_validation = _check_request_validation


def _check_request_validation(  # noqa: PLR0917  (called by ministack)
    method: Mapping[str, Any], api_id: str, request: Any, headers: Any, body: Any, query: Any
) -> Any:
    models = method.get("requestModels") or {}
    sent = {name.lower(): value for name, value in (headers or {}).items()}.get("content-type", "")
    content_type = sent.partition(";")[0].strip() or "application/json"
    model = models.get(content_type) or models.get("$default")
    checked = {**method, "requestModels": {content_type: model} if model else {}}
    return _original["_check_request_validation"](checked, api_id, request, headers, body, query)


def select_integration_response(
    integration: Mapping[str, Any], status: int
) -> Mapping[str, Any] | None:
    """The response for the back end's status: by pattern, else the default, else None."""
    selected: Mapping[str, Any] | None = apigateway_v1._select_service_integration_response(
        integration, status
    )
    return selected
