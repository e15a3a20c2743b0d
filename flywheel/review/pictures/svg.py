"""A laid-out picture as SVG, for the inside of a page.

Colours are the page's CSS variables, so light and dark need no second picture. What happens to a
thing is told by a colour, by a pattern or a line, and by a word.
"""

from collections.abc import Iterator

from markupsafe import Markup

from flywheel.review.pictures.anchors import anchor
from flywheel.review.pictures.drawing import Box, Frame
from flywheel.review.pictures.layout import Layout, Line, Place
from flywheel.review.pictures.sizes import (
    CHIP_LINE,
    ICON,
    PADDING,
    SMALL_LINE,
    TITLE_LINE,
    Lines,
    has_icon,
    label_lines,
)
from flywheel.review.pictures.text import width, wrapped

_ROUND = 6.0
_HEAD = 7.0
_ICONS = {
    "store": "M1 3.5C1 1.8 11 1.8 11 3.5V10.5C11 12.2 1 12.2 1 10.5ZM1 3.5C1 5.2 11 5.2 11 3.5",
    "work": "M6 1L11 3.8V10.2L6 13L1 10.2V3.8ZM4.4 4.8L8.4 7L4.4 9.2Z",
    "queue": "M1 2.5H11V5H1ZM1 6H11V8.5H1ZM1 9.5H11V12H1Z",
    "door": "M5 2H11V12H5M0 7H7.4M5 4.4L7.6 7L5 9.6",
    "note": "M2 1.5H10V12.5H2ZM4 4.5H8M4 7H8M4 9.5H6.5",
    "actor": "M6 7A2.8 2.8 0 1 0 6 1.4A2.8 2.8 0 0 0 6 7M1 13C1 6.8 11 6.8 11 13",
}


def as_svg(layout: Layout, name: str) -> Markup:
    """The picture.

    Args:
        name: Begins the ids in it, so that a page can hold several.
    """
    drawing = layout.drawing
    parts = [
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" class="picture" role="group" '
            'viewBox="0 0 {w} {h}" width="{w}" height="{h}" '
            'aria-labelledby="{name}-title {name}-desc">'
        ).format(w=_n(layout.width), h=_n(layout.height), name=name),
        Markup('<title id="{0}-title">{1}</title><desc id="{0}-desc">{2}</desc>').format(
            name, drawing.title, drawing.description
        ),
        Markup(
            '<defs><pattern id="{}-hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><path d="M0 0V7" class="hatch"/></pattern></defs>'
        ).format(name),
        *(_frame(frame, place) for frame, place in layout.frames),
        *(_line(line) for line in layout.lines),
        *(_label(line) for line in layout.lines if line.label),
        *(_frame_title(frame, place) for frame, place in layout.frames),
        *(_box(box, lines, place, name) for box, lines, place in layout.boxes),
        Markup("</svg>"),
    ]
    return Markup("\n").join(parts)


def _frame(frame: Frame, place: Place) -> Markup:
    return Markup('<rect class="frame {} {}" {} rx="10"/>').format(
        frame.around, frame.mark, _rect(place)
    )


def _frame_title(frame: Frame, place: Place) -> Markup:
    """Above the arrows that cross it, so it stands on a ground of its own."""
    room = place.width - 24
    title = wrapped(frame.title, 13, room, bold=True)[0]
    detail = frame.detail or frame.mark
    wide = width(title, 13, bold=True)
    rest = room - wide - 14
    tail = wrapped(detail, 11, rest)[0] if detail and rest > 30 else ""
    ground = wide + (width(tail, 11) + 14 if tail else 0)
    x, y = place.x + 12, place.y + 24
    return Markup(
        '<g class="title {mark}"><rect x="{left}" y="{top}" width="{wide}" height="20"/>'
        '<text x="{x}" y="{y}">{title}{tail}</text></g>'
    ).format(
        mark=frame.mark,
        left=_n(x - 4),
        top=_n(y - 15),
        wide=_n(ground + 8),
        x=_n(x),
        y=_n(y),
        title=title,
        tail=Markup('<tspan dx="10">{}</tspan>').format(tail) if tail else "",
    )


def _line(line: Line) -> Markup:
    """The way and its heads."""
    arrow, points = line.arrow, list(line.points)
    if len(points) < 2:
        return Markup("")
    heads = [_head(points[-2], points[-1])]
    if arrow.both_ways:
        heads.append(_head(points[1], points[0]))
    return Markup(
        '<g class="way {flow} {mark}"><title>{says}</title><path d="{path}"/>{heads}</g>'
    ).format(
        flow=arrow.flow,
        mark=arrow.mark,
        says=arrow.says or arrow.label or arrow.flow,
        path=" ".join(_path(points)),
        heads=Markup("").join(heads),
    )


def _path(points: list[tuple[float, float]]) -> Iterator[str]:
    """A line with round corners."""
    yield f"M{_n(points[0][0])} {_n(points[0][1])}"
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        (ax, ay), (bx, by) = _towards(here, before), _towards(here, after)
        yield f"L{_n(ax)} {_n(ay)}Q{_n(here[0])} {_n(here[1])} {_n(bx)} {_n(by)}"
    yield f"L{_n(points[-1][0])} {_n(points[-1][1])}"


def _towards(here: tuple[float, float], there: tuple[float, float]) -> tuple[float, float]:
    """A point at most a corner's radius away, at most half of the way."""
    dx, dy = there[0] - here[0], there[1] - here[1]
    length = abs(dx) + abs(dy)
    step = min(_ROUND, length / 2) / length if length else 0
    return here[0] + dx * step, here[1] + dy * step


def _head(origin: tuple[float, float], tip: tuple[float, float]) -> Markup:
    dx, dy = tip[0] - origin[0], tip[1] - origin[1]
    length = (dx * dx + dy * dy) ** 0.5 or 1
    ux, uy = dx / length * _HEAD, dy / length * _HEAD
    corners = (
        tip,
        (tip[0] - ux - uy * 0.5, tip[1] - uy + ux * 0.5),
        (tip[0] - ux + uy * 0.5, tip[1] - uy - ux * 0.5),
    )
    return Markup('<polygon points="{}"/>').format(" ".join(f"{_n(x)},{_n(y)}" for x, y in corners))


def _label(line: Line) -> Markup:
    if line.label is None:
        return Markup("")
    lines = label_lines(line.arrow.label)
    x = line.label.x + line.label.width / 2
    spans = [
        Markup('<tspan x="{}" y="{}">{}</tspan>').format(
            _n(x), _n(line.label.y + SMALL_LINE * (number + 1) - 2), text
        )
        for number, text in enumerate(lines)
    ]
    return Markup('<text class="label {} {}"><title>{}</title>{}</text>').format(
        line.arrow.flow, line.arrow.mark, line.arrow.label, Markup("").join(spans)
    )


def _box(box: Box, lines: Lines, place: Place, name: str) -> Markup:
    says = ", ".join(filter(None, (box.says or f"{box.kind} {box.title}".strip(), lines.chip)))
    inside = Markup("").join([_outline(box, place, name), *_texts(box, lines, place)])
    body = Markup('<g class="box {} {}"><title>{}</title>{}</g>').format(
        box.shape, box.mark, says, inside
    )
    if not box.target:
        return body
    return Markup('<a href="#{}" aria-label="{}">{}</a>').format(
        anchor(box.target), f"{says}: to its change", body
    )


def _outline(box: Box, place: Place, name: str) -> Markup:
    x, y, w, h = place.x, place.y, place.width, place.height
    if box.shape == "start":
        return Markup('<circle cx="{}" cy="{}" r="7"/>').format(_n(x + w / 2), _n(y + h / 2))
    if box.shape == "choice":
        points = [(x, y + h / 2), (x + 10, y), (x + w - 10, y), (x + w, y + h / 2)]
        points += [(x + w - 10, y + h), (x + 10, y + h)]
        corners = " ".join(f"{_n(a)},{_n(b)}" for a, b in points)
        shape = Markup('<polygon class="{{}}" points="{}"{{}}/>').format(corners)
    else:
        rx = _n(min(h / 2, 15)) if box.shape in ("end", "actor") else "6"
        shape = Markup('<rect class="{{}}" {} rx="{}"{{}}/>').format(_rect(place), rx)
    found = [shape.format("outline", "")]
    if box.is_open:
        edge = Place(x - 3.5, y - 3.5, w + 7, h + 7)
        found.insert(0, Markup('<rect class="open" {} rx="9"/>').format(_rect(edge)))
    if box.mark in ("replaced", "maybe_replaced"):
        found.append(shape.format("pattern", Markup(' fill="url(#{}-hatch)"').format(name)))
    return Markup("").join(found)


def _texts(box: Box, lines: Lines, place: Place) -> Iterator[Markup]:
    slant = 10 if box.shape == "choice" else 0
    x, y = place.x + PADDING + slant, place.y + 8
    if lines.chip:
        chip = width(lines.chip, 10, bold=True) + 10
        yield Markup(
            '<rect class="chip" x="{}" y="{}" width="{}" height="14" rx="3"/>'
            '<text class="chip" x="{}" y="{}">{}</text>'
        ).format(_n(x), _n(y), _n(chip), _n(x + 5), _n(y + 10.5), lines.chip)
        y += CHIP_LINE
    left = x
    if has_icon(box):
        yield Markup('<path class="icon" transform="translate({} {})" d="{}"/>').format(
            _n(x), _n(y + 1.5), _ICONS[box.shape]
        )
        left = x + ICON
    for text in lines.title:
        y += TITLE_LINE
        yield Markup('<text class="name" x="{}" y="{}">{}</text>').format(_n(left), _n(y - 4), text)
    for text in lines.small:
        y += SMALL_LINE
        yield Markup('<text class="small" x="{}" y="{}">{}</text>').format(_n(x), _n(y - 3), text)


def _rect(place: Place) -> Markup:
    return Markup('x="{}" y="{}" width="{}" height="{}"').format(
        _n(place.x), _n(place.y), _n(place.width), _n(place.height)
    )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
