"""A value that the catalogue does not have, and the one that was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

from flywheel.errors import UserError


class RefusedError(UserError):
    """A value that breaks a rule.

    Attributes:
      rule: reads on after `x is VALUE;`, without a full stop.
      remedy: a sentence, or nothing.
      about: which argument is refused, where a function has several.
    """

    def __init__(self, rule: str, remedy: str = "", *, about: str = "", value: str = "") -> None:
        self.rule = rule
        self.remedy = remedy
        self.about = about
        subject = f"{about} is {value}; " if about else ""
        super().__init__(f"{subject}{rule}. {remedy}".rstrip())


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that is most like this one, if any is like it."""
    folded = {candidate.lower(): candidate for candidate in known}
    found = get_close_matches(word.lower()[:200], folded, n=1, cutoff=cutoff)
    return folded[found[0]] if found else None
