"""API Gateway's mapping templates: Velocity with `$input`, `$context`, `$util`, `$stageVariables`.

Source: API Gateway Developer Guide, "Mapping template transformation variable reference".
"""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import airspeed

_STEP = re.compile(r"\.([\w-]+)|\['([^']+)'\]|\[(\d+)\]")


class TemplateError(Exception):
    """A template cannot be rendered; API Gateway answers such a call with an internal error."""


@dataclass
class Rendered:
    """What came out of a template.

    Attributes:
        body: the text.
        status: of `#set($context.responseOverride.status = …)`, or None.
        headers: of `#set($context.responseOverride.header.NAME = …)`.
    """

    body: str
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


def render(
    template: str,
    body: str,
    *,
    parameters: Mapping[str, str],
    stage_variables: Mapping[str, str],
    request_id: str,
) -> Rendered:
    """Render a template for a request's or a response's body.

    Raises:
        TemplateError: it cannot be rendered.
    """
    override: dict[str, Any] = {"header": {}}
    variables = {
        "input": _Input(body, parameters),
        "util": _Util(),
        "stageVariables": dict(stage_variables),
        "context": {"requestId": request_id, "responseOverride": override},
    }
    try:
        text = airspeed.Template(template).merge(variables)
    except Exception as error:  # whatever a template makes of its input
        raise TemplateError(f"{type(error).__name__}: {error}") from error
    status = override.get("status")
    headers = {str(name): str(value) for name, value in override["header"].items()}
    return Rendered(text, None if status is None else int(status), headers)


class _Input:
    """`$input`."""

    def __init__(self, body: str, parameters: Mapping[str, str]) -> None:
        self.body = body
        self._parameters = parameters

    def path(self, path: str) -> Any:
        """The part of a JSON body; an empty string where there is none."""
        node = _parsed(self.body)
        for name, quoted, index in _STEP.findall(path.removeprefix("$")):
            if index:
                node = (
                    node[int(index)] if isinstance(node, list) and int(index) < len(node) else None
                )
            else:
                node = node.get(name or quoted) if isinstance(node, dict) else None
        return "" if node is None else node

    def json(self, path: str) -> str:
        """The same as JSON text."""
        return json.dumps(self.path(path))

    def params(self, name: str | None = None) -> Any:
        """One parameter of the request, or all."""
        return dict(self._parameters) if name is None else self._parameters.get(name, "")


class _Util:
    """`$util`, with the names that API Gateway gives its functions."""

    def escapeJavaScript(self, text: Any) -> str:  # noqa: N802
        return json.dumps(str(text))[1:-1].replace("'", "\\'")

    def parseJson(self, text: str) -> Any:  # noqa: N802
        return json.loads(text)

    def urlEncode(self, text: str) -> str:  # noqa: N802
        return urllib.parse.quote_plus(str(text))

    def urlDecode(self, text: str) -> str:  # noqa: N802
        return urllib.parse.unquote_plus(str(text))

    def base64Encode(self, text: str) -> str:  # noqa: N802
        return base64.b64encode(str(text).encode()).decode()

    def base64Decode(self, text: str) -> str:  # noqa: N802
        return base64.b64decode(str(text)).decode("utf-8", "replace")


def _parsed(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
