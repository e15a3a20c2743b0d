"""JSON, and JSON Lines: one JSON value a line."""

from __future__ import annotations

import json
from typing import Any

from flywheel.standins.contract import RefusedError

CONTENT_TYPE = "application/jsonlines"


def read_lines(data: bytes) -> list[Any]:
    """The value of each line; empty lines are skipped.

    Raises:
        RefusedError: a line is no JSON, with its number.
    """
    values = []
    # Not splitlines(): it also splits at characters that JSON allows inside a text.
    for number, line in enumerate(read_text(data).split("\n"), start=1):
        if line.strip():
            values.append(_value(line, f"line {number}"))
    return values


def read_json(data: bytes) -> Any:
    """The one value of a body.

    Raises:
        RefusedError: it is no JSON.
    """
    return _value(read_text(data), "the body")


def read_text(data: bytes) -> str:
    """UTF-8 text, with or without a byte order mark.

    Raises:
        RefusedError: it is no UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError(
            f"byte {error.start} is no UTF-8 text; the data must be UTF-8"
        ) from error


def _value(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is not readable"
        shown = text if len(text) <= 80 else f"{text[:79]}…"
        raise RefusedError(f"{where} is {shown!r}; it must be JSON: {reason}") from error
