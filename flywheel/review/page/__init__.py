"""The page of a review: one HTML file that says everything and asks nobody for anything.

page = as_html(verdict, draw(before, after, verdict=verdict))
"""

from flywheel.review.page.render import as_html

__all__ = ["as_html"]
