"""CloudFormation: the types that a template may declare."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ministack.services.cloudformation import provisioners, stacks

Properties = dict[str, Any]

_original: dict[str, Any] = {}


@dataclass(frozen=True)
class ResourceType:
    """How CloudFormation manages one resource type.

    Attributes:
        name: such as `AWS::SageMaker::Model`.
        create: (logical id, properties, stack name) to (physical id, attributes).
        update: (physical id, old properties, new properties, stack name) to (physical id,
            attributes); None where every property but the tags replaces the resource.
        delete: (physical id, properties).
        replacing: the properties whose change creates a new resource, updates what refers to it,
            then deletes the old.
        tags: name and shape ("list" or "map") of the tag property, which then takes the stack's
            tags too.
        waits: create, update or delete may take long, so they run beside the event loop.
    """

    name: str
    create: Callable[[str, Properties, str], tuple[str, Properties]]
    delete: Callable[[str, Properties], None]
    update: Callable[[str, Properties, Properties, str], tuple[str, Properties]] | None = None
    replacing: frozenset[str] = field(default_factory=frozenset)
    tags: tuple[str, str] | None = None
    waits: bool = False


_waiting_types: set[str] = set()


def add_resource_type(resource_type: ResourceType) -> None:
    """Let templates declare this type."""
    handlers: dict[str, Any] = {"create": resource_type.create, "delete": resource_type.delete}
    if resource_type.update is not None:
        handlers["update"] = resource_type.update
    provisioners._RESOURCE_HANDLERS[resource_type.name] = handlers
    provisioners._REPLACING_PROPERTIES[resource_type.name] = tuple(sorted(resource_type.replacing))
    if resource_type.tags is not None:
        provisioners._STACK_TAG_PROPERTY[resource_type.name] = resource_type.tags
    if resource_type.waits:
        _run_beside_the_loop(resource_type.name)


def complete_resource_type(name: str, complete: Callable[[Properties], None]) -> None:
    """After each creation and update of a type that ministack has, do more; it may take long."""
    handlers = provisioners._RESOURCE_HANDLERS[name]

    def then[**P](
        run: Callable[P, tuple[str, Properties]], position: int
    ) -> Callable[P, tuple[str, Properties]]:
        def completed(*arguments: P.args, **more: P.kwargs) -> tuple[str, Properties]:
            made = run(*arguments, **more)
            complete(arguments[position])  # type: ignore[arg-type]
            return made

        return completed

    # create(logical id, properties, stack); update(physical id, old, new, stack)
    changed = {"create": then(handlers["create"], 1), "update": then(handlers["update"], 2)}
    provisioners._RESOURCE_HANDLERS[name] = {**handlers, **changed}
    _run_beside_the_loop(name)


def _run_beside_the_loop(name: str) -> None:
    _waiting_types.add(name)
    if stacks._runs_on_worker_thread is not _runs_on_worker_thread:
        _original["_runs_on_worker_thread"] = stacks._runs_on_worker_thread
        stacks._runs_on_worker_thread = _runs_on_worker_thread


def _runs_on_worker_thread(resource_type: str) -> bool:
    return resource_type in _waiting_types or bool(
        _original["_runs_on_worker_thread"](resource_type)
    )


def resource_types() -> frozenset[str]:
    """Every type a template may declare."""
    return frozenset(provisioners._RESOURCE_HANDLERS)


def unsupported(types: Iterable[str]) -> list[str]:
    """Which of these resource types no template may declare here."""
    known = resource_types()
    return sorted({name for name in types if name not in known and not name.startswith("Custom::")})


def physical_name(stack_name: str, logical_id: str, *, max_length: int) -> str:
    """The name CloudFormation generates; a replacement gets another one."""
    return str(provisioners._physical_name(stack_name, logical_id, max_len=max_length))
