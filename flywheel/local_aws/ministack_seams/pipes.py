"""EventBridge Pipes: their parameters, and which of them run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ministack.services import pipes
from ministack.services.cloudformation import provisioners

from flywheel.local_aws.ministack_seams.cloudformation import Properties

_original: dict[str, Any] = {}


@dataclass(frozen=True)
class Pipe:
    """A pipe that is in state RUNNING."""

    account_id: str
    region: str
    name: str
    source: str
    target: str
    source_parameters: Properties
    target_parameters: Properties


def keep_pipe_parameters() -> None:
    """Keep SourceParameters and TargetParameters of a declared pipe, which ministack drops."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Pipes::Pipe"]
    if "_pipe_create" in _original and handlers["create"] is _pipe_create:
        return
    _original["_pipe_create"] = handlers["create"]
    _original["_pipe_update"] = handlers["update"]
    _original["_pipe_with_logical_id"] = bool(handlers.get("update_with_logical_id"))
    handlers["create"] = _pipe_create
    handlers["update"] = _pipe_update


def _keep(name: str, properties: Properties) -> None:
    record = pipes._pipes[name]
    for key in ("SourceParameters", "TargetParameters"):
        record[key] = properties.get(key) or {}


def _pipe_create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Any]:
    created: tuple[str, Any] = _original["_pipe_create"](logical_id, properties, stack_name)
    _keep(created[0], properties)
    return created


def _pipe_update(
    physical_id: str, old: Properties, new: Properties, *names: str
) -> tuple[str, Any]:
    updated: tuple[str, Any] = _original["_pipe_update"](physical_id, old, new, *names)
    _keep(updated[0], new)
    return updated


def running_pipes() -> list[Pipe]:
    """All pipes in state RUNNING, of every account and region."""
    return [
        Pipe(
            account_id,
            region,
            record["Name"],
            record["Source"],
            record["Target"],
            record.get("SourceParameters") or {},
            record.get("TargetParameters") or {},
        )
        for (account_id, region, _name), record in list(pipes._pipes.all_items())
        if record.get("CurrentState") == "RUNNING"
    ]
