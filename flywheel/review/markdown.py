"""A verdict as Markdown, for a comment on a pull request."""

import re
from collections.abc import Iterable, Iterator

from flywheel.review.markdown_sections import checks, costs, quotas
from flywheel.review.markdown_text import code, folded, html, text, value
from flywheel.review.page.summary import summarise
from flywheel.review.page.wording import counted
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
from flywheel.review.workload_groups import Group, Workloads

MAX_CHARACTERS = 60_000
"""GitHub refuses a comment of more than 65,536."""
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
_MAX_FINDINGS = 80
_MAX_ROUTINE = 100
_MAX_FINDING = 500
"""Characters of one finding; the page has the rest."""


def as_markdown(review: Review) -> str:
    """The verdict, the gravest first; what is routine or long is folded, or left to the page.

    What must be said comes first: the findings that are not routine, costs, quotas and checks. The
    rest follows block by block, as far as a comment has room for it.
    """
    blocks = [
        ("\n".join(lines), must) for must, lines in _blocks(review, Workloads(review)) if lines
    ]
    room = MAX_CHARACTERS - len(_left_out(len(blocks)))
    room -= sum(len(block) + 1 for block, must in blocks if must)
    said, num_left_out = [], 0
    for block, must in blocks:
        if must or len(block) < room:
            room -= 0 if must else len(block) + 1
            said.append(block)
        else:
            num_left_out += 1
    whole = "\n".join(said)
    most = MAX_CHARACTERS - len(_left_out(len(blocks)))
    if len(whole) > most:
        whole = whole[:most].rpartition("\n")[0]
        num_left_out += 1
    return whole + _left_out(num_left_out) if num_left_out else whole


def _left_out(count: int) -> str:
    parts = counted(count, "part of this review is", "parts of this review are")
    return f"\n\n{parts} too long for a comment; the page and the JSON have all of it.\n"


def _blocks(review: Review, workloads: Workloads) -> Iterator[tuple[bool, list[str]]]:
    """What is said, block by block, each with whether it must be."""
    yield True, [*_head(review), *_findings(review.findings, workloads)]
    yield True, list(_outsiders(review))
    yield True, list(costs(review, workloads))
    yield True, list(quotas(review))
    yield True, list(checks(review))
    if review.stacks:
        title = "### What changes" if review.kind == "update" else "### What differs"
        yield True, [title, ""]
        for stack in workloads.grouped(review.stacks, lambda each: each.stack):
            for each in stack.items:
                yield False, list(_stack(each, stack.like))
    changed = [each for each in review.access if each.gained or each.lost]
    if changed:
        yield True, ["### Who may do what", ""]
        for subject in workloads.grouped(changed, lambda each: each.stack):
            for one in subject.items:
                yield False, list(_access(one, subject.like))
    yield False, list(_wildcards(review))
    yield False, list(_routine(review.findings, workloads))


def _head(review: Review) -> Iterator[str]:
    yield f"## {text(review.environment)} against {text(review.against)}"
    yield ""
    sentence = "**Blocked.** " if review.blocked else ""
    yield f"{_SIGNS[review.level]} {sentence}{_TITLES[review.level]}"
    yield ""
    yield f"**{text(summarise(review).line)}**"
    yield ""


def _findings(findings: Iterable[Finding], workloads: Workloads) -> Iterator[str]:
    graver = [each for each in findings if each.level in ("danger", "look")]
    groups = workloads.findings(graver)
    for group in groups[:_MAX_FINDINGS]:
        each = group.items[0]
        blocks = " *(blocks)*" if each.blocking else ""
        where = each.path or each.stack
        place = f"{code(where)}: " if where else ""
        yield f"- {_SIGNS[each.level]} {place}{_short(each.text)}{_also(group)}{blocks}"
    if len(groups) > _MAX_FINDINGS:
        yield f"- and {len(groups) - _MAX_FINDINGS} more, which the page has"
    if graver:
        yield ""


def _routine(findings: Iterable[Finding], workloads: Workloads) -> Iterator[str]:
    found = [each for each in findings if each.level not in ("danger", "look")]
    if not found:
        return
    groups = workloads.findings(found)
    lines = []
    for group in groups[:_MAX_ROUTINE]:
        each = group.items[0]
        lines.append(f"- {code(each.path or each.stack)}: {_short(each.text)}{_also(group)}")
    if len(groups) > _MAX_ROUTINE:
        lines.append(f"- and {len(groups) - _MAX_ROUTINE} more")
    yield from folded(f"{len(found)} routine", lines)


def _short(said: str) -> str:
    return text(said if len(said) <= _MAX_FINDING else f"{said[:_MAX_FINDING]}…")


def _also(group: Group[Finding]) -> str:
    return f" *(and in {counted(len(group.like), 'other workload')})*" if group.like else ""


def _like(names: tuple[str, ...]) -> str:
    return f"the same in {counted(len(names), 'other workload')}" if names else ""


def _stack(stack: StackChange, like: tuple[str, ...]) -> Iterator[str]:
    words = {"added": "new", "removed": "removed", "changed": ""}[stack.action]
    counts = f"{len(stack.resources)} of its resources" if stack.resources else ""
    parts = [f"<b>{html(stack.stack)}</b>", words, counts, _like(like)]
    yield from folded(
        " · ".join(filter(None, parts)),
        [
            *_properties("the stack itself", stack.settings),
            *(line for resource in stack.resources for line in _resource(resource)),
            *(f"- {code(path)}: reworded, with the same meaning" for path in stack.reworded),
        ],
    )


def _resource(change: ResourceChange) -> Iterator[str]:
    source = f", {code(change.source[0])}" if change.source else ""
    former = f" (was {code(change.former_logical_id)})" if change.former_logical_id else ""
    yield (
        f"- {code(change.path)} {_WORDS[change.action]}: {change.type}, "
        f"{code(change.logical_id)}{former}{source}"
    )
    if change.consequence:
        yield f"  - {text(change.consequence)}"
    for line in _properties("", change.properties):
        yield f"  {line}"
    for each in change.code:
        yield from _files(each)


def _properties(title: str, changes: Iterable[PropertyChange]) -> Iterator[str]:
    for change in changes:
        name = f"{title} {code(change.path)}" if title else code(change.path)
        forces = {"": "", "replacement": " **(replaces)**"}.get(change.forces, " (may replace)")
        if change.because_of:
            yield f"- {name}: {code(change.because_of)} is new{forces}"
        else:
            yield f"- {name}: {value(change.before)} → {value(change.after)}{forces}"


def _files(change: CodeChange) -> Iterator[str]:
    if change.files is None:
        yield f"  - {code(change.asset)}: the assembly does not hold its files"
    elif not change.files:
        yield f"  - {code(change.asset)}: another archive of the same files"
    for file in change.files or ():
        yield f"  - {code(change.asset)}: {code(file.path)} {file.action}"
        if file.diff:
            fence = "`" * (max(map(len, re.findall(r"`+", file.diff)), default=2) + 1)
            fence = max(fence, "```", key=len)
            yield ""
            for line in (f"{fence}diff", *file.diff.splitlines(), fence):
                yield f"    {line}"
            if file.num_hidden_lines:
                yield f"    … and {file.num_hidden_lines} more lines"
            yield ""


def _access(access: AccessChange, like: tuple[str, ...]) -> Iterator[str]:
    kind = {"trust": " (who may take it on)", "resource": " (its policy)"}.get(access.kind, "")
    parts = [f"<b>{html(access.subject)}</b>{kind}", access.change, _like(like)]
    yield from folded(
        " · ".join(filter(None, parts)),
        [
            *(f"- ➕ {text(in_words(each))}{_void(each.has_effect)}" for each in access.gained),
            *(f"- ➖ {text(in_words(each))}{_void(each.has_effect)}" for each in access.lost),
            *(f"- {text(in_words(each))}" for each in access.kept),
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
                f"- {'**new** ' if each.new else ''}{code(each.subject)}: {text(each.principal)} "
                f"({each.kind}) may {text(actions + conditions)}"
            )
        yield ""


def _wildcards(review: Review) -> Iterator[str]:
    if review.wildcards:
        yield from folded(
            f"<b>{len(review.wildcards)} wildcards</b> and their reasons",
            [
                f"- {'**new** ' if each.new else ''}{code(each.subject)} {code(each.text)}: "
                f"{text(' '.join(each.reasons)) or '**nobody has acknowledged it**'}"
                for each in review.wildcards
            ],
        )
