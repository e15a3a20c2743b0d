"""What is wrong with settings, said so that it can be put right: setting, value, rule, remedy."""

from collections.abc import Iterable
from dataclasses import dataclass

from flywheel.errors import UserError


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong, at one line of one file."""

    path: str
    """Relative to the repository, with forward slashes."""
    line: int
    """Counted from 1."""
    text: str
    """`setting is VALUE; RULE. REMEDY`"""

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.text}"


class SettingsError(UserError):
    """Settings that cannot be used; a line for each problem, sorted by file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))
