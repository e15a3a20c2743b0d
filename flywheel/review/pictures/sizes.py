"""How large the things of a picture are: their texts decide."""

from dataclasses import dataclass

from flywheel.review.pictures.drawing import Box
from flywheel.review.pictures.text import width, wrapped

TITLE, SMALL, CHIP = 13.0, 11.0, 10.0
"""Font sizes in px."""
TITLE_LINE, SMALL_LINE, CHIP_LINE = 17.0, 14.0, 17.0
PADDING = 11.0
ICON = 19.0
"""Room for the sign before a title."""
HEADER = 38.0
"""Room for the title of a frame."""
_ROOM = 190.0
_LABEL_ROOM = 150.0
_MIN_WIDTH = 84.0
_CHOICE_SLANT = 10.0


@dataclass(frozen=True)
class Lines:
    """The lines of a box, and how large that makes it."""

    chip: str
    title: tuple[str, ...]
    small: tuple[str, ...]
    width: float
    height: float


def has_icon(box: Box) -> bool:
    return box.shape in ("store", "work", "queue", "door", "note", "actor")


def measure(box: Box, words: dict[str, str]) -> Lines:
    """A box's lines and size.

    Args:
        words: The word of every mark.
    """
    if box.shape == "start":
        return Lines("", (), (), 18, 18)
    chip = words.get(box.mark, "")
    indent = ICON if has_icon(box) else 0
    title = wrapped(box.title, TITLE, _ROOM - indent, lines=2, bold=True)
    small = wrapped(box.kind, SMALL, _ROOM) if box.kind else []
    small += wrapped(box.detail, SMALL, _ROOM, lines=2) if box.detail else []
    widest = max(
        *(width(line, TITLE, bold=True) + indent for line in title),
        *(width(line, SMALL) for line in small),
        width(chip, CHIP, bold=True) + 12 if chip else 0,
        _MIN_WIDTH - 2 * PADDING,
    )
    slant = 2 * _CHOICE_SLANT if box.shape == "choice" else 0
    height = 2 * 8 + TITLE_LINE * len(title) + SMALL_LINE * len(small) + CHIP_LINE * bool(chip)
    return Lines(chip, tuple(title), tuple(small), widest + 2 * PADDING + slant, height)


def label_lines(label: str) -> list[str]:
    """An arrow's label in at most two lines."""
    return wrapped(label, SMALL, _LABEL_ROOM, lines=2)


def label_size(lines: list[str]) -> tuple[float, float]:
    """The size of an arrow's label."""
    return max(width(line, SMALL) for line in lines) + 8, SMALL_LINE * len(lines) + 4
