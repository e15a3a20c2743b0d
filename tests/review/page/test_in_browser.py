"""The page in a real browser: Debian's Chromium, without a window."""

import shutil
from pathlib import Path

import pytest

from tests.review.page.browser import Browser, NoBrowserError, find_chromium
from tests.review.page.conftest import Page

pytestmark = pytest.mark.xdist_group("chromium")
WIDTHS = (390, 1440)
PAGES = ("careless", "compared", "fresh")
READ = (Path(__file__).parent / "read.js").read_text(encoding="utf-8")


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> Page:
    found: Page = request.getfixturevalue(request.param)
    return found


def opened(chromium: Browser, page: Page, width: int, *, dark: bool = False) -> None:
    """Load a page, with everything that it folds open."""
    chromium.open(page.url, width=width, dark=dark)
    chromium.evaluate(READ)
    chromium.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")


def test_a_missing_browser_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(NoBrowserError, match="apt-get install --no-install-recommends chromium"):
        find_chromium()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_loads_without_a_word_on_the_console_and_asks_nobody(
    chromium: Browser, page: Page, width: int
) -> None:
    chromium.open(page.url, width=width)
    assert chromium.complaints() == []
    assert chromium.requests() == [page.url]


def test_a_request_and_a_complaint_would_be_noticed(chromium: Browser, tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text(
        "<!doctype html><meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
        "<img src=other.png><p onclick='x()' style='color:red'>text"
    )
    chromium.open(file.as_uri(), width=390)
    assert any("Content Security Policy" in each for each in chromium.complaints())
    file.write_text("<!doctype html><img src=other.png><script>console.log('hello')</script>")
    chromium.open(file.as_uri(), width=390)
    assert any("hello" in each for each in chromium.complaints())
    assert any(each.endswith("other.png") for each in chromium.requests())


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window_even_when_all_is_unfolded(
    chromium: Browser, page: Page, width: int
) -> None:
    chromium.open(page.url, width=width)
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width
    opened(chromium, page, width)
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_every_section_its_title_and_every_text_is_visible(
    chromium: Browser, page: Page, width: int
) -> None:
    opened(chromium, page, width)
    titles = chromium.evaluate("visibleSections()")
    assert [each for each, _ in titles] == [
        "findings", "changes", "rights", "costs", "quotas", "checks", "pictures",
    ]  # fmt: skip
    assert all(height > 40 for _, height in titles)
    assert chromium.evaluate("cutTexts()") == []


def test_what_is_folded_opens_and_closes_by_keyboard(chromium: Browser, careless: Page) -> None:
    chromium.open(careless.url, width=1440)
    chromium.evaluate("document.querySelector('main details:not([open]) > summary').focus()")
    is_open = "document.activeElement.parentElement.open"
    assert chromium.evaluate(is_open) is False
    chromium.press("Enter", 13, text="\r")
    assert chromium.evaluate(is_open) is True
    chromium.press(" ", 32, text=" ")
    assert chromium.evaluate(is_open) is False


def test_all_that_can_be_used_is_reached_with_the_tab_key_in_the_order_of_the_page(
    chromium: Browser, careless: Page
) -> None:
    chromium.open(careless.url, width=1440)
    chromium.evaluate(READ)
    expected = chromium.evaluate("usable()")
    assert len(expected) > 40
    reached = []
    for _ in expected:
        chromium.press("Tab", 9)
        reached.append(chromium.evaluate("position(document.activeElement)"))
    assert reached == expected
    assert chromium.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_a_link_to_something_folded_unfolds_it(chromium: Browser, careless: Page) -> None:
    chromium.open(careless.url, width=1440)
    chromium.evaluate("document.querySelectorAll('details').forEach(it => it.open = false)")
    inside = "document.querySelector('.resource p.where') || document.querySelector('.resource')"
    chromium.evaluate(f"({inside}).id ||= 'inside'; location.hash = ({inside}).id")
    assert chromium.evaluate(f"({inside}).closest('details').open") is True


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_text_has_the_contrast_that_wcag_asks_for(
    chromium: Browser, page: Page, width: int, dark: bool
) -> None:
    """Level AA: 4.5 to 1, and 3 to 1 for large texts."""
    opened(chromium, page, width, dark=dark)
    assert chromium.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is dark
    assert chromium.evaluate("faintTexts()") == []


@pytest.mark.parametrize("font", ["", "DejaVu Sans", "Liberation Sans"])
def test_no_text_of_a_picture_leaves_its_box(chromium: Browser, page: Page, font: str) -> None:
    opened(chromium, page, 1440)
    if font:
        chromium.evaluate(f"document.documentElement.style.setProperty('--sans', '{font}')")
    assert chromium.evaluate("document.querySelectorAll('.picture .box text').length") > 40
    assert chromium.evaluate("spilledTexts()") == []


def test_a_text_that_leaves_its_box_would_be_noticed(chromium: Browser, careless: Page) -> None:
    opened(chromium, careless, 1440)
    chromium.evaluate("document.querySelector('.box .name').textContent += ' and much more text'")
    assert chromium.evaluate("spilledTexts()") != []


def test_on_a_narrow_screen_a_picture_scrolls_by_itself_at_readable_size(
    chromium: Browser, careless: Page
) -> None:
    opened(chromium, careless, 390)
    for size, scrolls, focus in chromium.evaluate("pictureSizes()"):
        assert size > 9.9
        assert scrolls
        assert focus == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_tables_stay_tables_for_those_who_hear_them(
    chromium: Browser, careless: Page, width: int
) -> None:
    opened(chromium, careless, width)
    nodes = chromium.send("Accessibility.getFullAXTree")["nodes"]
    roles = [each["role"]["value"] for each in nodes if "role" in each and not each["ignored"]]
    for role, selector in (
        ("table", "table"), ("row", "tr"), ("columnheader", "th[scope=col]"),
        ("rowheader", "th[scope=row]"), ("cell", "td"), ("navigation", "nav"), ("main", "main"),
        ("banner", "header"), ("contentinfo", "footer"),
    ):  # fmt: skip
        there = chromium.evaluate(f"document.querySelectorAll('{selector}').length")
        assert roles.count(role) == there > 0, role
    assert chromium.evaluate("headings()") == []


def test_printed_all_of_it_is_unfolded(chromium: Browser, careless: Page) -> None:
    chromium.open(careless.url, width=1440)
    chromium.evaluate(READ)
    assert chromium.evaluate("foldedTexts()") > 0
    chromium.print_media()
    assert chromium.evaluate("foldedTexts()") == 0
