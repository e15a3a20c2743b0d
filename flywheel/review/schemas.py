"""AWS's own resource schemas, as cfn-lint ships them: what a change of a property does."""

import functools
import importlib.util
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flywheel.errors import UserError

Pointer = tuple[str, ...]
"""Steps from a resource's properties, `*` for every item of a list."""
_FALLBACK_REGION = "us-east-1"


class ResourceSchemas:
    """The schemas of one region.

    Args:
        region: Without one, or with one that cfn-lint does not know, us-east-1's.
    """

    def __init__(self, region: str | None) -> None:
        index = _folder() / "providers" / f"{(region or _FALLBACK_REGION).replace('_', '-')}.json"
        if not index.is_file():
            index = _folder() / "providers" / f"{_FALLBACK_REGION}.json"
        self._index: Mapping[str, str] = json.loads(index.read_text(encoding="utf-8"))

    def create_only(self, resource_type: str) -> tuple[Pointer, ...]:
        """Properties that are fixed when the resource is made: a change replaces it."""
        return self._pointers(resource_type, "createOnlyProperties")

    def conditional_create_only(self, resource_type: str) -> tuple[Pointer, ...]:
        """Properties whose change may replace the resource; the schema does not say when."""
        return self._pointers(resource_type, "conditionalCreateOnlyProperties")

    def identifier(self, resource_type: str) -> tuple[Pointer, ...]:
        """Properties that name the resource in its account and that a template can set."""
        schema = self._schema(resource_type)
        read_only = set(schema.get("readOnlyProperties", ()))
        pointers = schema.get("primaryIdentifier", ())
        if any(pointer in read_only for pointer in pointers):
            return ()
        return tuple(_steps(pointer) for pointer in pointers)

    def is_set(self, resource_type: str, path: Pointer) -> bool:
        """Whether the list at this path has no order."""
        node: Mapping[str, Any] = self._schema(resource_type)
        root = node
        for step in path:
            node = _resolve(root, node)
            if step == "*":
                node = node.get("items", {})
            else:
                node = node.get("properties", {}).get(step, {})
        return _resolve(root, node).get("insertionOrder") is False or (
            node.get("insertionOrder") is False
        )

    def _pointers(self, resource_type: str, key: str) -> tuple[Pointer, ...]:
        return tuple(_steps(pointer) for pointer in self._schema(resource_type).get(key, ()))

    def _schema(self, resource_type: str) -> Mapping[str, Any]:
        name = self._index.get(resource_type)
        return _load(name) if name else {}


def values_at(properties: Any, pointer: Pointer) -> Iterator[Any]:
    """All values that a pointer selects; none where the path does not exist."""
    if not pointer:
        yield properties
        return
    step, rest = pointer[0], pointer[1:]
    if isinstance(properties, list):
        rest = rest if step == "*" else pointer
        for item in properties:
            yield from values_at(item, rest)
    elif isinstance(properties, Mapping) and step in properties:
        yield from values_at(properties[step], rest)


def _steps(pointer: str) -> Pointer:
    return tuple(pointer.removeprefix("/properties/").split("/"))


def _resolve(root: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    seen = 0
    while "$ref" in node and seen < 10:
        target: Mapping[str, Any] = root
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target.get(step, {})
        node = target
        seen += 1
    return node


@functools.cache
def _folder() -> Path:
    # Not imported: cfn-lint's own start costs more than a whole review.
    spec = importlib.util.find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise UserError("cfn-lint is not installed; a review reads its schemas. Run `make setup`.")
    return Path(spec.origin).parent / "data" / "schemas"


@functools.cache
def _load(name: str) -> Mapping[str, Any]:
    file = _folder() / "resources" / f"{name}.json"
    schema: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema
