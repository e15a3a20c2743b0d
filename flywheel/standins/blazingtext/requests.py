"""The two forms of a request to BlazingText, and of its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flywheel.standins.codecs import json_lines
from flywheel.standins.codecs.requests import JSON, instances
from flywheel.standins.codecs.responses import plain
from flywheel.standins.contract import RefusedError, Request, Response


@dataclass(frozen=True)
class Text:
    """One word or sentence, and how many labels are wanted."""

    text: str
    k: int = 1


def read_texts(request: Request) -> list[Text]:
    """What is asked.

    Raises:
        RefusedError: 400 for a body in another form, 415 for another content type.
    """
    kind = request.content_type
    if kind not in (JSON, json_lines.CONTENT_TYPE):
        raise RefusedError(
            f"the content type is {kind or 'missing'}; it must be {JSON} or "
            f"{json_lines.CONTENT_TYPE}",
            status=415,
        )
    entries = instances(request)
    if not entries:
        raise RefusedError("the request has no instance; it must have at least one")
    if kind == JSON:
        k = _k(_configuration(request).get("k", 1), "configuration")
        return [Text(_text(entry, number), k) for number, entry in enumerate(entries, 1)]
    return [_from_line(entry, number) for number, entry in enumerate(entries, 1)]


def write_answers(rows: Sequence[Mapping[str, Any]], request: Request) -> Response:
    """The rows in the request's own content type; another Accept is passed over.

    Source: Amazon SageMaker Developer Guide, "BlazingText algorithm".
    """
    plain_rows = [plain(row) for row in rows]
    if request.content_type == JSON:
        return Response(json.dumps(plain_rows).encode(), JSON)
    lines = "".join(f"{json.dumps(row)}\n" for row in plain_rows)
    return Response(lines.encode(), json_lines.CONTENT_TYPE)


def _configuration(request: Request) -> Mapping[str, Any]:
    configuration = json_lines.read_json(request.body).get("configuration", {})
    if not isinstance(configuration, dict):
        raise RefusedError('configuration must be an object such as {"k": 2}')
    return configuration


def _from_line(entry: Any, number: int) -> Text:
    if not isinstance(entry, dict) or "source" not in entry:
        raise RefusedError(f'line {number} has no "source"; it must be {{"source": "…"}}')
    return Text(_text(entry["source"], number), _k(entry.get("k", 1), f"line {number}"))


def _text(value: Any, number: int) -> str:
    if not isinstance(value, str):
        raise RefusedError(f"instance {number} is no text; it must be a word or a sentence")
    return value


def _k(value: Any, where: str) -> int:
    if type(value) is not int or value < 1:
        raise RefusedError(f"k of {where} is {value!r}; it must be a whole number of at least 1")
    return value
