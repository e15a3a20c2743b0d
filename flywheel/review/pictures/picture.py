"""Which pictures a review has, drawn one after the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from flywheel.review.assembly import Environment
from flywheel.review.pictures.architecture import architecture
from flywheel.review.pictures.drawing import Drawing
from flywheel.review.pictures.layout import Layout, lay_out
from flywheel.review.pictures.machine import machine_drawing
from flywheel.review.pictures.marks import GRAVEST, WORDS
from flywheel.review.pictures.parts import Key, Parts
from flywheel.review.pictures.selection import Selection, select
from flywheel.review.pictures.svg import as_svg
from flywheel.review.review import review
from flywheel.review.state_machines import STATE_MACHINE, definition_of
from flywheel.review.verdict import Review

_MAX_MACHINES = 3
"""More state machines are not drawn; those that change come first."""


@dataclass(frozen=True)
class Way:
    """One arrow in words: who, does what, with whom, and what happens to that."""

    source: str
    says: str
    target: str
    change: str


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        svg: For the inside of a page; `STYLE` belongs to it.
        width: Its natural width in px.
        legend: Marks and flows that are in it, each with its words.
        notes: What it leaves out.
        ways: All arrows in words.
    """

    title: str
    svg: Markup
    width: float
    height: float
    legend: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    ways: tuple[Way, ...]


@dataclass(frozen=True)
class Pictures:
    """All pictures of a review."""

    architecture: Picture
    machines: tuple[Picture, ...] = ()


def draw(
    before: Environment | None, after: Environment, *, verdict: Review | None = None
) -> Pictures:
    """Draw an environment and its state machines, with what changes in them.

    Args:
        before: What it is compared with; None where nothing is deployed yet.
        after: The environment that is reviewed.
        verdict: What the review says about the two, where it is known already.

    Raises:
        UserError: the layout engine is not installed, or it failed.
    """
    former = before or Environment(after.name, {})
    says = verdict or review(before, after, against=former.name)
    selected = select(former, after, says)
    machines = list(_machines(selected, says))
    notes = list(selected.notes)
    if len(machines) > _MAX_MACHINES:
        notes.append(f"{len(machines) - _MAX_MACHINES} more state machines are not drawn.")
    environment = architecture(
        selected.before, selected.after, says, groups=selected.groups, notes=notes
    )
    words = WORDS[says.kind]
    layouts = lay_out([environment, *machines[:_MAX_MACHINES]], words)
    pictures = [
        _picture(layout, f"picture{number}", words) for number, layout in enumerate(layouts)
    ]
    return Pictures(pictures[0], tuple(pictures[1:]))


def _machines(selected: Selection, verdict: Review) -> list[Drawing]:
    """The state machines of what is shown; those that change come first."""
    changes = {
        (each.stack, each.logical_id): each for stack in verdict.stacks for each in stack.resources
    }
    reborn = {
        (key[0], each.former_logical_id): key
        for key, each in changes.items()
        if each.former_logical_id
    }
    former = {key: old for old, key in reborn.items()}
    before, after = Parts(selected.before), Parts(selected.after)
    keys = [reborn.get(key, key) for parts in (after, before) for key in _machines_of(parts)]
    keys = sorted(dict.fromkeys(keys), key=lambda key: key not in changes)
    found = []
    for key in keys:
        old, new = _definition(before, former.get(key, key)), _definition(after, key)
        if old or new:
            part = after.by_key.get(key) or before.by_key[key]
            drawing = machine_drawing(f"State machine {part.path}", old, new, changes.get(key))
            alike = selected.stands_for.get(selected.workload_of(key[0]), ())
            if len(alike) > 1:
                note = f"It stands for those of {len(alike)} workloads that are alike."
                drawing = replace(drawing, notes=(*drawing.notes, note))
            found.append(drawing)
    return found


def _machines_of(parts: Parts) -> Iterator[Key]:
    return (key for key, part in parts.by_key.items() if part.type == STATE_MACHINE)


def _definition(parts: Parts, key: Key) -> Mapping[str, Any]:
    part = parts.by_key.get(key)
    if part is None:
        return {}
    return definition_of(part.stack, parts.properties(part.stack, part.logical_id))


def _picture(layout: Layout, name: str, words: Mapping[str, str]) -> Picture:
    drawing = layout.drawing
    names = {box.id: box.title or "start" for box in drawing.boxes}
    return Picture(
        title=drawing.title,
        svg=as_svg(layout, name),
        width=layout.width,
        height=layout.height,
        legend=tuple(_legend(drawing, words)),
        notes=drawing.notes,
        ways=tuple(
            Way(names[each.source], each.says, names[each.target], words.get(each.mark, ""))
            for each in drawing.arrows
        ),
    )


def _legend(drawing: Drawing, words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The marks and flows that are in a picture, with their words."""
    marks = {
        *(box.mark for box in drawing.boxes),
        *(arrow.mark for arrow in drawing.arrows),
        *(frame.mark for frame in drawing.frames),
    }
    yield from ((mark, words[mark]) for mark in reversed(GRAVEST) if mark and mark in marks)
    flows = {each.flow for each in drawing.arrows}
    if drawing.is_sequence:
        says = {"error": "on an error"}
    else:
        says = {"data": "data", "event": "events", "control": "starts, sets, decides"}
    yield from ((flow, text) for flow, text in says.items() if flow in flows)
    if any(box.is_open for box in drawing.boxes):
        yield "open", "faces the outside"
