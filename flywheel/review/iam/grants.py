"""Clauses put together again as rows of a table, for people."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from flywheel.review.iam import actions as tables
from flywheel.review.iam.clauses import Clause, Effect
from flywheel.review.iam.conditions import Condition, Conditions
from flywheel.review.verdict import Grant

MAX_NAMED_ACTIONS = 60
"""More actions than these are given as the statement writes them."""


@dataclass(frozen=True)
class _Row:
    effect: Effect
    principals: frozenset[str]
    resources: frozenset[str]
    conditions: Conditions
    actions: frozenset[str]
    written: frozenset[str]
    has_effect: bool


def rows(clauses: Iterable[Clause], readable: Callable[[str], str]) -> tuple[Grant, ...]:
    """As few rows as say the same: actions together first, then resources, principals, values."""
    found = [
        _Row(
            clause.effect,
            frozenset({clause.principal} - {""}),
            frozenset({clause.resource}),
            clause.conditions,
            clause.actions,
            clause.written,
            clause.has_effect(),
        )
        for clause in clauses
    ]
    found = _merge(found, "actions")
    found = _merge(found, "resources")
    found = _merge(found, "principals")
    found = _merge_values(found)
    return tuple(
        sorted((_grant(row, readable) for row in found), key=lambda row: row.model_dump_json())
    )


def _merge(found: list[_Row], what: str) -> list[_Row]:
    """Rows that differ in this only become one."""
    fields = ("effect", "principals", "resources", "conditions", "actions", "has_effect")
    groups: dict[Any, _Row] = {}
    for row in found:
        key = tuple(getattr(row, name) for name in fields if name != what)
        other = groups.get(key)
        groups[key] = row if other is None else _union(other, row, what)
    return list(groups.values())


def _union(left: _Row, right: _Row, what: str) -> _Row:
    changes: dict[str, Any] = {
        "written": left.written | right.written,
        what: getattr(left, what) | getattr(right, what),
    }
    return replace(left, **changes)


def _merge_values(found: list[_Row]) -> list[_Row]:
    """Alternatives of one condition become one condition again."""
    groups: dict[Any, list[_Row]] = {}
    for row in found:
        shape = frozenset((each.operator, each.key) for each in row.conditions)
        key = (row.effect, row.principals, row.resources, row.actions, row.has_effect, shape)
        groups.setdefault(key, []).append(row)
    merged = []
    for rows_ in groups.values():
        varying = frozenset.union(*(row.conditions for row in rows_)) - frozenset.intersection(
            *(row.conditions for row in rows_)
        )
        if len({(each.operator, each.key) for each in varying}) != 1:
            merged += rows_
            continue
        sample = next(iter(varying))
        values = sorted({value for each in varying for value in each.values})
        one = Condition(sample.operator, sample.key, tuple(values))
        merged.append(replace(rows_[0], conditions=(rows_[0].conditions - varying) | {one}))
    return merged


def _grant(row: _Row, readable: Callable[[str], str]) -> Grant:
    return Grant(
        effect=row.effect,
        principals=tuple(sorted(readable(name) for name in row.principals)),
        actions=_names(row),
        num_actions=len(row.actions),
        access=tables.access_levels(row.actions),
        resources=tuple(sorted(readable(name) for name in row.resources)),
        conditions=tuple(sorted(readable(each.text) for each in row.conditions)),
        has_effect=row.has_effect,
    )


def _names(row: _Row) -> tuple[str, ...]:
    meant = [tables.expand(action) for action in row.written]
    whole = frozenset().union(*meant) == row.actions
    if whole or len(row.actions) > MAX_NAMED_ACTIONS:
        return tuple(
            sorted(
                action
                if "*" in action or "?" in action
                else tables.proper_name(action.lower())
                if ":" in action and " " not in action
                else action
                for action in row.written
            )
        )
    return tuple(sorted(tables.proper_name(action) for action in row.actions))
