"""Text for Markdown as GitHub renders it: nothing in it is taken for markup."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

_MAX_VALUE = 200


def value(something: Any) -> str:
    """A property's value, short, as code."""
    if something is None:
        return "*nothing*"
    said = something if isinstance(something, str) else json.dumps(something, sort_keys=True)
    return code(said if len(said) <= _MAX_VALUE else f"{said[:_MAX_VALUE]}…")


def code(said: str) -> str:
    """Inline code, whatever is in it."""
    line = " ".join(said.split())
    fence = "`" * (max(map(len, re.findall(r"`+", line)), default=0) + 1)
    return f"{fence}{line}{fence}" if fence == "`" else f"{fence} {line} {fence}"


def html(said: str) -> str:
    """Text for the inside of an HTML element."""
    return said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def text(said: str) -> str:
    """A sentence in which nothing is taken for markup."""
    plain = re.sub(r"([\\`*_\[\]|#])", r"\\\1", html(" ".join(said.split())))
    # An escaped @ would still call a person: GitHub looks for names in the rendered text.
    return plain.replace("@", "@&#8203;")


def folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines that a reader opens; the title is HTML."""
    yield f"<details><summary>{title}</summary>"
    yield ""
    yield from lines
    yield ""
    yield "</details>"
    yield ""
