"""What 40 workloads have in common is said once: things by workload, alike ones together."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from flywheel.review.pictures.workloads import SHARED, workloads
from flywheel.review.verdict import Finding, Review

FEW_STACKS = 12
"""So many changed stacks are shown one after the other; more of them, workload by workload."""
_NAME = "‹workload›"
_DIGEST = re.compile(r"(?<=[0-9A-F]{8})[0-9a-f]{32}\b")
"""What CDK adds to the logical id of an API's deployment, so that a changed API is deployed."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@dataclass(frozen=True)
class Group[Item]:
    """The things of one workload.

    Attributes:
        workload: Its name; nothing for what all of them share, or where they are not told apart.
        items: What is shown.
        like: The names of other workloads for which it is the same.
    """

    workload: str
    items: tuple[Item, ...]
    like: tuple[str, ...] = ()


class Workloads:
    """The workloads that a verdict speaks of, told by the names of their stacks."""

    def __init__(self, verdict: Review) -> None:
        found = workloads(
            [each.stack for each in verdict.stacks]
            + [each.stack for each in verdict.access]
            + [each.stack for each in (verdict.costs.stacks if verdict.costs else ())]
        )
        self._names = {
            stack: name
            for name, steps in found.items()
            for stack in steps.values()
            if name != SHARED
        }
        self.count = len(set(self._names.values()))
        self._patterns = {name: _spellings(name) for name in self._names.values()}

    def of(self, stack: str) -> str:
        """The workload of a stack; nothing for a shared one."""
        return self._names.get(stack, SHARED)

    def neutral(self, stack: str, text: str) -> str:
        """The text without the name of the stack's workload, and without what comes of it."""
        name = self.of(stack)
        return _DIGEST.sub("", self._patterns[name].sub(_NAME, text)) if name else text

    def grouped[Item: BaseModel](
        self, items: Sequence[Item], stack_of: Callable[[Item], str]
    ) -> list[Group[Item]]:
        """Things by workload, the shared ones first; alike workloads as one group."""
        stacks = {stack_of(each) for each in items}
        if self.count < 2 or len(stacks) <= FEW_STACKS:
            return [Group(SHARED, tuple(items))] if items else []
        found: dict[str, list[Item]] = {}
        for each in items:
            found.setdefault(self.of(stack_of(each)), []).append(each)
        alike: dict[str, list[str]] = {}
        for name, own in found.items():
            if name != SHARED:
                says = "\n".join(
                    self.neutral(stack_of(each), each.model_dump_json()) for each in own
                )
                alike.setdefault(says, []).append(name)
        groups = [Group(SHARED, tuple(found[SHARED]))] if SHARED in found else []
        return groups + [
            Group(first, tuple(found[first]), tuple(others)) for first, *others in alike.values()
        ]

    def _others(self, stack: str, stacks: Iterable[str]) -> Iterable[str]:
        """Names of the other workloads of these stacks, each once."""
        return dict.fromkeys(
            name for each in stacks if (name := self.of(each)) not in (self.of(stack), SHARED)
        )

    def findings(self, found: Iterable[Finding]) -> list[Group[Finding]]:
        """Findings in their order; what is said of several workloads is said once."""
        alike: dict[str, list[Finding]] = {}
        for each in found:
            alike.setdefault(self.neutral(each.stack, each.model_dump_json()), []).append(each)
        return [
            Group(
                self.of(first.stack),
                (first,),
                tuple(self._others(first.stack, (each.stack for each in others))),
            )
            for first, *others in alike.values()
        ]


def _spellings(name: str) -> re.Pattern[str]:
    """`FlightDelay` is also `flight_delay` and `flight-delay`."""
    words = [re.escape(word) for word in _WORD.findall(name)]
    return re.compile("[-_ ]?".join(words), re.IGNORECASE)
