"""The app's own environments, a change planted in them, and a browser for each module."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flywheel.review import Environment, Review, read_environment, review
from flywheel.review.page import as_html
from flywheel.review.pictures import Pictures, draw
from tests.conftest import Assembly
from tests.review.page.browser import Browser
from tests.review.page.examples import CHECKS, COSTS, QUOTAS
from tests.review.page.planted import planted


@dataclass(frozen=True)
class Page:
    """A review with its pictures and its page."""

    verdict: Review
    pictures: Pictures
    html: str
    file: Path

    @property
    def url(self) -> str:
        return self.file.as_uri()


def page_of(before: Environment | None, after: Environment, against: str, file: Path) -> Page:
    """Write the page of a review with everything that it can have."""
    verdict = review(before, after, against=against, costs=COSTS, quotas=QUOTAS, checks=CHECKS)
    pictures = draw(before, after, verdict=verdict)
    html = as_html(verdict, pictures)
    file.write_text(html, encoding="utf-8")
    return Page(verdict, pictures, html, file)


@pytest.fixture(scope="session")
def dev(assembly: Assembly) -> Environment:
    return read_environment(assembly.path, "dev")


@pytest.fixture(scope="session")
def prod(assembly: Assembly) -> Environment:
    return read_environment(assembly.path, "prod")


@pytest.fixture(scope="session")
def careless(dev: Environment, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A careless change of dev, with something of every kind."""
    folder = tmp_path_factory.mktemp("careless")
    return page_of(dev, planted(dev, folder), "main", folder / "page.html")


@pytest.fixture(scope="session")
def compared(dev: Environment, prod: Environment, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Prod beside dev."""
    return page_of(dev, prod, "dev", tmp_path_factory.mktemp("compared") / "page.html")


@pytest.fixture(scope="session")
def fresh(dev: Environment, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Dev where nothing is deployed yet."""
    return page_of(None, dev, "nothing", tmp_path_factory.mktemp("fresh") / "page.html")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        yield running
