"""YAML syntax errors in words that say what to change."""

import re
from collections.abc import Callable

from ruamel.yaml.error import MarkedYAMLError

_QUOTE = "put the value in quotes"
_BEGINNINGS = {
    "while parsing a flow sequence": "the list that begins with [ has no ] or lacks a comma",
    "while parsing a flow mapping": "the mapping that begins with { has no } or lacks a comma",
    "while scanning a quoted scalar": "the text that begins with a quote has no closing quote",
    "while scanning a simple key": "the line has no colon; write `key: value`",
}
"""What the parser was at → what is wrong, said at the line where it begins."""
_REASONS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (
        r"mapping values are not allowed",
        lambda _: (
            "a colon is where none can be; align the line with its neighbours, or "
            "put a value that contains a colon in quotes"
        ),
    ),
    (
        r"found character '(.+)' that cannot start",
        lambda found: f"a value cannot begin with {found[1]}; {_QUOTE}",
    ),
    (
        r"expected <block end>",
        lambda _: (
            "the indentation does not fit the lines above; align the line with its neighbours"
        ),
    ),
    (
        r"undefined alias",
        lambda _: f"a value that begins with * is an alias; {_QUOTE}",
    ),
    (
        r"maximum depth",
        lambda _: "the settings are nested too deeply; flatten them",
    ),
    (
        r"another document",
        lambda _: "a second document begins with ---; keep one in a file",
    ),
)


def explain(error: MarkedYAMLError, text: str) -> tuple[int, str]:
    """The line, counted from 1, and a sentence."""
    problem, context = str(error.problem or ""), str(error.context or "")
    line = _line(error.problem_mark or error.context_mark)
    lines = text.splitlines()
    source = lines[line - 1] if line <= len(lines) else ""
    if "\t" in source[: len(source) - len(source.lstrip())]:
        return line, "the line is indented with a tab; YAML wants spaces."
    if context in _BEGINNINGS and error.context_mark:
        return _line(error.context_mark), f"{_BEGINNINGS[context]}."
    for pattern, sentence in _REASONS:
        found = re.search(pattern, problem)
        if found:
            return line, f"{sentence(found)}."
    return line, f"is not valid YAML: {problem or context or 'unreadable'}."


def _line(mark: object) -> int:
    number = getattr(mark, "line", 0)
    return number + 1 if isinstance(number, int) else 1
