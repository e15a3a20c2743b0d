"""Makes the pictures of the documentation: `python -m tests.review.page.picture`.

A change is planted in the app's own dev environment (`planted.py` says which). Its page is opened
in Chromium, and what a reader sees first is saved below docs/images, and the architecture too.
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image

from flywheel.review.checks import checks
from flywheel.review.costs import costs
from flywheel.review.page import as_html
from flywheel.review.pictures import draw
from flywheel.review.quotas import quotas
from flywheel.review.review import review
from flywheel.review.sources import of_working_tree
from flywheel.settings import load_environments
from tests.conftest import ROOT
from tests.review.page.browser import Browser
from tests.review.page.planted import planted

IMAGES = ROOT / "docs" / "images"
WIDTH = 1180
HEIGHT = 1540
COLOURS = 200
"""More than the page has; fewer make the files small."""


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        before = of_working_tree(ROOT, "dev", folder / "cdk.out", nag=True)
        after = planted(before, folder)
        settings = load_environments(ROOT / "config")["dev"].review
        verdict = review(
            before,
            after,
            against="main",
            blocking=settings.blocking,
            costs=costs(before, after, settings.costs),
            quotas=quotas(before, after),
            checks=checks(folder / "cdk.out", before),
        )
        page = folder / "page.html"
        page.write_text(as_html(verdict, draw(before, after, verdict=verdict)), encoding="utf-8")
        IMAGES.mkdir(exist_ok=True)
        with Browser(folder / "profile") as browser:
            browser.open(page.as_uri(), width=WIDTH)
            browser.screenshot(IMAGES / "review.png", height=HEIGHT)
            browser.evaluate(
                "document.body.replaceChildren(document.querySelector('.architecture .picture'))"
            )
            browser.screenshot(IMAGES / "architecture.png")
    for file in sorted(IMAGES.glob("*.png")):
        Image.open(file).convert("RGB").quantize(COLOURS).save(file, optimize=True)
        print(f"{file.relative_to(ROOT)}: {file.stat().st_size:,} bytes")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
