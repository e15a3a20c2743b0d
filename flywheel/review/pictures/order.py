"""What comes first in a picture: the data's way decides, from where it comes in."""

from collections.abc import Iterator, Mapping, Sequence

from flywheel.review.pictures.drawing import Arrow, Drawing
from flywheel.review.pictures.links import ACTORS

Fork = tuple[str, str, str]
"""A frame, and the two things right inside of it between which an arrow goes."""


def upwards(drawing: Drawing) -> frozenset[Arrow]:
    """The arrows that go back to what came before; in a sequence the layout finds them itself.

    A frame is laid out as one thing, so what counts is where the ends' frames stand.
    """
    if drawing.is_sequence:
        return frozenset()
    ways = _ways(drawing)
    forks = {arrow: _fork(ways[arrow.source], ways[arrow.target]) for arrow in drawing.arrows}
    inside: dict[str, dict[str, dict[str, None]]] = {}
    for frame, source, target in forks.values():
        inside.setdefault(frame, {}).setdefault(source, {})[target] = None
    names = [box.id for box in drawing.boxes] + [frame.id for frame in drawing.frames]
    orders = {frame: _order(names, after) for frame, after in inside.items()}
    return frozenset(
        arrow
        for arrow, (frame, source, target) in forks.items()
        if orders[frame].index(source) > orders[frame].index(target)
    )


def _ways(drawing: Drawing) -> dict[str, list[str]]:
    """For each box the frames around it, the outermost first, and itself."""
    parents = {frame.id: frame.parent for frame in drawing.frames}
    found = {}
    for box in drawing.boxes:
        way, frame = [box.id], box.frame
        while frame:
            way.append(frame)
            frame = parents[frame]
        found[box.id] = way[::-1]
    return found


def _fork(source: Sequence[str], target: Sequence[str]) -> Fork:
    """Where the ways to two boxes part."""
    depth = next(
        (n for n, (a, b) in enumerate(zip(source, target, strict=False)) if a != b),
        min(len(source), len(target)) - 1,
    )
    return (source[depth - 1] if depth else "", source[depth], target[depth])


def _order(names: Sequence[str], after: Mapping[str, Mapping[str, None]]) -> list[str]:
    """All of these, each before what its arrows go to, as far as there is no cycle."""
    reached = {target for targets in after.values() for target in targets}
    actors = [name for _, name in ACTORS if name in names]
    starts = [name for name in names if name not in reached and name not in actors]
    finished: list[str] = []
    seen: set[str] = set()
    for start in (*actors, *starts, *names):
        finished += _finished(start, after, seen)
    return finished[::-1]


def _finished(start: str, after: Mapping[str, Mapping[str, None]], seen: set[str]) -> Iterator[str]:
    """What a walk from here leaves, in the order in which it leaves it."""
    if start in seen:
        return
    seen.add(start)
    for target in after.get(start, ()):
        yield from _finished(target, after, seen)
    yield start
