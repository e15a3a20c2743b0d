"""The picture of an environment: its stacks, the data's way through them, who stands outside."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from flywheel.review.assembly import Environment
from flywheel.review.naming import readable_path
from flywheel.review.pictures.arrows import arrows
from flywheel.review.pictures.drawing import Arrow, Box, Drawing, Frame, Mark
from flywheel.review.pictures.facts import fact
from flywheel.review.pictures.flows import Flows, flows_of
from flywheel.review.pictures.links import ACTORS, OUTSIDE, Job, Link
from flywheel.review.pictures.marks import Marks
from flywheel.review.pictures.parts import Key, Part
from flywheel.review.verdict import Outsider, Review

_OPEN = ("REST API", "HTTP API", "CloudFront distribution")
_MAX_STRANGERS = 4


def architecture(
    before: Environment | None,
    after: Environment,
    verdict: Review,
    *,
    groups: Mapping[str, str] | None = None,
    notes: Iterable[str] = (),
) -> Drawing:
    """Draw an environment, with what changes in it.

    Args:
        before: What it was; None where there was nothing.
        after: What it will be.
        verdict: What the review says about the two.
        groups: Stack id → title of the frame around its stack, where there is one.
        notes: What was left out.
    """
    painter = _Painter(before or Environment(after.name, {}), after, verdict, groups or {})
    return painter.drawing(tuple(notes))


class _Painter:
    def __init__(
        self,
        before: Environment,
        after: Environment,
        verdict: Review,
        groups: Mapping[str, str],
    ) -> None:
        self._before, self._after, self._verdict, self._groups = before, after, verdict, groups
        self._old, self._new = flows_of(before), flows_of(after)
        self._marks = Marks(verdict, self._old, self._new)
        self._boxes: dict[Key, Box] = {}
        self._same: dict[str, str] = {}
        """Id of a box that another one stands for → the other one's."""

    def drawing(self, notes: tuple[str, ...]) -> Drawing:
        for flows in (self._new, self._old):
            for part in flows.parts.by_key.values():
                self._boxes.setdefault(self._marks.key(part.key), self._part(flows, part))
            for job in flows.jobs.values():
                self._boxes.setdefault(job.key, self._job(job))
        self._put_together()
        found = list(arrows(self._links(), self._marks, self._ends))
        used = {end for arrow in found for end in (arrow.source, arrow.target)}
        strangers = list(self._strangers())
        stacks = list(self._stacks())
        boxes = (
            *(Box(key[1], OUTSIDE, ACTORS[key], shape="actor") for key in ACTORS if key[1] in used),
            *(box for box, _ in strangers),
            *self._boxes.values(),
            *self._empty(stacks),
        )
        return Drawing(
            title=f"Architecture of {self._after.name}",
            description=(
                f"{len(stacks)} stacks, {len(boxes)} parts, and the ways of data, events and calls "
                "between them; the table below says the same in words."
            ),
            boxes=boxes,
            arrows=(*found, *(arrow for _, arrow in strangers)),
            frames=(*self._groups_of(stacks), *stacks),
            notes=notes,
        )

    def _part(self, flows: Flows, part: Part) -> Box:
        mark, target, inside = self._marks.of_part(part)
        return Box(
            id=_id(self._marks.key(part.key)),
            frame=part.stack.id,
            title=part.title,
            kind=part.kind.name,
            detail=inside or fact(flows.parts, part),
            shape=part.kind.shape,
            mark=mark,
            target=target if mark else "",
            says=f"{part.kind.name} {part.path}",
            is_open=part.kind.name in _OPEN,
        )

    def _job(self, job: Job) -> Box:
        mark, target = self._marks.of_job(job)
        return Box(
            id=_id(job.key),
            frame=job.key[0],
            title=job.title,
            kind=job.kind,
            detail=job.detail,
            mark=mark,
            target=target,
            says=f"{job.kind} {job.title}",
        )

    def _put_together(self) -> None:
        """One box for several alarms, keys, dashboards of a stack."""
        alike: dict[tuple[str, str], list[Key]] = {}
        for flows in (self._new, self._old):
            for part in flows.parts.by_key.values():
                key = self._marks.key(part.key)
                found = alike.setdefault((part.stack.id, part.kind.plural), [])
                if part.kind.plural and key not in found:
                    found.append(key)
        for (_, plural), keys in alike.items():
            if len(keys) > 1:
                first, *others = keys
                self._boxes[first] = self._several([self._boxes[key] for key in keys], plural)
                for key in others:
                    self._same[self._boxes.pop(key).id] = _id(first)

    def _several(self, boxes: list[Box], plural: str) -> Box:
        marks = Counter(box.mark for box in boxes if box.mark)
        words = [f"{count} {self._marks.words[mark]}" for mark, count in marks.items()]
        first = boxes[0].mark
        alone: Mark = first if first and marks[first] == len(boxes) else "changed"
        return replace(
            boxes[0],
            title=f"{len(boxes)} {plural}",
            kind=", ".join(box.title for box in boxes),
            detail=", ".join(words),
            mark=alone if marks else "",
            target=next((box.target for box in boxes if box.target), ""),
            says=f"{len(boxes)} {plural}: {', '.join(box.says for box in boxes)}",
        )

    def _links(self) -> Iterator[Link]:
        """All ways after, and those from before that go."""
        after = {(each.source, each.target, each.flow) for each in self._new.links}
        yield from self._new.links
        for each in self._old.links:
            source, target = self._marks.key(each.source), self._marks.key(each.target)
            if (source, target, each.flow) not in after:
                yield replace(each, source=source, target=target)

    def _ends(self, link: Link) -> tuple[str, str]:
        return self._box_id(link.source), self._box_id(link.target)

    def _box_id(self, key: Key) -> str:
        if key in ACTORS:
            return key[1]
        name = self._same.get(_id(key), _id(key))
        return name if any(box.id == name for box in self._boxes.values()) else ""

    def _strangers(self) -> Iterator[tuple[Box, Arrow]]:
        """Principals outside the account that a policy lets in."""
        doors: dict[str, list[Outsider]] = {}
        for each in self._verdict.outsiders:
            if each.new or not each.guarded:
                doors.setdefault(each.principal, []).append(each)
        for number, (principal, found) in enumerate(doors.items()):
            target = self._box_of_path(found[0].subject)
            if target and number < _MAX_STRANGERS:
                mark: Mark = "added" if any(each.new for each in found) else ""
                box = Box(
                    f"outsider {number}",
                    OUTSIDE,
                    _who(found[0]),
                    "outside the account",
                    shape="actor",
                    mark=mark,
                    says=principal,
                )
                actions = sorted({action for each in found for action in each.actions})
                says = f"may {', '.join(actions)}"
                yield box, Arrow(box.id, target, "gets in", "data", mark, says)

    def _box_of_path(self, path: str) -> str:
        for flows in (self._new, self._old):
            for (stack_id, logical_id), part in flows.parts.owner.items():
                stack = flows.parts.environment.stacks[stack_id]
                if readable_path(stack, logical_id) == path:
                    return self._box_id(self._marks.key(part.key))
        return ""

    def _stacks(self) -> Iterator[Frame]:
        for stack_id in {**self._before.stacks, **self._after.stacks}:
            counts = "" if self._marks.of_stack(stack_id) else self._marks.counts(stack_id)
            yield Frame(
                id=stack_id,
                title=stack_id,
                detail=counts,
                mark=self._marks.of_stack(stack_id),
                parent=f"around {self._groups[stack_id]}" if stack_id in self._groups else "",
            )

    def _groups_of(self, stacks: Iterable[Frame]) -> Iterator[Frame]:
        titles = {each.parent: self._groups[each.id] for each in stacks if each.parent}
        yield from (Frame(frame_id, title, around="workload") for frame_id, title in titles.items())

    def _empty(self, stacks: Iterable[Frame]) -> Iterator[Box]:
        """Something to see in a stack of which nothing has a box."""
        filled = {box.frame for box in self._boxes.values()}
        for frame in stacks:
            if frame.id not in filled:
                stack = self._after.stacks.get(frame.id) or self._before.stacks[frame.id]
                count = len(stack.resources)
                title = f"{count} resource{'' if count == 1 else 's'}"
                yield Box(f"inside {frame.id}", frame.id, title, "roles, policies …", shape="note")


def _who(outsider: Outsider) -> str:
    """A principal as one calls it: `account 111122223333`."""
    if outsider.kind == "anyone":
        return "anyone"
    account = re.fullmatch(r"arn:[^:]*:iam::(\d+):root", outsider.principal)
    return f"account {account[1]}" if account else outsider.principal.rsplit("/", 1)[-1]


def _id(key: Key) -> str:
    return f"{key[0]} {key[1]}"
