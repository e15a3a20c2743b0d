"""Which resource of one template is which of the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flywheel.review.assembly import Stack


@dataclass(frozen=True)
class Pair:
    """A resource before and after, by logical id; None where it was or is not there."""

    before: str | None
    after: str | None

    @property
    def is_reborn(self) -> bool:
        """Whether its logical id changed, so that CloudFormation makes it anew."""
        return None not in (self.before, self.after) and self.before != self.after


def pairs(
    before: Stack, after: Stack, same_properties: Callable[[str, str], bool]
) -> Iterator[Pair]:
    """Match by logical id, then by construct path, then by the same type with the same properties.

    Args:
        before: The stack as it was.
        after: The stack as it will be.
        same_properties: Whether the resources of these two logical ids have equal properties.
    """
    old, new = before.resources, after.resources
    gone = [logical_id for logical_id in old if logical_id not in new]
    born = [logical_id for logical_id in new if logical_id not in old]
    matched: dict[str, str] = {}
    by_path = {(after.paths.get(each), new[each]["Type"]): each for each in born}
    for each in gone:
        path = before.paths.get(each)
        partner = by_path.get((path, old[each]["Type"])) if path else None
        if partner:
            matched[each] = partner
    taken = set(matched.values())
    for each in gone:
        if each in matched or not _has_substance(old[each]):
            continue
        for other in born:
            alike = other not in taken and new[other]["Type"] == old[each]["Type"]
            if alike and same_properties(each, other):
                matched[each] = other
                taken.add(other)
                break
    for logical_id in new:
        if logical_id in old:
            yield Pair(logical_id, logical_id)
        elif logical_id not in taken:
            yield Pair(None, logical_id)
    for logical_id in gone:
        yield Pair(logical_id, matched.get(logical_id))


def _has_substance(resource: Any) -> bool:
    """Two resources without properties are not one that moved."""
    return len(resource.get("Properties", {})) > 0
