"""Arrows of a picture: as few as say the same as all the ways."""

from collections.abc import Callable, Iterable, Iterator

from flywheel.review.pictures.drawing import Arrow, Flow
from flywheel.review.pictures.links import Link
from flywheel.review.pictures.marks import Marks

_ORDER: tuple[Flow, ...] = ("control", "data", "event", "error")
_MAX_LABELS = 2


def arrows(
    links: Iterable[Link], marks: Marks, box_of: Callable[[Link], tuple[str, str]]
) -> Iterator[Arrow]:
    """One arrow for all that goes from one box to another; one for both directions of data.

    Args:
        links: All ways, those that go too.
        marks: Says what changes.
        box_of: The boxes at a way's ends; empty where there is none.
    """
    pairs: dict[tuple[str, str], list[Link]] = {}
    for each in links:
        ends = box_of(each)
        if all(ends) and ends[0] != ends[1]:
            pairs.setdefault(ends, []).append(each)
    for (source, target), found in pairs.items():
        back = pairs.get((target, source), [])
        if _is_told_by(found, back):
            continue
        joined = [*found, *back] if _is_told_by(back, found) else found
        yield _arrow(source, target, found, joined, marks)


def _is_told_by(reads: list[Link], other: list[Link]) -> bool:
    """Whether an arrow back already shows that this is read too."""
    only_reads = bool(reads) and all(each.verb == "reads" for each in reads)
    return only_reads and any(
        each.verb != "reads" and each.flow in ("data", "control") for each in other
    )


def _arrow(source: str, target: str, found: list[Link], joined: list[Link], marks: Marks) -> Arrow:
    labels = list(dict.fromkeys(each.label for each in found if each.label))
    # Data goes from what is read to who reads it.
    verbs = ["is read by" if each.verb == "reads" else each.verb for each in found]
    verbs += [each.verb for each in joined if each not in found]
    return Arrow(
        source=source,
        target=target,
        label=", ".join(labels[:_MAX_LABELS]),
        flow=min((each.flow for each in found), key=_ORDER.index),
        mark=marks.of_links(joined),
        says=" and ".join(dict.fromkeys(verbs)),
        both_ways=len(joined) > len(found) and all(each.flow == "data" for each in joined),
    )
