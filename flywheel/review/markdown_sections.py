"""Costs, quotas and checks in a comment: what differs, what does not suffice, what is open."""

from collections.abc import Iterator

from flywheel.review.markdown_text import code, text
from flywheel.review.page.wording import counted, difference, dollars, number
from flywheel.review.sections import CostKind, Costs, CostTotal, StackCosts
from flywheel.review.verdict import Review
from flywheel.review.workload_groups import Workloads

_KINDS: tuple[tuple[CostKind, str], ...] = (
    ("at_rest_month", "at rest, a month"),
    ("per_retraining", "each retraining"),
    ("per_million_predictions", "a million predictions"),
)
_MOST = 10
"""So many of a kind are named."""


def costs(review: Review, workloads: Workloads) -> Iterator[str]:
    """The three totals, and the stacks whose costs at rest differ."""
    if review.costs is None:
        return
    yield "### What it costs"
    yield ""
    yield "| | before | after | |"
    yield "|---|---:|---:|---:|"
    for kind, title in _KINDS:
        before, after = _sides(review.costs.total, kind)
        cells = (title, dollars(before), dollars(after), difference(before, after) or "the same")
        yield f"| {' | '.join(cells)} |"
    yield ""
    changed = list(_changed_stacks(review.costs, workloads))
    yield from changed[:_MOST]
    if len(changed) > _MOST:
        yield f"- and {counted(len(changed) - _MOST, 'more stack')}"
    prices = review.costs.prices
    if changed:
        yield ""
    yield f"*List prices of {text(prices.date)}; the page has every price and assumption.*"
    yield ""


def _changed_stacks(costs: Costs, workloads: Workloads) -> Iterator[str]:
    """The stacks of both sides that cost more or less at rest; alike workloads once."""
    changed = [
        stack
        for stack in costs.stacks
        if stack.before and stack.after and difference(*_sides(stack, "at_rest_month"))
    ]
    for group in workloads.grouped(changed, lambda each: each.stack):
        like = f", as in {counted(len(group.like), 'other workload')}" if group.like else ""
        for stack in group.items:
            before, after = _sides(stack, "at_rest_month")
            change = difference(before, after)
            yield f"- {code(stack.stack)}: {dollars(before)} → {dollars(after)} ({change}){like}"


def _sides(cost: CostTotal | StackCosts, kind: CostKind) -> tuple[float | None, float | None]:
    before = getattr(cost.before, kind) if cost.before else None
    after = getattr(cost.after, kind) if cost.after else None
    return before, after


def quotas(review: Review) -> Iterator[str]:
    """The quotas that are too small, each with its remedy."""
    if review.quotas is None:
        return
    short = [row for row in review.quotas.rows if not row.enough]
    yield "### What it needs"
    yield ""
    for row in short[:_MOST]:
        yield (
            f"- 🟡 {code(row.quota)} ({text(row.service)}): {number(row.needed_after)} needed, "
            f"{number(row.limit)} allowed. {text(row.remedy)}".rstrip()
        )
    if len(short) > _MOST:
        yield f"- and {len(short) - _MOST} more"
    enough = len(review.quotas.rows) - len(short)
    yield f"- {counted(enough, 'quota is', 'quotas are')} large enough"
    yield ""


def checks(review: Review) -> Iterator[str]:
    """Each pack in a line, and what is open."""
    if review.checks is None:
        return
    yield "### What was checked"
    yield ""
    for pack in review.checks.packs:
        sign = "🔴" if pack.open else "✅"
        yield (
            f"- {sign} {text(pack.name)} {text(pack.version)}: {len(pack.open)} open, "
            f"{pack.acknowledged} acknowledged"
        )
        for each in pack.open[:_MOST]:
            yield f"  - {code(each.path or each.stack)}: {text(each.rule)}, {text(each.message)}"
        if len(pack.open) > _MOST:
            yield f"  - and {len(pack.open) - _MOST} more"
    yield ""
