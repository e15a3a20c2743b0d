"""Names of the places in the page that a picture or a list points to."""

import re


def anchor(path: str) -> str:
    """The id of what the page says about a construct path."""
    return "at-" + re.sub(r"[^A-Za-z0-9]", lambda match: f"_{ord(match[0]):x}", path)
