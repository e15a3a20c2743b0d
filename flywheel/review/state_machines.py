"""State machines' definitions, as Step Functions reads them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flywheel.review.assembly import Environment, Stack
from flywheel.review.intrinsics import Resolver
from flywheel.review.naming import readable_path

STATE_MACHINE = "AWS::StepFunctions::StateMachine"


@dataclass(frozen=True)
class Task:
    """A state that asks a service for something.

    Attributes:
        service: As in its Resource: `s3`, `sagemaker`, `emr-serverless`.
        action: The API's action, camel case, without `.sync`; nothing for a Lambda's own ARN.
        resource: The whole Resource.
        arguments: What the service is given.
    """

    service: str
    action: str
    resource: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Machine:
    """A state machine of an assembly; `path` is its construct path."""

    stack: Stack
    path: str
    definition: Mapping[str, Any]


def machines(environment: Environment, resolver: Resolver) -> Iterator[Machine]:
    """Each state machine that the assembly defines."""
    for stack in environment.stacks.values():
        for logical_id, resource in stack.resources.items():
            if resource["Type"] == STATE_MACHINE:
                properties = resolver.plain(stack, resource.get("Properties", {}))
                path = readable_path(stack, logical_id)
                yield Machine(stack, path, definition_of(stack, properties))


def definition_of(stack: Stack, properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """The definition in rendered properties; empty where the assembly does not hold it."""
    content = properties.get("Definition") or properties.get("DefinitionString")
    location = properties.get("DefinitionS3Location")
    if content is None and isinstance(location, Mapping):
        content = _asset(stack, str(location.get("Key", "")))
    text = content if isinstance(content, str) else json.dumps(content)
    for name, value in (properties.get("DefinitionSubstitutions") or {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    try:
        definition = json.loads(text)
    except ValueError:
        return {}
    return definition if isinstance(definition, dict) and "States" in definition else {}


def inner_machines(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The machines inside a Map or a Parallel state."""
    inside = state.get("ItemProcessor") or state.get("Iterator")
    return [*state.get("Branches", ()), *([inside] if inside else [])]


def states_of(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All states by name, those inside of others too."""
    for name, state in machine.get("States", {}).items():
        yield name, state
        for inside in inner_machines(state):
            yield from states_of(inside)


def tasks_of(machine: Mapping[str, Any]) -> Iterator[tuple[str, Task]]:
    """What a machine asks of services, by the name of the state."""
    for name, state in states_of(machine):
        if state.get("Type") == "Task":
            task = task_of(state)
            if task:
                yield name, task


def task_of(state: Mapping[str, Any]) -> Task | None:
    """A Task state's service and action: `arn:aws:states:::sagemaker:createTrainingJob.sync`."""
    resource = str(state.get("Resource", ""))
    arguments = state.get("Arguments") or state.get("Parameters") or {}
    if not isinstance(arguments, Mapping):
        arguments = {}
    _, found, rest = resource.partition(":states:::")
    if not found:
        return Task("lambda", "", resource, arguments) if ":" in resource or resource else None
    service, _, action = rest.removeprefix("aws-sdk:").partition(":")
    return Task(service, action.partition(".")[0], resource, arguments)


def _asset(stack: Stack, key: str) -> str:
    asset = stack.assets.get(Path(key).stem)
    if asset is None or not asset.path.is_file():
        return ""
    return asset.path.read_text(encoding="utf-8", errors="replace")
