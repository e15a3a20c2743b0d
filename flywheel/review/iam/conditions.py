"""Conditions of a statement in a normal form, and which of two lets more through."""

import ipaddress
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_SAME_AS = {"ArnEquals": "ArnLike", "ArnNotEquals": "ArnNotLike"}
"""Operators that AWS documents as alike. Source: IAM User Guide, 'Condition operators'."""
_MAX_ALTERNATIVES = 64
_NEGATIVE = re.compile(r"Not(?:Equals|Like|IpAddress)")


@dataclass(frozen=True, order=True)
class Condition:
    """One operator and key with the values of which one must match (or, negated, none)."""

    operator: str
    """With its ForAnyValue: or IfExists, as AWS spells it."""
    key: str
    """In lower case: AWS does not tell the case of keys."""
    values: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"{self.operator} {self.key} {' or '.join(self.values)}"

    def covers(self, narrow: "Condition") -> bool:
        """Whether all that meets the other condition meets this one too, as far as we can tell."""
        if self.key != narrow.key:
            return False
        mine, theirs = self.operator, narrow.operator
        if mine.endswith("IfExists") and not theirs.endswith("IfExists"):
            mine = mine.removesuffix("IfExists")
        if mine == theirs.replace("Equals", "Like") and "Like" in mine and not _negative(mine):
            theirs = mine
        if mine != theirs:
            return False
        if _negative(mine):
            return set(self.values) <= set(narrow.values)
        return all(
            any(_matches(mine, own, value) for own in self.values) for value in narrow.values
        )


Conditions = frozenset[Condition]


def alternatives(block: Mapping[str, Any]) -> list[Conditions]:
    """A statement's Condition block, with one entry for each alternative.

    `StringEquals: {k: [a, b]}` says the same as two statements with a and with b; so it becomes
    two entries, unless there are too many.
    """
    conditions = [
        _condition(operator, key, _texts(values))
        for operator, pairs in block.items()
        for key, values in pairs.items()
    ]
    choices = [
        [Condition(each.operator, each.key, (value,)) for value in each.values]
        if _is_choice(each)
        else [each]
        for each in conditions
    ]
    num = 1
    for choice in choices:
        num *= len(choice)
    if num > _MAX_ALTERNATIVES:
        return [frozenset(conditions)]
    return [frozenset(combination) for combination in itertools.product(*choices)]


def covers(wide: Conditions, narrow: Conditions) -> bool:
    """Whether the wide conditions let through all that the narrow ones do."""
    return all(any(mine.covers(theirs) for theirs in narrow) for mine in wide)


def _condition(operator: str, key: str, values: Iterable[str]) -> Condition:
    prefix, _, name = operator.rpartition(":")
    if_exists = "IfExists" if name.endswith("IfExists") else ""
    name = name.removesuffix("IfExists")
    name = _SAME_AS.get(name, name)
    values = tuple(sorted(set(values)))
    if name in ("StringLike", "StringNotLike") and not any(set("*?") & set(v) for v in values):
        name = name.replace("Like", "Equals")
    if name in ("Bool", "Null"):
        values = tuple(value.lower() for value in values)
    return Condition(f"{prefix}:{name}{if_exists}".lstrip(":"), key.lower(), values)


def _is_choice(condition: Condition) -> bool:
    return (
        len(condition.values) > 1
        and not _negative(condition.operator)
        and not condition.operator.startswith("ForAllValues:")
    )


def _negative(operator: str) -> bool:
    return _NEGATIVE.search(operator) is not None


def _matches(operator: str, pattern: str, value: str) -> bool:
    if "Like" in operator:
        return glob_covers(pattern, value)
    if "IpAddress" in operator:
        return _network_covers(pattern, value)
    return pattern == value


def glob_covers(wide: str, narrow: str) -> bool:
    """Whether a pattern with `*` and `?` matches all that another one does."""
    if wide in (narrow, "*"):
        return True
    if "*" not in wide and "?" not in wide:
        return False
    expression = "".join(
        ".*" if char == "*" else "[^*]" if char == "?" else re.escape(char) for char in wide
    )
    return re.fullmatch(expression, narrow, re.DOTALL) is not None


def _network_covers(wide: str, narrow: str) -> bool:
    try:
        large = ipaddress.ip_network(wide, strict=False)
        small = ipaddress.ip_network(narrow, strict=False)
    except ValueError:
        return wide == narrow
    if isinstance(large, ipaddress.IPv4Network) and isinstance(small, ipaddress.IPv4Network):
        return small.subnet_of(large)
    if isinstance(large, ipaddress.IPv6Network) and isinstance(small, ipaddress.IPv6Network):
        return small.subnet_of(large)
    return False


def _texts(values: Any) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list) else [str(values)]
