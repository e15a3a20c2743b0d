"""From the verdict to HTML: what the templates need, and nothing that a template could compute."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from flywheel.review.page import values, wording
from flywheel.review.page.cards import cards, common_settings, plain
from flywheel.review.page.summary import summarise
from flywheel.review.pictures import STYLE, Pictures
from flywheel.review.pictures.anchors import anchor
from flywheel.review.pictures.marks import WORDS
from flywheel.review.sections import QuotaRow
from flywheel.review.verdict import (
    ACTIONS,
    AccessChange,
    Finding,
    ResourceChange,
    Review,
    Wildcard,
)
from flywheel.review.workload_groups import Group, Workloads

_TEMPLATES = Path(__file__).with_name("templates")
_FEW_SUBJECTS = 6
_COLUMN = 1120
"""Width in px that a picture has; a wider one gets the whole window."""
_MOST_OPEN = 25
"""More changed resources than these are folded, but for those that are replaced or removed."""
_RULES_OF_RIGHTS = ("access_widened", "access_narrowed", "network_policy_widened")
_KINDS = {
    "identity": "what it may do",
    "trust": "who may take it on",
    "resource": "its own policy: who may use it",
    "network": "what this VPC endpoint lets through",
}
_COST_KINDS = (
    ("at_rest_month", "At rest, a month"),
    ("per_retraining", "Each retraining"),
    ("per_million_predictions", "A million predictions"),
)


@dataclass(frozen=True)
class Section:
    """One entry of the contents."""

    id: str
    title: str
    count: str = ""


def as_html(verdict: Review, pictures: Pictures | None = None) -> str:
    """The page.

    Args:
        verdict: What the review says.
        pictures: From `flywheel.review.pictures.draw`; without them the page has none.
    """
    return _environment().get_template("page.html.j2").render(_content(verdict, pictures))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "anchor": anchor,
        "breakable": _breakable,
        "counted": wording.counted,
        "difference": wording.difference,
        "dollars": wording.dollars,
        "may": wording.may,
        "number": wording.number,
        "target_of": wording.target,
        "sides": values.sides,
        "causes": values.causes,
        "code_of": values.code,
        "lines": values.lines,
        "num_changed": values.num_changed,
        "cards": cards,
        "plain": plain,
        "kinds": _KINDS,
        "cost_kinds": _COST_KINDS,
        "cost_words": {kind: title.lower() for kind, title in _COST_KINDS},
        "words_of_files": {"added": "new file", "removed": "removed", "changed": ""},
        # Our own files, and in a style nothing may be escaped.
        "style": Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8") + STYLE),  # noqa: S704
    }
    return environment


def _content(verdict: Review, pictures: Pictures | None) -> dict[str, Any]:
    workloads = Workloads(verdict)
    stacks = workloads.grouped(verdict.stacks, lambda each: each.stack)
    changed = [each for each in verdict.access if each.gained or each.lost]
    unchanged = [each for each in verdict.access if not (each.gained or each.lost)]
    routine = [each for each in verdict.findings if each.level in ("routine", "nothing")]
    graver = [each for each in verdict.findings if each.level in ("look", "danger")]
    common = common_settings(verdict)
    present = {change.action for stack in verdict.stacks for change in stack.resources}
    shown = [change for group in stacks for each in group.items for change in each.resources]
    subjects = workloads.grouped(changed, lambda each: each.stack)
    anchors = {change.path for change in shown}
    rights = {each.subject: _anchor_of(each) for group in subjects for each in group.items}
    few = len(shown) <= _MOST_OPEN

    def link(finding: Finding) -> str:
        return _link(finding, anchors, rights)

    def is_open(change: ResourceChange) -> bool:
        return few or change.action in ("removed", "replaced") or change.stateful

    return {
        "review": verdict,
        "summary": summarise(verdict),
        "sections": list(_sections(verdict, pictures, len(graver), len(changed))),
        "words": _words(verdict),
        "actions": [action for action in ACTIONS if action in present],
        "graver": workloads.findings(graver),
        "routine": workloads.findings(routine),
        "num_routine": len(routine),
        "link": link,
        "is_open": is_open,
        "stacks": stacks,
        "common": common,
        "subjects": subjects,
        "anchor_of": _anchor_of,
        "few_subjects": len(changed) <= _FEW_SUBJECTS,
        "unchanged": workloads.grouped(unchanged, lambda each: each.stack),
        "num_unchanged": len(unchanged),
        "wildcards": list(_wildcards(verdict, workloads)),
        "cost_stacks": workloads.grouped(
            verdict.costs.stacks if verdict.costs else (), lambda each: each.stack
        ),
        "num_cost_lines": sum(len(each.lines) for each in verdict.costs.stacks)
        if verdict.costs
        else 0,
        "quota_groups": list(_quotas(verdict)),
        "acknowledgments": workloads.grouped(
            verdict.checks.acknowledgments if verdict.checks else (), lambda each: each.stack
        ),
        "pictures": pictures,
        "column": _COLUMN,
        "drawn": (pictures.architecture, *pictures.machines) if pictures else (),
    }


def _breakable(text: str) -> Markup:
    """A path that is broken after its slashes rather than anywhere."""
    return Markup("/<wbr>").join(text.split("/"))


def _words(verdict: Review) -> dict[str, str]:
    """The words for what happens, which are others where two environments are compared."""
    is_update = verdict.kind == "update"
    access = {
        "added": "new" if is_update else "only here",
        "removed": "gone" if is_update else "not here",
        "widened": "wider",
        "narrowed": "narrower",
        "both": "wider and narrower",
        "same": "the same",
    }
    return {
        **{str(mark): word for mark, word in WORDS[verdict.kind].items()},
        **{f"access_{change}": word for change, word in access.items()},
        "before": "Before" if is_update else verdict.against,
        "after": "After" if is_update else verdict.environment,
        "gained": "new" if is_update else "only here",
        "lost": "gone" if is_update else "not here",
        "change": "Change",
    }


def _sections(
    verdict: Review, pictures: Pictures | None, num_graver: int, num_subjects: int
) -> Iterator[Section]:
    yield Section("findings", "What stands out", _count(num_graver))
    num_changes = sum(len(stack.resources) for stack in verdict.stacks)
    title = "What changes" if verdict.kind == "update" else "What differs"
    yield Section("changes", title, _count(num_changes))
    yield Section("rights", "Who may do what", _count(num_subjects))
    if verdict.costs:
        yield Section("costs", "What it costs")
    if verdict.quotas:
        short = sum(not row.enough for row in verdict.quotas.rows)
        yield Section("quotas", "What it needs", _count(short))
    if verdict.checks:
        fails = sum(len(pack.open) for pack in verdict.checks.packs)
        yield Section("checks", "What was checked", _count(fails))
    if pictures:
        yield Section("pictures", "Pictures")


def _count(count: int) -> str:
    return f"{count:,}" if count else ""


def _anchor_of(access: AccessChange) -> str:
    return anchor(f"{access.kind} {access.subject}")


def _link(finding: Finding, anchors: set[str], rights: Mapping[str, str]) -> str:
    """The place in the page that says more about a finding."""
    if finding.rule in _RULES_OF_RIGHTS:
        return rights.get(finding.path, "rights")
    if finding.rule == "outsider_admitted":
        return "outsiders"
    if finding.rule == "wildcard_unexplained":
        return "wildcards"
    for section in ("check", "quota", "cost"):
        if finding.rule.startswith(f"{section}_"):
            return f"{section}s"
    if finding.path in anchors:
        return anchor(finding.path)
    return "changes"


def _wildcards(
    verdict: Review, workloads: Workloads
) -> Iterator[tuple[str, list[Group[Wildcard]], bool]]:
    """The new ones, those without a reason, the others; what is said of several is said once."""
    new = [each for each in verdict.wildcards if each.new]
    open_ = [each for each in verdict.wildcards if not each.new and not each.reasons]
    rest = [each for each in verdict.wildcards if not each.new and each.reasons]
    counted = wording.counted
    for title, found, is_open in (
        (f"{counted(len(new), 'new wildcard')}", new, len(new) <= _FEW_SUBJECTS),
        (
            f"{counted(len(open_), 'wildcard')} that nobody has acknowledged",
            open_,
            len(open_) <= _FEW_SUBJECTS,
        ),
        (f"{counted(len(rest), 'wildcard')}, each with its reason", rest, False),
    ):
        if found:
            yield title, workloads.grouped(found, lambda each: each.stack), is_open


def _quotas(verdict: Review) -> Iterator[tuple[str, list[QuotaRow], bool]]:
    rows = verdict.quotas.rows if verdict.quotas else ()
    counts = Counter(row.enough for row in rows)
    for enough, title in ((False, "too small"), (True, "large enough")):
        if counts[enough]:
            noun = wording.counted(counts[enough], "quota")
            verb = "is" if counts[enough] == 1 else "are"
            yield (
                f"{noun} {verb} {title}",
                [row for row in rows if row.enough == enough],
                not enough,
            )
