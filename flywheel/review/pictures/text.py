"""How wide a text is, without a browser.

Browsers draw with whatever font the reader has. The widths here are DejaVu Sans's, the widest of
the fonts that `system-ui` and `sans-serif` come to, so a text that fits by them fits everywhere.
"""

import re

_FIRST = 32
_REGULAR = (
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79,
    60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63,
    63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84,
)  # fmt: skip
_BOLD = (
    35, 46, 52, 84, 70, 100, 87, 31, 46, 46, 52, 84, 38, 42, 38, 37, 70, 70, 70, 70, 70, 70, 70, 70,
    70, 70, 40, 40, 84, 84, 84, 58, 100, 77, 76, 73, 83, 68, 68, 82, 84, 37, 37, 77, 64, 100, 84,
    85, 73, 85, 77, 72, 68, 81, 77, 110, 77, 72, 73, 46, 37, 46, 84, 50, 50, 67, 72, 59, 72, 68, 44,
    72, 71, 34, 34, 67, 34, 104, 71, 69, 72, 72, 49, 60, 48, 71, 65, 92, 65, 65, 58, 71, 37, 71, 84,
)  # fmt: skip
"""Advance widths of the printable ASCII characters, in hundredths of the font size."""
_OTHER = 100
_BREAK = re.compile(r"(?<=[\s/_.:,-])|(?<=[a-z0-9])(?=[A-Z])")


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of one line, in the unit of the size."""
    table = _BOLD if bold else _REGULAR
    hundredths = sum(
        table[ord(each) - _FIRST] if 0 <= ord(each) - _FIRST < len(table) else _OTHER
        for each in text
    )
    return hundredths * size / 100


def wrapped(
    text: str, size: float, room: float, *, lines: int = 1, bold: bool = False
) -> list[str]:
    """The text in lines no wider than the room; what does not fit ends in `…`."""
    found: list[str] = []
    line = ""
    pieces = [piece for piece in _BREAK.split(text) if piece]
    for index, piece in enumerate(pieces):
        if not line or width((line + piece).rstrip(), size, bold=bold) <= room:
            line += piece
            continue
        if len(found) == lines - 1:
            line += "".join(pieces[index:])
            break
        found.append(line.rstrip())
        line = piece.lstrip()
    found.append(_cut(line.rstrip(), size, room, bold=bold))
    return [_cut(each, size, room, bold=bold) for each in found]


def _cut(line: str, size: float, room: float, *, bold: bool) -> str:
    if width(line, size, bold=bold) <= room:
        return line
    while line and width(f"{line}…", size, bold=bold) > room:
        line = line[:-1]
    return f"{line.rstrip()}…"
