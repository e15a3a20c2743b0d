"""What a picture shows, before anybody knows where on the paper it goes."""

from dataclasses import dataclass
from typing import Literal

Mark = Literal["", "added", "changed", "replaced", "maybe_replaced", "removed"]
"""What happens to a thing; each has a colour, a pattern and its word."""
Shape = Literal[
    "store", "work", "queue", "door", "note", "actor", "choice", "state", "end", "start"
]
"""How a box is drawn: what keeps data, what computes, what waits in line, what others call …"""
Flow = Literal["data", "event", "control", "error"]
"""What goes along an arrow."""


@dataclass(frozen=True)
class Box:
    """One thing.

    Attributes:
        frame: The frame that it stands in; nothing for what stands outside.
        title: Its name.
        kind: What it is, in words.
        detail: One more fact.
        mark: What happens to it.
        target: Construct path of the change that the page shows for it.
        says: The whole of it in a sentence, for those who do not see the picture.
        is_open: Whether it faces the outside.
    """

    id: str
    frame: str
    title: str
    kind: str = ""
    detail: str = ""
    shape: Shape = "work"
    mark: Mark = ""
    target: str = ""
    says: str = ""
    is_open: bool = False


@dataclass(frozen=True)
class Arrow:
    """One way from a box to another.

    Attributes:
        says: The same as a sentence's middle: `reads`, `puts files`.
        both_ways: Whether as much comes back.
    """

    source: str
    target: str
    label: str = ""
    flow: Flow = "data"
    mark: Mark = ""
    says: str = ""
    both_ways: bool = False


@dataclass(frozen=True)
class Frame:
    """What stands around boxes: a stack, a workload's stacks, the states inside of a state.

    Attributes:
        around: What it stands around.
        parent: The frame around it.
    """

    id: str
    title: str
    detail: str = ""
    mark: Mark = ""
    around: Literal["stack", "workload", "states"] = "stack"
    parent: str = ""


@dataclass(frozen=True)
class Drawing:
    """A whole picture; its arrows go down.

    Attributes:
        notes: What the picture leaves out, in sentences for its caption.
        is_sequence: Whether one thing comes after the other from a start on.
    """

    title: str
    description: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    frames: tuple[Frame, ...] = ()
    notes: tuple[str, ...] = ()
    is_sequence: bool = False
