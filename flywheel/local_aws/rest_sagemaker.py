"""API Gateway's `AWS` integration with `runtime.sagemaker:path/endpoints/<name>/invocations`."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.mapping_template import Rendered, TemplateError, render

logger = logging.getLogger("flywheel.api")

SERVICE = "runtime.sagemaker"
TIMEOUT_SECONDS = 29.0  # Source: API Gateway quotas, integration timeout
_FAILED = (500, {"Content-Type": "application/json"}, b'{"message": "Internal server error"}')
_TIMED_OUT = (
    504,
    {"Content-Type": "application/json"},
    b'{"message": "Endpoint request timed out"}',
)


class SageMakerIntegration:
    """Sends a method's request to an endpoint and maps its answer.

    Args:
        handle_request: SageMaker's service.
    """

    def __init__(self, handle_request: seams.Handler) -> None:
        self._handle_request = handle_request

    async def __call__(self, request: seams.RestRequest) -> seams.Response:
        """Answer one call of the API."""
        integration = request.integration
        # The one header of the client that reaches the back end without a mapping is its content
        # type.
        headers = {
            "accept": "application/json",
            "content-type": _header(request.headers, "content-type") or "application/json",
        }
        path, query = request.path, {}
        for target, source in (integration.get("requestParameters") or {}).items():
            value = _request_value(source, request)
            _, _, place = target.partition("integration.request.")
            kind, _, name = place.partition(".")
            if value is None:
                continue
            if kind == "header":
                headers[name.lower()] = value
            elif kind == "path":
                path = path.replace("{" + name + "}", value)
            elif kind == "querystring":
                query[name] = [value]
        method = str(integration.get("httpMethod") or "POST")
        try:
            body = _request_body(request)
        except TemplateError as error:
            logger.warning("request template of %s: %s", request.path, error)
            return _FAILED
        with seams.request_scope(seams.account_and_region()[0], request.region):
            try:
                answer = await asyncio.wait_for(
                    self._handle_request(method, path, headers, body, query), TIMEOUT_SECONDS
                )
            except TimeoutError:
                return _TIMED_OUT
        try:
            return _answer(request, *answer)
        except TemplateError as error:
            logger.warning("response template of %s: %s", request.path, error)
            return _FAILED


def _request_body(request: seams.RestRequest) -> bytes:
    """The body after the mapping template for its content type; text unless declared binary."""
    content_type = (_header(request.headers, "content-type") or "application/json").partition(";")[
        0
    ]
    template = (request.integration.get("requestTemplates") or {}).get(content_type.strip().lower())
    if template is None and _is_binary(content_type, request.binary_media_types):
        return request.body
    text = request.body.decode(
        "utf-8", "replace"
    )  # as API Gateway: undeclared binary content is spoilt
    if template is None:
        return text.encode()
    return _rendered(template, text, request).body.encode()


def _rendered(template: str, body: str, request: seams.RestRequest) -> Rendered:
    query = {k: v[0] if isinstance(v, list) else v for k, v in request.query.items()}
    return render(
        template,
        body,
        parameters={**request.headers, **query, **request.path_parameters},
        stage_variables=request.stage_variables,
        request_id=request.request_id,
    )


def _answer(
    request: seams.RestRequest, status: int, headers: Mapping[str, str], body: bytes
) -> seams.Response:
    selected = seams.select_integration_response(request.integration, status)
    if selected is None:
        return _FAILED
    backend = {name.lower(): str(value) for name, value in headers.items()}
    answered = {"Content-Type": "application/json"}
    for target, source in (selected.get("responseParameters") or {}).items():
        name = target.removeprefix("method.response.header.")
        value = _response_value(source, backend, body)
        if value is not None:
            answered = {k: v for k, v in answered.items() if k.lower() != name.lower()} | {
                name: value
            }
    answered_status = int(selected.get("statusCode") or status)
    template = _response_template(selected, request)
    if template is not None:
        rendered = _rendered(template, body.decode("utf-8", "replace"), request)
        body, answered_status = rendered.body.encode(), rendered.status or answered_status
        answered |= rendered.headers
    return answered_status, answered, body


def _response_template(selected: Mapping[str, Any], request: seams.RestRequest) -> str | None:
    """The one for what the caller accepts, else the one for JSON."""
    templates: Mapping[str, str] = selected.get("responseTemplates") or {}
    accepted = (
        (_header(request.headers, "accept") or "").partition(",")[0].partition(";")[0].strip()
    )
    return templates.get(accepted) or templates.get("application/json")


def _request_value(source: str, request: seams.RestRequest) -> str | None:
    literal = re.fullmatch(r"'(.*)'", source)
    if literal:
        return literal[1]
    kind, _, name = source.removeprefix("method.request.").partition(".")
    if kind == "header":
        return _header(request.headers, name)
    if kind == "querystring":
        values = request.query.get(name)
        return (values[0] if isinstance(values, list) else values) if values else None
    if kind == "path":
        return request.path_parameters.get(name)
    others = {"context.requestId": request.request_id} | {
        f"stageVariables.{name}": value for name, value in request.stage_variables.items()
    }
    return others.get(source)


def _response_value(source: str, headers: Mapping[str, str], body: bytes) -> str | None:
    literal = re.fullmatch(r"'(.*)'", source)
    if literal:
        return literal[1]
    name = source.removeprefix("integration.response.header.")
    if name != source:
        return headers.get(name.lower())
    if source == "integration.response.body":
        return body.decode("utf-8", "replace")
    path = source.removeprefix("integration.response.body.")
    return _member(body, path.split(".")) if path != source else None


def _member(body: bytes, steps: list[str]) -> str | None:
    try:
        node: Any = json.loads(body)
    except ValueError:
        return None
    for step in steps:
        node = node.get(step) if isinstance(node, dict) else None
    return node if isinstance(node, str) or node is None else json.dumps(node)


def _header(headers: Mapping[str, str], name: str) -> str | None:
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), None)


def _is_binary(content_type: str, declared: Any) -> bool:
    main = content_type.strip().lower()
    return any(
        pattern in ("*/*", main) or (pattern.endswith("/*") and main.startswith(pattern[:-1]))
        for pattern in map(str.lower, declared)
    )
