"""Where things go on the paper, and how they are drawn there."""

import json
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flywheel.errors import UserError
from flywheel.review import Environment
from flywheel.review.pictures import layout as layouts
from flywheel.review.pictures.drawing import Arrow, Box, Drawing, Frame
from flywheel.review.pictures.layout import Layout, Place, lay_out
from flywheel.review.pictures.marks import WORDS
from flywheel.review.pictures.order import upwards
from flywheel.review.pictures.picture import draw
from flywheel.review.pictures.svg import as_svg
from flywheel.review.pictures.text import width, wrapped
from tests.review.pictures.world import drawn

SVG = "{http://www.w3.org/2000/svg}"


def small(*boxes: Box, arrows: tuple[Arrow, ...] = (), frames: tuple[Frame, ...] = ()) -> Drawing:
    return Drawing("Picture", "All of it", boxes, arrows, frames)


def laid_out(drawing: Drawing) -> Layout:
    return lay_out([drawing], WORDS["update"])[0]


def inside(inner: Place, outer: Place) -> bool:
    return (
        inner.x >= outer.x
        and inner.y >= outer.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


def apart(one: Place, other: Place) -> bool:
    return (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )


def test_boxes_stand_in_their_frames_and_never_on_each_other() -> None:
    layout = laid_out(drawn())
    frames = {frame.id: place for frame, place in layout.frames}
    for box, _, place in layout.boxes:
        if box.frame:
            assert inside(place, frames[box.frame])
    places = [place for _, _, place in layout.boxes]
    for number, place in enumerate(places):
        assert all(apart(place, other) for other in places[number + 1 :])


def test_every_arrow_begins_and_ends_at_its_boxes() -> None:
    layout = laid_out(drawn())
    places = {box.id: place for box, _, place in layout.boxes}
    assert len(layout.lines) == len(layout.drawing.arrows)
    for line in layout.lines:
        for name, (x, y) in (
            (line.arrow.source, line.points[0]),
            (line.arrow.target, line.points[-1]),
        ):
            place = places[name]
            assert place.x - 1 <= x <= place.x + place.width + 1
            assert min(abs(y - place.y), abs(y - place.y - place.height)) < 1


def test_the_data_goes_down_and_only_what_leads_back_goes_up() -> None:
    drawing = drawn()
    assert upwards(drawing) == frozenset()
    names = {box.title: box.id for box in drawing.boxes}
    back = Arrow(names["Out"], names["In"])
    cycle = Drawing("x", "x", drawing.boxes, (*drawing.arrows, back), drawing.frames)
    assert upwards(cycle) == {back}
    layout = laid_out(cycle)
    places = {box.title: place for box, _, place in layout.boxes}
    assert places["In"].y < places["Queue"].y < places["Loop"].y
    assert places["In"].y < places["Training"].y < places["Out"].y


def test_the_same_drawing_is_laid_out_the_same() -> None:
    assert laid_out(drawn()) == laid_out(drawn())


def test_each_mark_has_a_word_and_a_pattern_or_a_line_of_its_own() -> None:
    marks = ("added", "changed", "replaced", "removed")
    boxes = [Box(mark, "", mark.title(), mark=mark, target=f"A/{mark}") for mark in marks]  # type: ignore[arg-type]
    root = ET.fromstring(as_svg(laid_out(small(*boxes)), "p"))
    for mark, word in (("added", "new"), ("replaced", "replaced"), ("removed", "removed")):
        group = next(
            each for each in root.iter(f"{SVG}g") if each.get("class") == f"box work {mark}"
        )
        assert word in [each.text for each in group.iter(f"{SVG}text")]
    patterns = [each for each in root.iter() if each.get("class") == "pattern"]
    assert [each.get("fill") for each in patterns] == ["url(#p-hatch)"]
    style = (Path(layouts.__file__).parent / "style.css").read_text()
    assert "stroke-dasharray" in style.split(".picture .removed .outline")[1].split("}")[0]


def test_a_marked_box_leads_to_what_the_page_says_about_it() -> None:
    root = ET.fromstring(
        as_svg(laid_out(small(Box("a", "", "Raw", mark="changed", target="L/Raw"))), "p")
    )
    link = next(root.iter(f"{SVG}a"))
    assert link.get("href") == "#at-L_2fRaw"
    assert link.get("aria-label") == "Raw, changed: to its change"


def test_a_picture_has_a_title_and_a_description_for_those_who_do_not_see_it() -> None:
    root = ET.fromstring(as_svg(laid_out(drawn()), "p"))
    assert root.get("aria-labelledby") == "p-title p-desc"
    assert root.find(f"{SVG}title").text == "Architecture of prod"  # type: ignore[union-attr]
    assert "the table below says the same in words" in root.find(f"{SVG}desc").text  # type: ignore[union-attr,operator]


def test_names_from_a_template_are_text_in_a_picture() -> None:
    evil = '"><script>alert(1)</script>'
    box = Box("a", f"f{evil}", evil, evil, evil, target=evil, mark="changed", says=evil)
    other = Box(f"b{evil}", f"f{evil}", "Other")
    drawing = small(
        box,
        other,
        arrows=(Arrow("a", other.id, evil, says=evil),),
        frames=(Frame(f"f{evil}", evil),),
    )
    root = ET.fromstring(as_svg(laid_out(drawing), "p"))
    assert [each for each in root.iter() if each.tag.endswith("script")] == []


@given(st.text(max_size=80), st.floats(20, 400), st.integers(1, 3))
def test_a_wrapped_text_fits_its_room_and_its_lines(text: str, room: float, lines: int) -> None:
    found = wrapped(text, 12, room, lines=lines)
    assert len(found) <= lines
    assert all(width(each, 12) <= room for each in found)


def test_a_name_is_broken_between_its_words_and_cut_only_at_last() -> None:
    assert wrapped("ModelPackageGroup", 13, 110, lines=2) == ["ModelPackage", "Group"]
    assert wrapped("short", 13, 110) == ["short"]
    assert wrapped("AVeryLongNameIndeed", 13, 60, lines=1)[0].endswith("…")


def test_without_the_engine_the_error_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "_ENGINE", Path("/nowhere"))
    with pytest.raises(UserError, match="make setup"):
        laid_out(small(Box("a", "", "A")))


def test_an_engine_that_fails_or_hangs_is_an_error_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = small(Box("a", "", "A"), arrows=(Arrow("a", "a"),))
    object.__setattr__(broken, "arrows", (Arrow("a", "a", label="x"),))

    def fail(*_: Any, **__: Any) -> None:
        raise subprocess.CalledProcessError(1, "node", stderr=b"Error: boom\n")

    def hang(*_: Any, **__: Any) -> None:
        raise subprocess.TimeoutExpired("node", 1)

    for fault, says in ((fail, "boom"), (hang, "TimeoutExpired")):
        monkeypatch.setattr(subprocess, "run", fault)
        with pytest.raises(UserError, match=says):
            laid_out(broken)


def test_the_pictures_of_the_app_fit_a_page(dev: Environment) -> None:
    pictures = draw(dev, dev)
    assert pictures.architecture.width < 1300
    assert pictures.machines[0].width < 1700
    assert len(pictures.architecture.svg) < 60_000
    assert json.dumps(pictures.architecture.svg).count("undefined") == 0
