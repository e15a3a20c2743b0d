"""The parts of an environment: resources worth a box, with what serves them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flywheel.review.assembly import Environment, Stack
from flywheel.review.intrinsics import Resolver, references
from flywheel.review.naming import readable_path
from flywheel.review.pictures.kinds import KINDS, Kind, kind_of

Key = tuple[str, str]
"""Stack id and logical id."""
CARRIERS = ("AWS::Events::Rule", "AWS::Pipes::Pipe", "AWS::Scheduler::Schedule")
"""They carry something from one part to another: arrows, not boxes."""
_GENERIC = re.compile(
    r"Resource|Default|Application|StateMachine|Rest|RestApi|Api|Table|Function|Handler|Bucket|"
    r"Endpoint|Parameter|Repository|Stream|Domain|Cluster|Instance|Service|Group"
)
"""Construct ids that say no more than the type does."""
_ARN = re.compile(r"arn:[^:]*:(?P<service>[a-z0-9-]+):[^:]*:[^:]*:(?P<rest>[^\s\"']+)")


@dataclass
class Part:
    """A resource with a box of its own.

    Attributes:
        served_by: Logical ids of what is folded into it, of the same stack.
    """

    stack: Stack
    logical_id: str
    kind: Kind
    served_by: set[str] = field(default_factory=set)

    @property
    def key(self) -> Key:
        return self.stack.id, self.logical_id

    @property
    def type(self) -> str:
        return str(self.stack.resources[self.logical_id]["Type"])

    @property
    def path(self) -> str:
        return readable_path(self.stack, self.logical_id)

    @property
    def title(self) -> str:
        """The construct's id; with the one above it where it says too little by itself."""
        steps = self.path.split("/")
        if len(steps) > 2 and _GENERIC.fullmatch(steps[-1]):
            return steps[-2]
        return steps[-1]

    @property
    def members(self) -> set[str]:
        """Logical ids of all that the box stands for."""
        return {self.logical_id, *self.served_by}


class Parts:
    """All parts of an environment, and which of them a text names."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._resolver = Resolver(environment)
        self._properties: dict[Key, Any] = {}
        self.by_key: dict[Key, Part] = {}
        self.owner: dict[Key, Part] = {}
        for stack in environment.stacks.values():
            for part in self._of_stack(stack):
                self.by_key[part.key] = part
                self.owner |= {(stack.id, member): part for member in part.members}

    def properties(self, stack: Stack, logical_id: str) -> Any:
        """The resource's rendered properties."""
        key = stack.id, logical_id
        if key not in self._properties:
            body = stack.resources[logical_id].get("Properties", {})
            self._properties[key] = self._resolver.plain(stack, body)
        return self._properties[key]

    def members(self, part: Part) -> Iterator[tuple[str, Any]]:
        """Type and properties of all that the part's box stands for."""
        for logical_id in sorted(part.members):
            yield (
                str(part.stack.resources[logical_id]["Type"]),
                self.properties(part.stack, logical_id),
            )

    def named_in(self, value: Any) -> set[Key]:
        """Resources that a rendered value names: by reference, or in an ARN with their name."""
        return references(value) | self._named_by_arn(value)

    def parts_in(self, value: Any) -> list[Part]:
        """The parts that a rendered value names, in a fixed order."""
        keys = self.named_in(value)
        found = {self.owner[key].key: self.owner[key] for key in keys if key in self.owner}
        return [found[key] for key in sorted(found)]

    def called(self, resource_type: str, name: str) -> Part | None:
        """The part of this type with this name in its template."""
        key = self._names.get((resource_type, name))
        return self.owner.get(key) if key else None

    @cached_property
    def _names(self) -> dict[tuple[str, str], Key]:
        """(type, name) → resource, of all with a fixed name."""
        found = {}
        for key, part in self.by_key.items():
            name = self.properties(part.stack, part.logical_id).get(part.kind.named_by)
            if part.kind.arn and isinstance(name, str):
                found[part.type, name.strip("/")] = key
        return found

    def _named_by_arn(self, value: Any) -> set[Key]:
        found = set()
        for text in _texts(value):
            # The account's symbol has colons of its own.
            for match in _ARN.finditer(text.replace("${AWS::AccountId}", "")):
                whole = f"{match['service']}:{match['rest']}"
                for resource_type, kind in KINDS.items():
                    for prefix in kind.arn:
                        if whole.startswith(prefix):
                            key = self._longest(resource_type, whole.removeprefix(prefix))
                            found |= {key} if key else set()
        return found

    def _longest(self, resource_type: str, name: str) -> Key | None:
        """The resource whose name the rest of an ARN begins with: `name`, `name/…`, `name:…`."""
        for end in sorted({len(name), *(m.start() for m in re.finditer("[/:]", name))})[::-1]:
            key = self._names.get((resource_type, name[:end]))
            if key:
                return key
        return None

    def _of_stack(self, stack: Stack) -> list[Part]:
        parts, rest = [], []
        for logical_id, resource in stack.resources.items():
            kind = kind_of(str(resource["Type"]))
            if kind:
                parts.append(Part(stack, logical_id, kind))
            else:
                rest.append(logical_id)
        self._fold(stack, parts, rest)
        return parts

    def _fold(self, stack: Stack, parts: list[Part], rest: Iterable[str]) -> None:
        """Give what serves to the part that it serves: by reference, else by construct path."""
        holders = {part.logical_id: part for part in parts}
        waiting = list(rest)
        while waiting:
            left = []
            for logical_id in waiting:
                part = self._served(stack, logical_id, holders)
                if part:
                    part.served_by.add(logical_id)
                    holders[logical_id] = part
                else:
                    left.append(logical_id)
            if len(left) == len(waiting):
                break
            waiting = left
        for logical_id in waiting:
            near = _nearest(stack, logical_id, parts)
            if near:
                near.served_by.add(logical_id)

    def _served(self, stack: Stack, logical_id: str, holders: Mapping[str, Part]) -> Part | None:
        """The one part that names this resource, or else the one that it names."""
        named = self._named_here(stack, logical_id)
        users = [
            each
            for each, part in holders.items()
            if not part.kind.plural and logical_id in self._named_here(stack, each)
        ]
        if stack.resources[logical_id]["Type"] in CARRIERS:
            users = []
        for among in (users, [each for each in named if each in holders]):
            parts = {holders[each].logical_id: holders[each] for each in among}
            if len(parts) == 1:
                return next(iter(parts.values()))
        return None

    def _named_here(self, stack: Stack, logical_id: str) -> set[str]:
        properties = self.properties(stack, logical_id)
        if stack.resources[logical_id]["Type"] in CARRIERS:
            properties = targets_of(properties)
        found = references(properties)
        return {name for stack_id, name in found if stack_id == stack.id}


def targets_of(properties: Mapping[str, Any]) -> list[Any]:
    """ARNs to which a rule, a schedule or a pipe hands what it gets."""
    targets = properties.get("Targets") or [properties.get("Target")]
    return [each.get("Arn") if isinstance(each, Mapping) else each for each in targets]


def _nearest(stack: Stack, logical_id: str, parts: Iterable[Part]) -> Part | None:
    """The part with the longest common construct path, if the two share a construct."""
    steps = readable_path(stack, logical_id).split("/")
    best, shared = None, 1
    for part in parts:
        if part.kind.plural:
            continue
        others = part.path.split("/")
        common = next(
            (n for n, (a, b) in enumerate(zip(steps, others, strict=False)) if a != b),
            min(len(steps), len(others)),
        )
        if common > shared:
            best, shared = part, common
    return best


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    else:
        yield str(value)
