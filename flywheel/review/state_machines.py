"""The tasks of an environment's state machines, as their definitions have them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flywheel.review.assembly import Environment, Stack
from flywheel.review.intrinsics import Resolver
from flywheel.review.naming import readable_path

MACHINE = "AWS::StepFunctions::StateMachine"


@dataclass(frozen=True)
class Task:
    """One task state.

    Attributes:
        machine: Construct path of the state machine.
        action: The last part of its Resource: `sagemaker:createTrainingJob.sync`.
        arguments: Its request, JSONata included.
    """

    stack: Stack
    machine: str
    name: str
    action: str
    arguments: Mapping[str, Any]


def definitions(
    environment: Environment, resolver: Resolver
) -> Iterator[tuple[Stack, str, Mapping[str, Any]]]:
    """Each state machine: its stack, construct path and rendered definition."""
    for stack in environment.stacks.values():
        for logical_id, resource in stack.resources.items():
            if resource["Type"] == MACHINE:
                said = resource.get("Properties", {}).get("DefinitionString")
                try:
                    definition = json.loads(resolver.text(stack, said))
                except ValueError:
                    continue  # in a file of S3, or not of ours: there is nothing to read
                yield stack, readable_path(stack, logical_id), definition


def tasks(environment: Environment, resolver: Resolver) -> Iterator[Task]:
    """All task states, those inside Map and Parallel states too."""
    for stack, path, definition in definitions(environment, resolver):
        for name, state in _states(definition):
            if state.get("Type") == "Task":
                arguments = state.get("Arguments") or state.get("Parameters") or {}
                action = str(state["Resource"]).partition(":states:::")[2]
                yield Task(stack, path, name, action, arguments)


def _states(definition: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, state in definition.get("States", {}).items():
        yield name, state
        for key in ("ItemProcessor", "Iterator"):
            yield from _states(state.get(key, {}))
        for branch in state.get("Branches", ()):
            yield from _states(branch)
