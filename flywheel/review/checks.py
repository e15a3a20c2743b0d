"""What was checked: the rule packs' findings, who accepted them, and what cfn-lint says."""

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flywheel import gates
from flywheel.linting import lint
from flywheel.review.assembly import Acknowledgment, Environment, Stack
from flywheel.review.sections import AcceptedFinding, CheckPack, Checks, OpenCheck

CFN_LINT = "cfn-lint"


def checks(assembly: Path, environment: Environment, *, cache: Path | None = None) -> Checks:
    """What the rules say about an assembly that was synthesised with them (`nag=true`).

    Args:
        assembly: The folder; it holds the report of the rule packs.
        environment: The same environment, read from it.
        cache: Folder of what cfn-lint said before.
    """
    report = json.loads((assembly / gates.REPORT).read_text(encoding="utf-8"))
    acknowledgments = sorted(
        {
            (each, stack.id)
            for stack in environment.stacks.values()
            for each in stack.acknowledgments
        },
        key=lambda pair: (pair[0].path, pair[0].rule),
    )
    known = [each for each, _ in acknowledgments]
    packs = [
        _pack(plugin, known, environment)
        for plugin in report["pluginReports"]
        if plugin["pluginName"] in gates.RULE_PACKS
    ]
    return Checks(
        packs=(*packs, _cfn_lint(assembly, environment, cache)),
        acknowledgments=tuple(
            AcceptedFinding(
                rule=each.rule,
                stack=stack,
                path=each.path,
                reason=each.reason,
                place=_place(environment.stacks[stack], each.path),
            )
            for each, stack in acknowledgments
        ),
    )


def _pack(
    plugin: Mapping[str, Any], known: Iterable[Acknowledgment], environment: Environment
) -> CheckPack:
    found = [
        (violation, _below(construct["constructPath"], environment))
        for violation in plugin.get("violations", [])
        for construct in violation["violatingConstructs"]
    ]
    open_ = [
        OpenCheck(
            rule=violation["ruleName"],
            stack=_stack_of(path, environment),
            path=path,
            message=violation["description"].partition(" - (Control ID")[0].rstrip(".") + ".",
        )
        for violation, path in found
        if not any(each.covers(path, violation["ruleName"]) for each in known)
    ]
    return CheckPack(
        name=gates.PACK_NAMES.get(plugin["pluginName"], plugin["pluginName"]),
        version=plugin.get("pluginVersion") or "",
        findings=len(found),
        acknowledged=len(found) - len(open_),
        open=tuple(open_),
    )


def _cfn_lint(assembly: Path, environment: Environment, cache: Path | None) -> CheckPack:
    linted = lint(
        [(path, stack.region or "us-east-1") for path, stack in _templates(assembly, environment)],
        cache=cache,
    )
    by_file = {path.name: stack for path, stack in _templates(assembly, environment)}
    open_ = [
        OpenCheck(
            rule=match["Rule"]["Id"],
            stack=by_file[Path(match["Filename"]).name].id,
            path="/".join(str(step) for step in match["Location"].get("Path") or ()),
            message=match["Message"],
        )
        for matches in linted.values()
        for match in matches
    ]
    return CheckPack(
        name=CFN_LINT,
        version=version(CFN_LINT),
        findings=len(open_),
        acknowledged=0,
        open=tuple(open_),
    )


def _templates(assembly: Path, environment: Environment) -> Iterator[tuple[Path, Stack]]:
    by_name = {stack.name: stack for stack in environment.stacks.values()}
    for manifest in assembly.rglob("manifest.json"):
        for artifact in json.loads(manifest.read_bytes()).get("artifacts", {}).values():
            name = artifact.get("properties", {}).get("stackName")
            if artifact["type"] == "aws:cloudformation:stack" and name in by_name:
                yield manifest.parent / artifact["properties"]["templateFile"], by_name[name]


def _below(path: str, environment: Environment) -> str:
    return path.strip("/").removeprefix(f"{environment.name}/")


def _stack_of(path: str, environment: Environment) -> str:
    return max(
        (each for each in environment.stacks if path == each or path.startswith(f"{each}/")),
        key=len,
        default="",
    )


def _place(stack: Stack, path: str) -> str:
    """The line that declares the construct, or the first resource inside it."""
    for logical_id, where in stack.paths.items():
        if (where == path or where.startswith(f"{path}/")) and stack.sources.get(logical_id):
            return stack.sources[logical_id][0]
    return ""
