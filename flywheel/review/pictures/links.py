"""The ways between parts, and what stands beside the parts that templates declare."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flywheel.review.intrinsics import references
from flywheel.review.pictures.drawing import Flow
from flywheel.review.pictures.parts import Key, Parts
from flywheel.review.pictures.verbs import Verb

OUTSIDE = ""
"""The stack of what stands outside of all stacks."""
CALLERS: Key = (OUTSIDE, "callers")
PRODUCERS: Key = (OUTSIDE, "producers")
PEOPLE: Key = (OUTSIDE, "people")
CLOCK: Key = (OUTSIDE, "clock")
ACTORS: Mapping[Key, str] = {
    PRODUCERS: "producers of data",
    CLOCK: "the clock",
    CALLERS: "callers",
    PEOPLE: "people",
}
"""Who stands outside; a picture begins with the first of them."""


@dataclass(frozen=True)
class Link:
    """One way.

    Attributes:
        verb: What the source does, or what the target does with it.
        label: What stands at the arrow, where the arrow alone does not say it.
        carriers: The resources that make it: a rule, a pipe.
    """

    source: Key
    target: Key
    verb: str
    flow: Flow
    label: str = ""
    carriers: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Job:
    """What a state machine starts under a role, and no template declares.

    Attributes:
        arguments: What it is started with, to tell whether that changes.
        roles: The roles that are passed to it.
    """

    key: Key
    title: str
    kind: str
    detail: str
    arguments: str
    roles: frozenset[Key]


def link(source: Key, target: Key, verb: Verb, label: str = "", *carriers: Key) -> Link:
    """The way that an action of the source on the target makes."""
    ends = (target, source) if verb.backwards else (source, target)
    return Link(*ends, verb.text, verb.flow, label, carriers)


def roles_in(parts: Parts, value: Any) -> set[Key]:
    """The roles that a rendered value names."""
    stacks = parts.environment.stacks
    return {
        (stack_id, logical_id)
        for stack_id, logical_id in references(value)
        if stack_id in stacks
        and stacks[stack_id].resources.get(logical_id, {}).get("Type") == "AWS::IAM::Role"
    }
