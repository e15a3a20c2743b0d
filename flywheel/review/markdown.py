"""A verdict as Markdown, for a comment on a pull request."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from flywheel.review.resources import in_words
from flywheel.review.verdict import (
    AccessChange,
    CodeChange,
    Finding,
    PropertyChange,
    ResourceChange,
    Review,
    StackChange,
)

MAX_CHARACTERS = 60_000
"""GitHub refuses a comment of more than 65,536."""
_MAX_VALUE = 200
_TITLES = {
    "nothing": "Nothing changes.",
    "routine": "Nothing needs a decision.",
    "look": "Look at what is listed first.",
    "danger": "This needs a decision.",
}
_SIGNS = {"danger": "🔴", "look": "🟡", "routine": "⚪", "nothing": "⚪"}
_WORDS = {
    "removed": "removed",
    "replaced": "**replaced**",
    "maybe_replaced": "may be replaced",
    "changed": "changed",
    "added": "new",
}


def as_markdown(review: Review) -> str:
    """The verdict, the gravest first; what is routine or long is folded, and cut if it must be."""
    text = "\n".join(_lines(review))
    if len(text) <= MAX_CHARACTERS:
        return text
    brief = "\n".join([*_head(review), *_findings(review.findings, routine=False)])
    note = "\n\nThe rest is too long for a comment; the page and the JSON have all of it.\n"
    return brief[: MAX_CHARACTERS - len(note)] + note


def _lines(review: Review) -> Iterator[str]:
    yield from _head(review)
    yield from _findings(review.findings, routine=True)
    if review.stacks:
        yield "### What changes" if review.kind == "update" else "### What differs"
        for stack in review.stacks:
            yield from _stack(stack)
    changed = [each for each in review.access if each.gained or each.lost]
    if changed:
        yield "### Who may do what"
        for each in changed:
            yield from _access(each)
    yield from _outsiders(review)
    yield from _wildcards(review)


def _head(review: Review) -> Iterator[str]:
    yield f"## {review.environment} against {review.against}"
    yield ""
    sentence = "**Blocked.** " if review.blocked else ""
    yield f"{_SIGNS[review.level]} {sentence}{_TITLES[review.level]}"
    yield ""


def _findings(findings: Iterable[Finding], *, routine: bool) -> Iterator[str]:
    graver = [each for each in findings if each.level in ("danger", "look")]
    for each in graver:
        blocks = " *(blocks)*" if each.blocking else ""
        yield f"- {_SIGNS[each.level]} {_code(each.path or each.stack)}: {_text(each.text)}{blocks}"
    if graver:
        yield ""
    others = [each for each in findings if each.level not in ("danger", "look")]
    if routine and others:
        yield from _folded(
            f"{len(others)} routine",
            [f"- {_code(each.path or each.stack)}: {_text(each.text)}" for each in others],
        )


def _stack(stack: StackChange) -> Iterator[str]:
    words = {"added": "new", "removed": "removed", "changed": ""}[stack.action]
    counts = f"{len(stack.resources)} of its resources" if stack.resources else ""
    yield from _folded(
        " · ".join(filter(None, [f"<b>{_html(stack.stack)}</b>", words, counts])),
        [
            *_properties("the stack itself", stack.settings),
            *(line for resource in stack.resources for line in _resource(resource)),
            *(f"- {_code(path)}: reworded, with the same meaning" for path in stack.reworded),
        ],
    )


def _resource(change: ResourceChange) -> Iterator[str]:
    source = f", {_code(change.source[0])}" if change.source else ""
    former = f" (was {_code(change.former_logical_id)})" if change.former_logical_id else ""
    yield (
        f"- {_code(change.path)} {_WORDS[change.action]}: {change.type}, "
        f"{_code(change.logical_id)}{former}{source}"
    )
    if change.consequence:
        yield f"  - {_text(change.consequence)}"
    for line in _properties("", change.properties):
        yield f"  {line}"
    for code in change.code:
        yield from _files(code)


def _properties(title: str, changes: Iterable[PropertyChange]) -> Iterator[str]:
    for change in changes:
        name = f"{title} {_code(change.path)}" if title else _code(change.path)
        forces = {"": "", "replacement": " **(replaces)**"}.get(change.forces, " (may replace)")
        if change.because_of:
            yield f"- {name}: {_code(change.because_of)} is new{forces}"
        else:
            yield f"- {name}: {_value(change.before)} → {_value(change.after)}{forces}"


def _files(change: CodeChange) -> Iterator[str]:
    if change.files is None:
        yield f"  - {_code(change.asset)}: the assembly does not hold its files"
    elif not change.files:
        yield f"  - {_code(change.asset)}: another archive of the same files"
    for file in change.files or ():
        yield f"  - {_code(change.asset)}: {_code(file.path)} {file.action}"
        if file.diff:
            fence = "`" * (max(map(len, re.findall(r"`+", file.diff)), default=2) + 1)
            fence = max(fence, "```", key=len)
            yield ""
            for line in (f"{fence}diff", *file.diff.splitlines(), fence):
                yield f"    {line}"
            if file.num_hidden_lines:
                yield f"    … and {file.num_hidden_lines} more lines"
            yield ""


def _access(access: AccessChange) -> Iterator[str]:
    kind = {"trust": " (who may take it on)", "resource": " (its policy)"}.get(access.kind, "")
    yield from _folded(
        f"<b>{_html(access.subject)}</b>{kind} · {access.change}",
        [
            *(f"- ➕ {_text(in_words(each))}{_void(each.has_effect)}" for each in access.gained),
            *(f"- ➖ {_text(in_words(each))}{_void(each.has_effect)}" for each in access.lost),
            *(f"- {_text(in_words(each))}" for each in access.kept),
        ],
    )


def _void(has_effect: bool) -> str:
    return "" if has_effect else " (no effect: the actions do not apply to it)"


def _outsiders(review: Review) -> Iterator[str]:
    if review.outsiders:
        yield "### Who gets in from outside"
        yield ""
        for each in review.outsiders:
            conditions = f" if {' and '.join(each.conditions)}" if each.conditions else ""
            actions = ", ".join(each.actions)
            yield (
                f"- {'**new** ' if each.new else ''}{_code(each.subject)}: {_text(each.principal)} "
                f"({each.kind}) may {_text(actions + conditions)}"
            )
        yield ""


def _wildcards(review: Review) -> Iterator[str]:
    if review.wildcards:
        yield from _folded(
            f"<b>{len(review.wildcards)} wildcards</b> and their reasons",
            [
                f"- {'**new** ' if each.new else ''}{_code(each.subject)} {_code(each.text)}: "
                f"{_text(' '.join(each.reasons)) or '**nobody has acknowledged it**'}"
                for each in review.wildcards
            ],
        )


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"<details><summary>{title}</summary>"
    yield ""
    yield from lines
    yield ""
    yield "</details>"
    yield ""


def _value(value: Any) -> str:
    if value is None:
        return "*nothing*"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    short = text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"
    return _code(short)


def _code(text: str) -> str:
    """Inline code, whatever is in it."""
    line = " ".join(text.split())
    fence = "`" * (max(map(len, re.findall(r"`+", line)), default=0) + 1)
    return f"{fence}{line}{fence}" if fence == "`" else f"{fence} {line} {fence}"


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _text(text: str) -> str:
    """A sentence in which nothing is taken for markup."""
    plain = re.sub(r"([\\`*_\[\]|#])", r"\\\1", _html(" ".join(text.split())))
    # An escaped @ would still call a person: GitHub looks for names in the rendered text.
    return plain.replace("@", "@&#8203;")
