"""What all templates must pass: cdk-nag's two packs, the rules of `config/rules/`, cfn-lint.

The app writes every finding into its assembly, and so do the acknowledgments that stand beside the
resources (`components/acknowledge.py`). Here the two are compared: a finding that nobody
acknowledged fails, and so does an acknowledgment that no finding matches any more.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flywheel.errors import UserError
from flywheel.linting import lint

ROOT = Path(__file__).parent.parent
GUARD = "cdk-validator-cfnguard"
RULE_PACKS = ("AwsSolutions", "NIST.800.53.R5", GUARD)
PACK_NAMES = {
    "AwsSolutions": "cdk-nag AwsSolutions",
    "NIST.800.53.R5": "cdk-nag NIST.800.53.R5",
    GUARD: "CloudFormation Guard (config/rules)",
}
ACKNOWLEDGED = "flywheel:acknowledged"
"""Metadata type, the same as in `components/acknowledge.py`, which we must not import."""
REPORT = "validation-report.json"
_ELLIPSIS = "…"


@dataclass(frozen=True, order=True)
class Finding:
    """What a rule pack says about one resource."""

    path: str
    """Construct path, for example dev/DataLake/Lake/Raw/Resource."""
    rule: str
    """For example AwsSolutions-IAM5[Resource::*]."""
    description: str = ""


@dataclass(frozen=True, order=True)
class Acknowledgment:
    """A finding that somebody has accepted, for the construct and what is inside it."""

    path: str
    rule: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether it names this rule; `…` in it stands for any text."""
        inside = finding.path == self.path or finding.path.startswith(f"{self.path}/")
        return inside and _pattern(self.rule).fullmatch(finding.rule) is not None


@dataclass(frozen=True)
class Outcome:
    """What the gates have seen."""

    templates: int
    findings: int
    acknowledgments: int
    problems: tuple[str, ...]
    """One line each; none means that all gates are passed."""

    @property
    def summary(self) -> str:
        return (
            f"{self.templates} templates: {self.findings} findings of cdk-nag and config/rules, "
            f"all of them acknowledged by {self.acknowledgments} acknowledgments; cfn-lint has "
            "nothing to say."
        )


def synthesise(
    assembly: Path, *, app: Path = ROOT / "app.py", asked: Mapping[str, str] | None = None
) -> None:
    """Run the app as the CDK CLI does, with the rule packs and AWS CDK's own validation on.

    Args:
        asked: Context, as after the CLI's `-c`: env, workload.

    Raises:
        UserError: the app failed; the message is what it said.
    """
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    environment = {
        **os.environ,
        "CDK_OUTDIR": str(assembly),
        "CDK_CONTEXT_JSON": json.dumps({**context, **(asked or {}), "nag": "true"}),
        "CDK_VALIDATION": "true",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    run = subprocess.run(
        [sys.executable, str(app)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    # With findings the app ends with an error, but only after it has written everything.
    if not (assembly / REPORT).exists():
        said = (run.stderr or run.stdout).strip() or f"exit code {run.returncode}"
        raise UserError(f"The app cannot be synthesised: {said}")


def check(assembly: Path) -> Outcome:
    """All gates over a finished assembly."""
    report = _read(assembly / REPORT)
    findings = sorted(set(_findings(report)))
    acknowledgments = sorted(set(_acknowledgments(assembly)))
    stacks = list(_stacks(assembly))
    problems = [
        *_missing_packs(report),
        *_compare(findings, acknowledgments),
        *_other_reports(report),
        *sorted(_lint_line(match) for matches in lint(stacks).values() for match in matches),
    ]
    return Outcome(len(stacks), len(findings), len(acknowledgments), tuple(problems))


def _lint_line(match: Mapping[str, Any]) -> str:
    template = Path(match["Filename"]).name.removesuffix(".template.json")
    where = "/".join(str(step) for step in match["Location"].get("Path") or ())
    return f"cfn-lint {match['Rule']['Id']} {template} {where}: {match['Message']}"


def _missing_packs(report: Mapping[str, Any]) -> Iterator[str]:
    seen = {plugin["pluginName"] for plugin in report["pluginReports"]}
    for pack in RULE_PACKS:
        # The report is silent about a pack that found nothing, as ours should.
        if pack not in seen and pack != GUARD:
            yield f"{PACK_NAMES[pack]} did not run; app.py must add it where nag=true."


def _compare(
    findings: Iterable[Finding], acknowledgments: Iterable[Acknowledgment]
) -> Iterator[str]:
    unused = set(acknowledgments)
    for finding in findings:
        covering = [item for item in acknowledgments if item.covers(finding)]
        unused.difference_update(covering)
        if not covering:
            yield (
                f"rule {finding.rule} {finding.path}: {finding.description} Mend it, or call "
                "acknowledge() beside the resource with the reason."
            )
    for item in sorted(unused):
        yield (
            f"rule {item.rule} {item.path}: the acknowledgment matches no finding. "
            "Remove it, or correct the rule's name."
        )


def _other_reports(report: Mapping[str, Any]) -> Iterator[str]:
    """AWS CDK's own validation, and whatever other plugin has something to say."""
    for plugin in report["pluginReports"]:
        if plugin["pluginName"] in RULE_PACKS:
            continue
        for violation in plugin.get("violations", []):
            for construct in violation["violatingConstructs"]:
                yield (
                    f"{plugin['pluginName']} {violation['ruleName']} "
                    f"{construct.get('constructPath', '')}: {violation['description']}"
                )


def _findings(report: Mapping[str, Any]) -> Iterator[Finding]:
    for plugin in report["pluginReports"]:
        if plugin["pluginName"] not in RULE_PACKS:
            continue
        for violation in plugin["violations"]:
            for construct in violation["violatingConstructs"]:
                description = violation["description"].partition(" - (Control ID")[0].rstrip(".")
                yield Finding(construct["constructPath"], violation["ruleName"], f"{description}.")


def _acknowledgments(assembly: Path) -> Iterator[Acknowledgment]:
    for file in sorted(assembly.rglob("*.metadata.json")):
        for path, entries in _read(file).items():
            for entry in entries:
                if entry["type"] == ACKNOWLEDGED:
                    data = entry["data"]
                    yield Acknowledgment(path.removeprefix("/"), data["rule"], data["reason"])


def _stacks(assembly: Path) -> Iterator[tuple[Path, str]]:
    """Every template of the assembly and its region."""
    for manifest in sorted(assembly.rglob("manifest.json")):
        for artifact in _read(manifest).get("artifacts", {}).values():
            if artifact["type"] == "aws:cloudformation:stack":
                region = artifact["environment"].rsplit("/", 1)[-1]
                yield manifest.parent / artifact["properties"]["templateFile"], region


def _pattern(rule: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in rule.split(_ELLIPSIS)), re.DOTALL)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def run(*, builtin: bool = False) -> Outcome:
    """Synthesise into a temporary folder, for every environment, and check.

    Args:
        builtin: The workloads of config/workloads/builtin, and not ours.

    Raises:
        UserError: the app or cfn-lint fails.
    """
    with tempfile.TemporaryDirectory(prefix="flywheel-gates-") as folder:
        assembly = Path(folder) / "cdk.out"
        synthesise(
            assembly, asked={"workload": ",".join(_builtin_workloads())} if builtin else None
        )
        return check(assembly)


def _builtin_workloads() -> list[str]:
    return [path.stem for path in sorted((ROOT / "config/workloads/builtin").glob("*.yaml"))]
