"""What validation finds: at which setting, its value, the rule and the remedy."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Step = str | int
Severity = Literal["problem", "warning"]
MISSING = "missing"
PRESENT = "given"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or doubtful.

    Attributes:
      steps: the way to the setting in a workload, for example ("training", "instance_type").
      value: as a message shows it; `missing` where there is none.
      rule: reads on after `setting is VALUE;`, without a full stop.
      remedy: a sentence, or nothing.
      severity: a problem is refused; a warning is only said.
    """

    steps: tuple[Step, ...]
    value: str
    rule: str
    remedy: str = ""
    severity: Severity = "problem"

    @property
    def setting(self) -> str:
        """The setting as a reader writes it: serving.variants[0].instance_type."""
        name = ""
        for step in self.steps:
            name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else step
        return name

    def __str__(self) -> str:
        return f"{self.setting} is {self.value}; {self.rule}. {self.remedy}".rstrip()


@dataclass(frozen=True)
class Findings:
    """All that was found about one training."""

    problems: tuple[Finding, ...]
    warnings: tuple[Finding, ...]

    @classmethod
    def of(cls, found: Iterable[Finding]) -> "Findings":
        """Sorted into problems and warnings, each once, in the order of finding."""
        once = tuple(dict.fromkeys(found))
        return cls(
            tuple(finding for finding in once if finding.severity == "problem"),
            tuple(finding for finding in once if finding.severity == "warning"),
        )
