"""Statements with `Fn::If` in them, as statements without: one for each outcome."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flywheel.review.iam.conditions import Condition, Conditions
from flywheel.review.intrinsics import FN_IF, NO_VALUE

OPERATOR = "template condition"
"""Operator of the condition that says when an outcome is there."""
_MAX_CONDITIONS = 6


def unconditional(statements: Iterable[Any]) -> Iterator[tuple[Mapping[str, Any], Conditions]]:
    """Every statement as it stands under each outcome of its conditions, with that outcome.

    With more than six conditions in one statement each is taken alone, the others as true.
    """
    for statement in statements:
        names = sorted(_names(statement))
        if len(names) <= _MAX_CONDITIONS:
            outcomes = list(itertools.product((True, False), repeat=len(names)))
        else:
            outcomes = [(True,) * len(names)]
            outcomes += [tuple(i != each for i in range(len(names))) for each in range(len(names))]
        for outcome in outcomes:
            decided = dict(zip(names, outcome, strict=True))
            chosen = _choose(statement, decided)
            if isinstance(chosen, Mapping):
                yield (
                    chosen,
                    frozenset(
                        Condition(OPERATOR, name, (str(value).lower(),))
                        for name, value in decided.items()
                    ),
                )


def _names(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        own = {str(value[FN_IF][0])} if FN_IF in value else set()
        return own.union(*(_names(item) for item in value.values()))
    return set().union(*(_names(item) for item in value)) if isinstance(value, list) else set()


def _choose(value: Any, decided: Mapping[str, bool]) -> Any:
    """The value under an outcome; None where there is nothing."""
    if value == NO_VALUE:
        return None
    if isinstance(value, Mapping):
        if FN_IF in value:
            name, yes, no = value[FN_IF]
            return _choose(yes if decided[str(name)] else no, decided)
        chosen = {key: _choose(item, decided) for key, item in value.items()}
        # A statement that loses all its resources is about none; without the key, about all.
        return {
            key: [] if item is None else item
            for key, item in chosen.items()
            if item is not None or key in ("Action", "Principal", "Resource")
        }
    if isinstance(value, list):
        flat: list[Any] = []
        for item in value:
            one = _choose(item, decided)
            if isinstance(one, list):
                flat += one
            elif one is not None:
                flat.append(one)
        return flat
    return value
