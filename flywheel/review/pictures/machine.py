"""The picture of a state machine: every state, what leads from one to the next, what changes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from flywheel.review.pictures.conditions import condition
from flywheel.review.pictures.drawing import Arrow, Box, Drawing, Flow, Frame, Mark, Shape
from flywheel.review.state_machines import inner_machines, states_of, task_of
from flywheel.review.verdict import ResourceChange

_MANY = 3
"""An error's target with more sources than these is written into the states, not drawn."""
_SHAPES: Mapping[str, Shape] = {"Choice": "choice", "Succeed": "end", "Fail": "end"}
_WORDS = {"Fail": "the run fails", "Succeed": "the run ends", "Map": "for each", "Choice": ""}
_START = "start"
Way = tuple[str, str, str, Flow]
"""From where, to where, the label, what goes along."""


def machine_drawing(
    title: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    change: ResourceChange | None,
) -> Drawing:
    """Draw a machine, with the states that go too.

    Args:
        title: The picture's title.
        before: The definition as it was; empty where there was none.
        after: The definition as it will be; empty where the machine goes.
        change: What the review says about the state machine.
    """
    painter = _Painter(after or before, before if after else {}, change)
    return painter.drawing(title)


class _Painter:
    def __init__(
        self, machine: Mapping[str, Any], before: Mapping[str, Any], change: ResourceChange | None
    ) -> None:
        self._machine = machine
        is_update = change is not None and change.action not in ("added", "removed")
        self._changes: dict[str, tuple[Any, Any]] = {}
        if change and is_update:
            found = [(each.path, (each.before, each.after)) for each in change.properties]
            found += [(each.property, (each.asset, each.asset)) for each in change.code]
            self._changes = {path.partition(".")[2]: sides for path, sides in found}
        self._before = before if self._changes else {}
        self._target = change.path if change and is_update else ""
        catches = Counter(
            each["Next"] for _, state in states_of(machine) for each in state.get("Catch", ())
        )
        self._common = {name for name, count in catches.items() if count > _MANY}
        self._boxes: dict[str, Box] = {}
        self._frames: list[Frame] = []
        self._ways: dict[Way, Mark] = {}

    def drawing(self, title: str) -> Drawing:
        self._add(self._machine, "", "States")
        self._mark_ways()
        count = sum(1 for _ in states_of(self._machine))
        return Drawing(
            title=title,
            description=(
                f"A state machine of {count} states that starts with "
                f"{self._machine.get('StartAt')}; the table below says the same in words."
            ),
            boxes=tuple(self._boxes.values()),
            arrows=tuple(self._arrows()),
            frames=tuple(self._frames),
            notes=self._notes(),
            is_sequence=True,
        )

    def _add(self, machine: Mapping[str, Any], frame: str, path: str) -> None:
        """The states of one machine, and of those inside of it."""
        start = f"{frame}{_START}"
        self._boxes[start] = Box(start, frame, "", shape="start")
        self._ways[start, str(machine.get("StartAt")), "", "control"] = ""
        for name, state in machine["States"].items():
            where = f"{path}.{name}"
            self._boxes[name] = self._box(name, frame, state, self._mark(where))
            for number, inside in enumerate(inner_machines(state), 1):
                inner = f"{name} {number}"
                self._frames.append(Frame(inner, f"inside {name}", around="states", parent=frame))
                key = "ItemProcessor" if "ItemProcessor" in state else "Iterator"
                place = f"Branches[{number}]" if "Branches" in state else key
                self._add(inside, inner, f"{where}.{place}.States")
                self._ways[name, f"{inner}{_START}", "", "control"] = ""
            self._ways |= dict.fromkeys(self._ways_of(name, state), "")

    def _box(self, name: str, frame: str, state: Mapping[str, Any], mark: Mark) -> Box:
        kind = str(state.get("Type", ""))
        caught = sorted({each["Next"] for each in state.get("Catch", ())} & self._common)
        return Box(
            id=name,
            frame=frame,
            title=name,
            kind=_does(state),
            detail=f"on error: {', '.join(caught)}" if caught else "",
            shape=_SHAPES.get(kind, "end" if state.get("End") and kind == "Pass" else "state"),
            mark=mark,
            target=self._target if mark else "",
            says=": ".join(filter(None, (name, str(state.get("Comment", ""))))),
        )

    def _ways_of(self, name: str, state: Mapping[str, Any]) -> Iterator[Way]:
        """All ways out of a state."""
        if state.get("Next"):
            yield name, str(state["Next"]), "", "control"
        for rule in state.get("Choices", ()):
            yield name, str(rule["Next"]), condition(rule), "control"
        if state.get("Default"):
            yield name, str(state["Default"]), "otherwise", "control"
        for catch in state.get("Catch", ()):
            if catch["Next"] not in self._common:
                errors = ", ".join(each.rsplit(".", 1)[-1] for each in catch["ErrorEquals"])
                yield name, str(catch["Next"]), "any error" if errors == "ALL" else errors, "error"

    def _mark(self, path: str) -> Mark:
        """What the review says about the state at this place of the definition."""
        found: Mark = ""
        for place, (before, after) in self._changes.items():
            if place == path:
                return "added" if before is None else "removed" if after is None else "changed"
            inside = place.startswith((f"{path}.", f"{path}["))
            if inside and ".States." not in place.removeprefix(path):
                found = "changed"
        return found

    def _mark_ways(self) -> None:
        """Mark the ways that are new between old states; add the states and ways that go."""
        if not self._before:
            return
        states = dict(states_of(self._before))
        former = {way for name, state in states.items() for way in self._ways_of(name, state)}
        for way in self._ways:
            if way not in former and {way[0], way[1]} <= set(states):
                self._ways[way] = "added"
        for name, state in states.items():
            if name not in self._boxes:
                self._boxes[name] = self._box(name, "", state, "removed")
        for way in former - set(self._ways):
            if way[1] in self._boxes:
                self._ways[way] = "removed"

    def _arrows(self) -> Iterator[Arrow]:
        """One arrow for all ways that differ in their label only."""
        alike: dict[tuple[str, str, Flow, Mark], list[str]] = {}
        for (source, target, label, flow), mark in self._ways.items():
            alike.setdefault((source, target, flow, mark), []).append(label)
        for (source, target, flow, mark), labels in alike.items():
            text = ", or ".join(filter(None, labels))
            yield Arrow(source, target, text, flow, mark, text or "then")

    def _notes(self) -> tuple[str, ...]:
        if not self._common:
            return ()
        names = " or ".join(sorted(self._common))
        return (f"“on error: …” in a state stands for an arrow to {names}.",)


def _does(state: Mapping[str, Any]) -> str:
    """What a state does, in a few words."""
    kind = str(state.get("Type", ""))
    if kind == "Task":
        task = task_of(state)
        named = task is not None and task.action
        return f"{task.service}:{task.action}" if task and named else "Lambda function"
    if kind == "Wait":
        seconds = state.get("Seconds")
        return f"waits {seconds} s" if seconds is not None else "waits"
    if kind == "Pass":
        return "the run ends" if state.get("End") else ""
    return _WORDS.get(kind, kind.lower())
