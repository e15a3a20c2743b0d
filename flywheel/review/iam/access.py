"""Who may do what before and after, subject by subject."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flywheel.review.assembly import Environment
from flywheel.review.iam.clauses import Clause, clauses_of, split
from flywheel.review.iam.conditions import glob_covers
from flywheel.review.iam.documents import Document, Kind, documents_of
from flywheel.review.iam.grants import rows
from flywheel.review.iam.outsiders import outsiders_in
from flywheel.review.iam.wildcards import wildcards_of
from flywheel.review.intrinsics import Resolver
from flywheel.review.naming import readable, readable_path
from flywheel.review.verdict import AccessChange, Outsider, Wildcard

Text = Callable[[str], str]
_Key = tuple[str, str, Kind]


@dataclass(frozen=True)
class Side:
    """One of the two environments that are compared."""

    environment: Environment
    resolver: Resolver
    rename: Text
    """Gives resources whose logical id changed the name that they will have."""
    neutral: Text
    """The same, and takes out what only says which environment this is."""

    def clauses(self, body: Mapping[str, Any]) -> list[Clause]:
        """A rendered document's clauses, in words that both sides share."""
        return list(clauses_of(_mapped(body, self.neutral)))

    def readable(self, text: str) -> str:
        return str(readable(self.environment, text))


def access_changes(before: Side, after: Side) -> list[AccessChange]:
    """Every subject's rights: what is new, what is gone, what stays."""
    old = _by_subject(before)
    new = _by_subject(after)
    existing = _resources(before)
    changes = []
    for key in sorted({*old, *new}):
        was, now = old.get(key, []), new.get(key, [])
        kept, gained = split(now, was)
        _, lost = split(was, now)
        side = after if key in new else before
        changes.append(
            _change(key, side, gained=gained, lost=lost, kept=kept, is_new=key[:2] not in existing)
        )
    return changes


def wildcards(before: Side, after: Side) -> list[Wildcard]:
    """The wildcards of the environment; new are those that reach beyond what was there before."""
    known: dict[str, list[str]] = {}
    for text, each in wildcards_of(before.environment, before.resolver):
        known.setdefault(each.subject, []).append(before.neutral(text))
    found = []
    for text, each in wildcards_of(after.environment, after.resolver):
        words = after.neutral(text)
        new = not any(glob_covers(former, words) for former in known.get(each.subject, ()))
        found.append(each.model_copy(update={"new": new}))
    return found


def outsiders(before: Side, after: Side) -> list[Outsider]:
    """Who gets in from outside; new are those who did not, or not to do all of that."""
    known = {key for key, _ in _outsiders(before)}
    return [
        outsider.model_copy(update={"new": key not in known}) for key, outsider in _outsiders(after)
    ]


def _change(
    key: _Key,
    side: Side,
    *,
    gained: list[Clause],
    lost: list[Clause],
    kept: list[Clause],
    is_new: bool,
) -> AccessChange:
    stack_id, logical_id, kind = key
    stack = side.environment.stacks[stack_id]
    resource = stack.resources.get(logical_id, {"Type": ""})
    # An Allow more is wider, and so is a Deny less; a network's policy only ever limits.
    wider = _any(gained, "Allow") or _any(lost, "Deny")
    narrower = _any(lost, "Allow") or _any(gained, "Deny")
    change = (
        "both" if wider and narrower else "widened" if wider else "narrowed" if narrower else "same"
    )
    if is_new:
        change = "added"
    elif lost and not kept and not gained:
        change = "removed"
    return AccessChange(
        subject=readable_path(stack, logical_id),
        stack=stack_id,
        logical_id=logical_id,
        type=str(resource["Type"]),
        kind=kind,
        source=stack.sources.get(logical_id, ()),
        change=change,  # type: ignore[arg-type]
        gained=rows(gained, side.readable),
        lost=rows(lost, side.readable),
        kept=rows(kept, side.readable),
    )


def _any(clauses: Iterable[Clause], effect: str) -> bool:
    return any(clause.effect == effect and clause.has_effect() for clause in clauses)


def _resources(side: Side) -> set[tuple[str, str]]:
    """All resources, by the names that both sides share."""
    return {
        _shared(side, stack.id, logical_id)
        for stack in side.environment.stacks.values()
        for logical_id in stack.resources
    }


def _shared(side: Side, stack_id: str, logical_id: str) -> tuple[str, str]:
    stack, _, name = side.rename(f"${{{stack_id}.{logical_id}}}")[2:-1].partition(".")
    return stack, name


def _by_subject(side: Side) -> dict[_Key, list[Clause]]:
    found: dict[_Key, list[Clause]] = {}
    for document in documents_of(side.environment, side.resolver):
        clauses = side.clauses(document.body)
        for stack_id, logical_id in _subjects(side, document):
            found.setdefault((stack_id, logical_id, document.kind), []).extend(clauses)
    return found


def _subjects(side: Side, document: Document) -> list[tuple[str, str]]:
    """The subjects by their shared names; what is not in the templates falls to the holder."""
    found = []
    for stack_id, logical_id in document.subjects:
        stack = side.environment.stacks.get(stack_id)
        if stack and logical_id in stack.resources:
            found.append(_shared(side, stack_id, logical_id))
    return found or [(document.stack.id, document.logical_id)]


def _outsiders(side: Side) -> list[tuple[tuple[Any, ...], Outsider]]:
    """Each with what it is known by on both sides."""
    found = []
    for document in documents_of(side.environment, side.resolver):
        if document.kind in ("trust", "resource"):
            clauses = side.clauses(document.body)
            for stack_id, logical_id in _subjects(side, document):
                stack = side.environment.stacks[stack_id]
                subject = readable_path(stack, logical_id)
                for each in outsiders_in(subject, stack_id, clauses, side.readable):
                    key = stack_id, logical_id, each.principal, each.actions, each.conditions
                    found.append((key, each))
    return found


def _mapped(value: Any, text: Text) -> Any:
    if isinstance(value, Mapping):
        return {key: _mapped(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, text) for item in value]
    return text(value) if isinstance(value, str) else value
