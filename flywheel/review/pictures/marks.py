"""What changes about the things of a picture."""

from collections import Counter
from collections.abc import Iterable, Mapping

from flywheel.review.naming import neutral
from flywheel.review.pictures.drawing import Flow, Mark
from flywheel.review.pictures.flows import Flows
from flywheel.review.pictures.links import Job, Link
from flywheel.review.pictures.parts import Key, Part
from flywheel.review.verdict import Review

WORDS: Mapping[str, Mapping[str, str]] = {
    "update": {
        "added": "new",
        "changed": "changed",
        "replaced": "replaced",
        "maybe_replaced": "may be replaced",
        "removed": "removed",
    },
    "comparison": {"added": "only here", "changed": "different", "removed": "not here"},
}
"""Kind of review → mark → its word."""
GRAVEST: tuple[Mark, ...] = ("removed", "replaced", "maybe_replaced", "changed", "added", "")
Way = tuple[Key, Key, Flow]


class Marks:
    """The verdict and both versions of the ways, asked thing by thing.

    Args:
        verdict: What the review says.
        old: The ways as they were.
        new: The ways as they will be.
    """

    def __init__(self, verdict: Review, old: Flows, new: Flows) -> None:
        self.words = WORDS[verdict.kind]
        self._changes = {
            (each.stack, each.logical_id): each
            for stack in verdict.stacks
            for each in stack.resources
        }
        self._former = {
            (each.stack, each.former_logical_id): (each.stack, each.logical_id)
            for each in self._changes.values()
            if each.former_logical_id
        }
        self._stacks = {each.stack: each.action for each in verdict.stacks}
        self._old, self._new = old, new
        self._is_update = verdict.kind == "update"
        self._old_ways = {self._way(each) for each in old.links}
        self._new_ways = {self._way(each) for each in new.links}
        self._old_keys = {self.key(key) for key in old.parts.owner} | set(old.jobs)

    def key(self, key: Key) -> Key:
        """The key after, of a thing that had another logical id before."""
        return self._former.get(key, key)

    def of_stack(self, stack_id: str) -> Mark:
        action = self._stacks.get(stack_id)
        return action if action in ("added", "removed") else ""

    def counts(self, stack_id: str) -> str:
        """How many resources of a stack change: `1 replaced, 2 changed`."""
        found: Counter[Mark] = Counter(
            each.action for key, each in self._changes.items() if key[0] == stack_id
        )
        return ", ".join(f"{found[mark]} {self.words[mark]}" for mark in GRAVEST if found[mark])

    def of_part(self, part: Part) -> tuple[Mark, str, str]:
        """A part's mark, the path of its change, and what changes inside of it."""
        if self.of_stack(part.stack.id):
            return "", part.path, ""
        own = self._changes.get(self.key(part.key))
        inner = [
            self._changes[key]
            for member in sorted(part.served_by)
            if (key := self.key((part.stack.id, member))) in self._changes
        ]
        if own:
            return own.action, own.path, ""
        if inner:
            return "changed", inner[0].path, f"{len(inner)} {self.words['changed']} inside"
        return "", "", ""

    def of_job(self, job: Job) -> tuple[Mark, str]:
        """A job's mark, and the path of its change where a resource of its own changes."""
        if self.of_stack(job.key[0]):
            return "", ""
        path = next((self._changes[role].path for role in job.roles if role in self._changes), "")
        before, after = self._old.jobs.get(job.key), self._new.jobs.get(job.key)
        if after is None:
            return "removed", path
        if before is None:
            return "added", path
        return ("changed" if path or not self._alike(before, after) else ""), path

    def _alike(self, before: Job, after: Job) -> bool:
        """Whether two jobs get the same; between environments, but for their names."""
        if self._is_update:
            return before.arguments == after.arguments
        old, new = neutral(self._old.parts.environment), neutral(self._new.parts.environment)
        return old(before.arguments) == new(after.arguments)

    def of_links(self, links: Iterable[Link]) -> Mark:
        """The mark of one arrow that stands for these ways."""
        ways = [self._way(each) for each in links]
        ends = {key for way in ways for key in way[:2] if key[0]}
        if any(self.of_stack(key[0]) for key in ends) or not self._old_keys:
            return ""
        if all(way not in self._new_ways for way in ways):
            return "removed"
        if all(way not in self._old_ways for way in ways):
            return "added" if ends <= self._old_keys else ""
        carried = [
            self._changes[carrier].action
            for each in links
            for carrier in each.carriers
            if carrier in self._changes
        ]
        return min(carried, key=GRAVEST.index, default="")

    def _way(self, link: Link) -> Way:
        return self.key(link.source), self.key(link.target), link.flow
