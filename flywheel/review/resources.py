"""One resource before and after: what changes, and whether it is made anew."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flywheel.review.assembly import Asset, Stack
from flywheel.review.assets import changed_files
from flywheel.review.iam.access import Side
from flywheel.review.iam.clauses import same_meaning, split
from flywheel.review.iam.documents import Document, documents_in
from flywheel.review.iam.grants import rows
from flywheel.review.naming import readable
from flywheel.review.schemas import Pointer, ResourceSchemas, values_at
from flywheel.review.values import Comparison, Difference
from flywheel.review.verdict import CodeChange, FileChange, Grant, PropertyChange

_HASH = re.compile(r"[0-9a-f]{64}")
_ATTRIBUTES = (
    "Condition", "CreationPolicy", "DeletionPolicy", "UpdatePolicy", "UpdateReplacePolicy",
)  # fmt: skip
_NO_POLICY = ("", "ManagedPolicyArns")
"""Documents that we made up: these properties hold none."""
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True)
class Compared:
    """The result for one pair of resources."""

    properties: tuple[PropertyChange, ...]
    code: tuple[CodeChange, ...]
    forces: str
    """"replacement", "maybe_replacement" or nothing."""
    reworded: bool
    """Whether a policy of it says the same in other words."""


class ResourceComparison:
    """Compares resources of one stack with those of another version of it.

    Args:
        before: The side that was.
        after: The side that will be.
        schemas: The resource schemas of the region.
    """

    def __init__(self, before: Side, after: Side, schemas: ResourceSchemas) -> None:
        self._before, self._after, self._schemas = before, after, schemas
        self._assets: dict[tuple[str, str], tuple[FileChange, ...] | None] = {}

    def same(self, before: str, after: str) -> bool:
        """Whether two texts say the same, whichever environment they are from."""
        return before == after or self._before.neutral(before) == self._after.neutral(after)

    def properties(self, side: Side, stack: Stack, logical_id: str) -> dict[str, Any]:
        """The resource's properties and attributes, rendered; changed ids have their new name."""
        resource = stack.resources[logical_id]
        found = {name: resource[name] for name in _ATTRIBUTES if name in resource}
        found["Properties"] = resource.get("Properties", {})
        rendered: dict[str, Any] = mapped(side.resolver.plain(stack, found), side.rename)
        return rendered

    def are_equal(self, before: Stack, after: Stack, old: str, new: str) -> bool:
        """Whether two resources have the same properties."""
        left = self.properties(self._before, before, old)["Properties"]
        right = self.properties(self._after, after, new)["Properties"]
        return self._comparison(after.resources[new]["Type"]).equal(left, right)

    def compare(self, before: Stack, old: str, after: Stack, new: str) -> Compared:
        resource_type = after.resources[new]["Type"]
        left = self.properties(self._before, before, old)
        right = self.properties(self._after, after, new)
        comparison = self._comparison(resource_type)
        if left == right:
            return Compared((), (), "", reworded=False)
        reworded = self._put_policies_aside(
            _policies(before, old, self._before),
            _policies(after, new, self._after),
            left["Properties"],
            right["Properties"],
        )
        forces = dict(self._forces(resource_type, comparison, left, right))
        changes, code = [], []
        for pointer, difference in _located(comparison, left, right):
            files = self._code(difference)
            if files:
                code.append(files)
            else:
                changes.append(self._change(pointer, difference, forces))
        strongest = next(
            (kind for kind in ("replacement", "maybe_replacement") if kind in forces.values()), ""
        )
        return Compared(tuple(changes), tuple(code), strongest, reworded and not changes)

    def _comparison(self, resource_type: str) -> Comparison:
        return Comparison(self.same, lambda path: self._schemas.is_set(resource_type, path))

    def _forces(
        self,
        resource_type: str,
        comparison: Comparison,
        left: Mapping[str, Any],
        right: Mapping[str, Any],
    ) -> Iterator[tuple[Pointer, str]]:
        """The create-only properties that differ."""
        for kind, pointers in (
            ("maybe_replacement", self._schemas.conditional_create_only(resource_type)),
            ("replacement", self._schemas.create_only(resource_type)),
        ):
            for pointer in pointers:
                was = list(values_at(left["Properties"], pointer))
                now = list(values_at(right["Properties"], pointer))
                if not comparison.equal(was, now):
                    yield pointer, kind

    def _change(
        self, pointer: Pointer, difference: Difference, forces: Mapping[Pointer, str]
    ) -> PropertyChange:
        found = [
            kind
            for forcing, kind in forces.items()
            if pointer[: len(forcing)] == forcing or forcing[: len(pointer)] == pointer
        ]
        kind = "replacement" if "replacement" in found else found[0] if found else ""
        return PropertyChange(
            path=difference.label,
            before=_shown(self._before, difference.before),
            after=_shown(self._after, difference.after),
            forces=kind,  # type: ignore[arg-type]
        )

    def _put_policies_aside(
        self,
        was: Mapping[str, Document],
        now: Mapping[str, Document],
        left: dict[str, Any],
        right: dict[str, Any],
    ) -> bool:
        """Let a policy differ only where its meaning does; whether one is only worded otherwise."""
        reworded = False
        for path in was.keys() & now.keys():
            steps = [match[1] or int(match[2]) for match in _STEP.finditer(path)]
            old, new = self._before.clauses(was[path].body), self._after.clauses(now[path].body)
            if same_meaning(old, new):
                reworded |= not self._comparison("").equal(was[path].body, now[path].body)
                _put(left, steps, "")
                _put(right, steps, "")
            else:
                lost, gained = split(old, new)[1], split(new, old)[1]
                _put(left, steps, _Policy.of(rows(lost, self._before.readable)))
                _put(right, steps, _Policy.of(rows(gained, self._after.readable)))
        return reworded

    def _code(self, difference: Difference) -> CodeChange | None:
        """The files' difference, where only the hash of an asset differs."""
        if not (isinstance(difference.before, str) and isinstance(difference.after, str)):
            return None
        was = _asset(self._before, difference.before)
        now = _asset(self._after, difference.after)
        if was is None or now is None or was.hash == now.hash:
            return None
        if not self.same(
            difference.before.replace(was.hash, ""), difference.after.replace(now.hash, "")
        ):
            return None
        key = was.hash, now.hash
        if key not in self._assets:
            self._assets[key] = changed_files(was, now)
        return CodeChange(asset=now.name, property=difference.label, files=self._assets[key])


class _Policy(tuple[str, ...]):
    """What a policy gained or lost, as a property's value."""

    __slots__ = ()

    @classmethod
    def of(cls, grants: tuple[Grant, ...]) -> "_Policy":
        return cls(in_words(grant) for grant in grants)


def in_words(grant: Grant) -> str:
    """One row as one sentence."""
    who = f"{', '.join(grant.principals)}: " if grant.principals else ""
    verb = "may" if grant.effect == "Allow" else "must not"
    conditions = f" if {' and '.join(grant.conditions)}" if grant.conditions else ""
    resources = ", ".join(grant.resources)
    return f"{who}{verb} {', '.join(grant.actions)} on {resources}{conditions}"


def _shown(side: Side, value: Any) -> Any:
    return list(value) if isinstance(value, _Policy) else readable(side.environment, value)


def mapped(value: Any, text: Callable[[str], str]) -> Any:
    """A rendered value with every text in it passed through a function."""
    if isinstance(value, dict):
        return {key: mapped(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [mapped(item, text) for item in value]
    return text(value) if isinstance(value, str) else value


def _located(
    comparison: Comparison, left: Mapping[str, Any], right: Mapping[str, Any]
) -> Iterator[tuple[Pointer, Difference]]:
    """Differences of the properties, each with its place in the schema, then of the attributes."""
    for difference in comparison.differences(left["Properties"], right["Properties"]):
        yield difference.path, difference
    for name in _ATTRIBUTES:
        for difference in comparison.differences({name: left.get(name)}, {name: right.get(name)}):
            yield ("", name), difference


def _policies(stack: Stack, logical_id: str, side: Side) -> dict[str, Document]:
    documents = documents_in(stack, logical_id, stack.resources[logical_id], side.resolver)
    return {each.place: each for each in documents if each.place not in _NO_POLICY}


def _put(target: Any, steps: list[Any], value: Any) -> None:
    for step in steps[:-1]:
        target = target[step]
    target[steps[-1]] = value


def _asset(side: Side, text: str) -> Asset | None:
    assets = side.resolver.assets
    found = [assets[digest] for digest in _HASH.findall(text) if digest in assets]
    return found[0] if len(found) == 1 else None
