"""The pictures of a review: the environment's architecture and its state machines, as SVG.

pictures = draw(before, after, verdict=verdict)
page = as_html(verdict, pictures)

All of it comes from the assembly. Where things go on the paper is decided by ELK.
"""

from pathlib import Path

from flywheel.review.pictures.layout import find_engine
from flywheel.review.pictures.picture import Picture, Pictures, draw

STYLE = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
"""What a page that shows the pictures needs in its style."""

__all__ = ["STYLE", "Picture", "Pictures", "draw", "find_engine"]
