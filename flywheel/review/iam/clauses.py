"""A policy document as clauses: who may do which actions to one resource under which conditions.

The clauses are the same however the statements are cut, ordered, named or spelt.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from flywheel.review.iam import actions as tables
from flywheel.review.iam.conditions import Conditions, alternatives, covers, glob_covers
from flywheel.review.iam.template_conditions import unconditional

Effect = Literal["Allow", "Deny"]
ANYONE = "anyone"
"""`Principal: "*"`."""
_EXCEPT = "all but "


@dataclass(frozen=True)
class Clause:
    """One principal, one resource, one combination of conditions, and the actions there."""

    effect: Effect
    principal: str
    """Empty in an identity policy."""
    resource: str
    """A pattern; `all but a, b` for NotResource."""
    conditions: Conditions
    actions: frozenset[str]
    """In lower case, wildcards expanded."""
    written: frozenset[str]
    """The same as the statement says it."""

    def reaches(self, other: "Clause") -> bool:
        """Whether it is about all principals, resources and requests that the other is about."""
        return (
            self.effect == other.effect
            and _covers_principal(self.principal, other.principal)
            and _covers_resource(self.resource, other.resource)
            and covers(self.conditions, other.conditions)
        )

    def has_effect(self) -> bool:
        """Whether any of its actions can match its resource, by AWS's tables."""
        return self.resource.startswith(_EXCEPT) or any(
            tables.may_apply(action, self.resource) for action in self.actions
        )


def clauses_of(document: Mapping[str, Any]) -> Iterator[Clause]:
    """The clauses of a rendered policy document (every value a text)."""
    variables = document.get("Version") == "2012-10-17"
    for statement, template_conditions in unconditional(_list(document.get("Statement"))):
        actions, written = _actions(statement)
        for principal in _principals(statement):
            for resource in _resources(statement):
                for conditions in alternatives(statement.get("Condition") or {}):
                    yield Clause(
                        effect="Deny" if statement.get("Effect") == "Deny" else "Allow",
                        principal=principal,
                        resource=resource if variables else resource.replace("${aws:", "$ {aws:"),
                        conditions=conditions | template_conditions,
                        actions=actions,
                        written=written,
                    )


def split(clauses: Iterable[Clause], others: Iterable[Clause]) -> tuple[list[Clause], list[Clause]]:
    """What these clauses say as the others do, and what they say beyond them."""
    by_effect: dict[str, list[Clause]] = {"Allow": [], "Deny": []}
    for other in others:
        by_effect[other.effect].append(other)
    shared, beyond = [], []
    for clause in clauses:
        remaining = clause.actions
        for other in by_effect[clause.effect]:
            if remaining & other.actions and other.reaches(clause):
                remaining -= other.actions
                if not remaining:
                    break
        if clause.actions - remaining:
            shared.append(replace(clause, actions=clause.actions - remaining))
        if remaining:
            beyond.append(replace(clause, actions=remaining))
    return shared, beyond


def same_meaning(before: Iterable[Clause], after: Iterable[Clause]) -> bool:
    """Whether two policies say the same; what AWS's tables know to have no effect says nothing."""
    before, after = list(before), list(after)
    differing = [*split(before, after)[1], *split(after, before)[1]]
    return not any(clause.has_effect() for clause in differing)


def _actions(statement: Mapping[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
    if "NotAction" in statement:
        written = _list(statement["NotAction"])
        excluded = frozenset().union(*(tables.expand(str(action)) for action in written))
        # `*` in the rest: actions that the tables do not have yet are not excluded either.
        rest = (tables.every_action() | {"*"}) - excluded
        return rest, frozenset({f"{_EXCEPT}{', '.join(sorted(map(str, written)))}"})
    written = [str(action) for action in _list(statement.get("Action"))]
    expanded = frozenset().union(*(tables.expand(action) for action in written))
    return expanded, frozenset(written)


def _resources(statement: Mapping[str, Any]) -> list[str]:
    if "NotResource" in statement:
        return [_EXCEPT + ", ".join(sorted(map(str, _list(statement["NotResource"]))))]
    return [str(resource) for resource in _list(statement.get("Resource", "*"))]


def _principals(statement: Mapping[str, Any]) -> list[str]:
    for key, prefix in (("Principal", ""), ("NotPrincipal", _EXCEPT)):
        if key not in statement:
            continue
        value = statement[key]
        if not isinstance(value, Mapping):
            value = {"AWS": value}
        names = sorted(
            {_principal(kind, str(name)) for kind, names in value.items() for name in _list(names)}
        )
        return [prefix + ", ".join(names)] if prefix else names
    return [""]


def _principal(kind: str, name: str) -> str:
    if kind == "AWS":
        if name == "*":
            return ANYONE
        if name.isdecimal() or name == "${AWS::AccountId}":
            return f"arn:aws:iam::{name}:root"
    return name


def _covers_principal(wide: str, narrow: str) -> bool:
    if wide == narrow:
        return True
    if wide.startswith(_EXCEPT):
        return not narrow.startswith(_EXCEPT) and narrow not in wide and narrow != ANYONE
    return wide == ANYONE


def _covers_resource(wide: str, narrow: str) -> bool:
    if wide == narrow:
        return True
    if wide.startswith(_EXCEPT):
        excluded = wide.removeprefix(_EXCEPT).split(", ")
        if narrow.startswith(_EXCEPT):
            theirs = narrow.removeprefix(_EXCEPT).split(", ")
            return all(any(glob_covers(other, own) for other in theirs) for own in excluded)
        return not any(tables.overlap(own, narrow) for own in excluded)
    if narrow.startswith(_EXCEPT):
        return wide == "*"
    return glob_covers(wide, narrow)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
