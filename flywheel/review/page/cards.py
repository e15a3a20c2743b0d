"""The changes of a stack as cards: what changes alike is one, what only comes or goes is a row."""

from collections import Counter

from flywheel.review.page import values
from flywheel.review.verdict import (
    ACTIONS,
    Action,
    PropertyChange,
    ResourceChange,
    Review,
    StackChange,
)

_MANY_STACKS = 3
"""What so many stacks have in common is said once."""


def _says_more(change: ResourceChange) -> bool:
    """Whether there is more to say of a resource than that it comes or goes."""
    return bool(change.properties or change.code or change.consequence or change.former_logical_id)


def common_settings(verdict: Review) -> list[tuple[PropertyChange, int]]:
    """Settings that change alike in many stacks, each with the number of these."""
    counts = Counter(each.model_dump_json() for stack in verdict.stacks for each in stack.settings)
    return [
        (PropertyChange.model_validate_json(says), count)
        for says, count in counts.items()
        if count >= _MANY_STACKS
    ]


def cards(stack: StackChange) -> list[list[ResourceChange]]:
    """The resources of which there is more to say; those that change alike are one card."""
    alike: dict[str, list[ResourceChange]] = {}
    for change in filter(_says_more, stack.resources):
        own = {"path", "logical_id", "source", "former_logical_id"}
        if change.code:
            key = change.path
        elif all(each.because_of for each in change.properties):
            causes = [(path, forced) for path, forced, _ in values.causes(change)]
            key = f"{change.type} {change.action} {change.consequence} {causes}"
        else:
            key = change.model_dump_json(exclude=own)
        alike.setdefault(key, []).append(change)
    return list(alike.values())


def plain(stack: StackChange) -> list[tuple[Action, list[ResourceChange]]]:
    """The resources of which there is no more to say, by what happens to them."""
    rest = [change for change in stack.resources if not _says_more(change)]
    return [
        (action, found)
        for action in ACTIONS
        if (found := [change for change in rest if change.action == action])
    ]
