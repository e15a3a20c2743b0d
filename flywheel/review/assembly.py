"""A cloud assembly (`cdk.out`) read from its files: environments, stacks, construct paths, assets.

Nothing is asked of AWS and nothing is synthesised: all that a review says comes from these files.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flywheel.errors import UserError

ACKNOWLEDGED = "flywheel:acknowledged"
"""Metadata type of our acknowledgments, the same as in `components/acknowledge.py`."""
ACKNOWLEDGED_BY_CDK = "aws:cdk:acknowledged-rules"
_STACK = "aws:cloudformation:stack"
_STAGE = "cdk:cloud-assembly"
_FRAME = re.compile(r"^.*\((?P<file>[^()]+\.py):(?P<line>\d+)(?::\d+)?\)$")
_UNKNOWN = re.compile(r"unknown-(account|region)")


@dataclass(frozen=True)
class Acknowledgment:
    """A rule's finding that somebody accepted, for the construct and what is inside it."""

    path: str
    """Construct path below the environment, for example DataLake/Lake/Spark/JobRole."""
    rule: str
    """For example `AwsSolutions-IAM5[Resource::…/*]`; `…` stands for any text."""
    reason: str

    def covers(self, path: str, rule: str) -> bool:
        inside = path == self.path or path.startswith(f"{self.path}/")
        pattern = ".*".join(re.escape(part) for part in self.rule.split("…"))
        return inside and re.fullmatch(pattern, rule, re.DOTALL) is not None


@dataclass(frozen=True)
class Asset:
    """Code that a stack takes along: a file, an archive or a folder."""

    hash: str
    name: str
    """For example Training/Code."""
    path: Path


@dataclass(frozen=True)
class Stack:
    """One template and what the assembly knows about it."""

    id: str
    """Construct path below the environment, the same in every environment: DataLake."""
    name: str
    """Name in CloudFormation: dev-DataLake."""
    environment: str
    region: str | None
    account: str | None
    template: Mapping[str, Any]
    paths: Mapping[str, str] = field(default_factory=dict)
    """Logical id → construct path below the environment."""
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Logical id → lines of code, the innermost first: `components/data_lake.py:53`."""
    assets: Mapping[str, Asset] = field(default_factory=dict)
    acknowledgments: tuple[Acknowledgment, ...] = ()
    termination_protection: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        resources: Mapping[str, Mapping[str, Any]] = self.template.get("Resources", {})
        return resources


@dataclass(frozen=True)
class Environment:
    """The stacks of one stage, by id, in the order of the assembly."""

    name: str
    stacks: Mapping[str, Stack]

    @property
    def assets(self) -> dict[str, Asset]:
        """All stacks' code by its hash: one stack may use what another one takes along."""
        return {
            digest: asset
            for stack in self.stacks.values()
            for digest, asset in stack.assets.items()
        }


def read_assembly(folder: Path, *, root: Path | None = None) -> dict[str, Environment]:
    """All environments of an assembly: each stage is one.

    Args:
        folder: The `cdk.out` folder.
        root: Folder to which lines of code are relative; without it, the folder that all files
            of the assembly's stack traces share. The traces are there when the app was
            synthesised with JSII_HOST_STACK_TRACES=1.

    Raises:
        UserError: the folder is no assembly, or one that cannot be read.
    """
    manifest = _manifest(folder)
    environments = {}
    for artifact in manifest.get("artifacts", {}).values():
        if artifact["type"] == _STAGE:
            properties = artifact["properties"]
            name = properties.get("displayName") or properties["directoryName"]
            environments[name] = _read_stage(folder / properties["directoryName"], name, root)
    if not environments:
        raise UserError(f"{folder} has no stages; a review needs one nested assembly a stage.")
    return environments


def read_environment(folder: Path, name: str, *, root: Path | None = None) -> Environment:
    """One environment of an assembly.

    Raises:
        UserError: there is no such environment, or the folder cannot be read.
    """
    directories = {
        artifact["properties"].get("displayName"): artifact["properties"]["directoryName"]
        for artifact in _manifest(folder).get("artifacts", {}).values()
        if artifact["type"] == _STAGE
    }
    if name not in directories:
        known = ", ".join(sorted(map(str, directories))) or "none"
        raise UserError(
            f"{folder} has no environment {name}; it has {known}. Synthesise it, or name another."
        )
    return _read_stage(folder / directories[name], name, root)


def _manifest(folder: Path) -> Mapping[str, Any]:
    file = folder / "manifest.json"
    if not file.is_file():
        raise UserError(
            f"{folder} is no cloud assembly: it has no manifest.json. Run `make synth`."
        )
    return _read(file)


def _read_stage(folder: Path, name: str, root: Path | None) -> Environment:
    manifest = _manifest(folder)
    artifacts = [item for item in manifest["artifacts"].items() if item[1]["type"] == _STACK]
    metadata = {
        key: _read(folder / artifact["additionalMetadataFile"])
        if artifact.get("additionalMetadataFile")
        else artifact.get("metadata", {})
        for key, artifact in artifacts
    }
    root = root or _shared_root(metadata.values())
    stacks = [_read_stack(folder, name, item, metadata[item[0]], root) for item in artifacts]
    return Environment(name, {stack.id: stack for stack in stacks})


def _read_stack(
    folder: Path,
    environment: str,
    item: tuple[str, Mapping[str, Any]],
    metadata: Mapping[str, Any],
    root: Path | None,
) -> Stack:
    artifact_id, artifact = item
    properties = artifact["properties"]
    stack_id = _below(artifact.get("displayName", artifact_id), environment)
    account, region = artifact["environment"].removeprefix("aws://").split("/", 1)
    template = _read(folder / properties["templateFile"])
    paths, sources = {}, {}
    for path, entries in metadata.items():
        for entry in entries:
            if entry["type"] == "aws:cdk:logicalId":
                paths[entry["data"]] = _below(path, environment)
                sources[entry["data"]] = tuple(_sources(entries, root))
    for logical_id, resource in template.get("Resources", {}).items():
        path = resource.get("Metadata", {}).get("aws:cdk:path")
        if path and logical_id not in paths:
            paths[logical_id] = _below(path, environment)
    assets = folder / f"{artifact_id}.assets.json"
    return Stack(
        id=stack_id,
        name=properties.get("stackName", artifact_id),
        environment=environment,
        region=None if _UNKNOWN.fullmatch(region) else region,
        account=None if _UNKNOWN.fullmatch(account) else account,
        template=template,
        paths=paths,
        sources=sources,
        assets=dict(_assets(assets)) if assets.is_file() else {},
        acknowledgments=tuple(_acknowledgments(metadata, environment)),
        termination_protection=bool(properties.get("terminationProtection")),
        tags=properties.get("tags", {}),
    )


def _assets(file: Path) -> Iterator[tuple[str, Asset]]:
    manifest = _read(file)
    for kind in ("files", "dockerImages"):
        for digest, asset in manifest.get(kind, {}).items():
            source = asset["source"]
            path = source.get("path") or source.get("directory")
            if path and not path.endswith(".template.json"):
                where = Path(os.path.normpath(file.parent / path))
                yield digest, Asset(digest, asset.get("displayName") or Path(path).name, where)


def _acknowledgments(metadata: Mapping[str, Any], environment: str) -> Iterator[Acknowledgment]:
    for path, entries in metadata.items():
        for entry in entries:
            if entry["type"] == ACKNOWLEDGED:
                rules = {entry["data"]["rule"]: entry["data"]["reason"]}
            elif entry["type"] == ACKNOWLEDGED_BY_CDK:
                rules = entry["data"]
            else:
                continue
            for rule, reason in rules.items():
                yield Acknowledgment(_below(path, environment), rule, reason)


def _sources(entries: list[Mapping[str, Any]], root: Path | None) -> Iterator[str]:
    if root is None:
        return
    for file, line in _frames(entries):
        if Path(file).is_relative_to(root):
            yield f"{Path(file).relative_to(root).as_posix()}:{line}"


def _frames(entries: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        if entry["type"] == "aws:cdk:creationStack":
            for frame in entry["data"]:
                match = _FRAME.match(frame)
                if match and "site-packages" not in match["file"]:
                    yield match["file"], match["line"]


def _shared_root(all_metadata: Iterator[Any] | Any) -> Path | None:
    files = {
        file
        for metadata in all_metadata
        for entries in metadata.values()
        for file, _ in _frames(entries)
    }
    return Path(os.path.commonpath([Path(file).parent for file in files])) if files else None


def _below(path: str, environment: str) -> str:
    """A construct path without its first part, the environment's name."""
    return path.strip("/").removeprefix(f"{environment}/")


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}). Synthesise the app again.") from error
    return content
