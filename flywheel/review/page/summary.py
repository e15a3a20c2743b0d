"""The verdict in a line, and the numbers beside it."""

from dataclasses import dataclass

from flywheel.review.page.wording import at_rest, counted, difference, dollars, listed
from flywheel.review.verdict import Review

_ANSWERS = {
    "nothing": "May merge: nothing changes",
    "routine": "May merge",
    "look": "May merge, after a look",
    "danger": "May merge, after a decision",
}
_COMPARED = {
    "nothing": "They are the same",
    "routine": "They differ in routine things",
    "look": "They differ: look at these",
    "danger": "They differ: decide on these",
}


@dataclass(frozen=True)
class Fact:
    """One number of the summary.

    Attributes:
        tone: How it is coloured: a level, or nothing.
        target: The section that says more.
    """

    value: str
    says: str
    tone: str = ""
    target: str = ""


@dataclass(frozen=True)
class Summary:
    """What a reader gets in ten seconds."""

    answer: str
    reason: str
    line: str
    tone: str
    facts: tuple[Fact, ...]
    missing: str


def summarise(verdict: Review) -> Summary:
    """The verdict's answer, its reason, its numbers, and what was not looked at."""
    blocking = [each for each in verdict.findings if each.blocking]
    rules = sorted({each.rule.replace("_", " ") for each in blocking})
    is_update = verdict.kind == "update"
    answer = (_ANSWERS if is_update else _COMPARED)[verdict.level]
    reason = _reason(verdict)
    if verdict.blocked:
        answer = "Blocked" if is_update else "Would be blocked"
        reason = f"By {counted(len(blocking), 'finding')}: {listed(rules)}."
    return Summary(
        answer=answer,
        reason=reason,
        line=", ".join(_line(verdict)),
        tone="danger" if verdict.blocked else verdict.level,
        facts=tuple(_facts(verdict)),
        missing=_missing(verdict),
    )


def _reason(verdict: Review) -> str:
    decide = sum(each.level == "danger" for each in verdict.findings)
    look = sum(each.level == "look" for each in verdict.findings)
    if decide:
        more = f", and {look} more to look at" if look else ""
        return f"{counted(decide, 'finding')} to decide on{more}. No rule that blocks is broken."
    if look:
        return f"{counted(look, 'finding')} to look at. No rule that blocks is broken."
    if verdict.findings:
        return f"{counted(len(verdict.findings), 'routine finding')}, none to look at."
    return "Every template says the same as before."


def _actions(verdict: Review) -> dict[str, int]:
    found: dict[str, int] = {}
    for stack in verdict.stacks:
        for each in stack.resources:
            found[each.action] = found.get(each.action, 0) + 1
    return found


def _widenings(verdict: Review) -> int:
    rules = ("access_widened", "network_policy_widened")
    return sum(each.rule in rules and each.level != "routine" for each in verdict.findings)


def _line(verdict: Review) -> list[str]:
    """`2 replaced, 1 lost, 3 widenings, +$12.00 a month`."""
    counts = _actions(verdict)
    if verdict.kind == "comparison":
        words = {"changed": "different", "added": "only here", "removed": "not here"}
        found = [f"{counts[action]} {word}" for action, word in words.items() if counts.get(action)]
    else:
        lost = sum(each.rule == "data_lost" for each in verdict.findings)
        found = [f"{counts.get('replaced', 0)} replaced", f"{lost} lost"]
    found.append(counted(_widenings(verdict), "widening"))
    if verdict.costs:
        total = verdict.costs.total
        change = difference(at_rest(total.before), at_rest(total.after))
        found.append(f"{change} a month at rest" if change else "the same costs at rest")
    return found


def _facts(verdict: Review) -> list[Fact]:
    counts = _actions(verdict)
    found = []
    if verdict.kind == "update":
        replaced = counts.get("replaced", 0)
        lost = sum(each.rule == "data_lost" for each in verdict.findings)
        found.append(Fact(str(replaced), "replaced", "look" if replaced else "", "changes"))
        found.append(Fact(str(lost), "lost with data", "danger" if lost else "", "changes"))
    others = [
        f"{counts[action]} {word}"
        for action, word in _words(verdict.kind).items()
        if counts.get(action)
    ]
    total = sum(counts.values())
    says = f"{'resource' if total == 1 else 'resources'}: {', '.join(others)}" if others else ""
    found.append(Fact(f"{total:,}", says or "resources", "", "changes"))
    wider = _widenings(verdict)
    found.append(
        Fact(
            str(wider), "widening" if wider == 1 else "widenings", "look" if wider else "", "rights"
        )
    )
    strangers = sum(each.new for each in verdict.outsiders)
    if strangers:
        found.append(Fact(str(strangers), "new from outside", "danger", "rights"))
    if verdict.costs:
        before, after = at_rest(verdict.costs.total.before), at_rest(verdict.costs.total.after)
        change = difference(before, after)
        dearer = bool(change) and (after or 0) > (before or 0)
        value = change or dollars(after)
        says = (
            f"a month at rest; {dollars(after)} in all" if change else "a month at rest, as before"
        )
        found.append(Fact(value, says, "look" if dearer else "", "costs"))
    return [*found, *_checks(verdict)]


def _checks(verdict: Review) -> list[Fact]:
    found = []
    if verdict.quotas:
        short = sum(not row.enough for row in verdict.quotas.rows)
        found.append(
            Fact(
                str(short),
                f"quota{'' if short == 1 else 's'} too small",
                "look" if short else "",
                "quotas",
            )
        )
    if verdict.checks:
        fails = sum(len(pack.open) for pack in verdict.checks.packs)
        found.append(
            Fact(
                str(fails),
                f"failed check{'' if fails == 1 else 's'}",
                "danger" if fails else "",
                "checks",
            )
        )
    return found


def _words(kind: str) -> dict[str, str]:
    if kind == "comparison":
        return {"changed": "different", "added": "only here", "removed": "not here"}
    return {
        "replaced": "replaced",
        "maybe_replaced": "may be replaced",
        "removed": "removed",
        "changed": "changed",
        "added": "new",
    }


def _missing(verdict: Review) -> str:
    """What this review did not look at."""
    names = [
        name
        for name, member in (
            ("costs", verdict.costs),
            ("quotas", verdict.quotas),
            ("checks", verdict.checks),
        )
        if member is None
    ]
    return f"Not part of this review: {listed(names)}." if names else ""
