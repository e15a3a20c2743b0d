"""JSON Schemas of the YAML files, which editors use to complete and check them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flywheel.settings.environment import EnvironmentSettings
from flywheel.settings.workload import WorkloadSettings


def schemas() -> dict[str, dict[str, Any]]:
    """File name → schema."""
    return {
        "environment.json": _finished(EnvironmentSettings.model_json_schema()),
        "workload.json": _finished(_with_overrides(WorkloadSettings.model_json_schema())),
    }


def as_text(schema: Mapping[str, Any]) -> str:
    """The schema as its file holds it."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def write_schemas(folder: Path) -> list[Path]:
    """Write all schemas, to `config/schema`; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, schema in schemas().items():
        path = folder / name
        path.write_text(as_text(schema), encoding="utf-8")
        written.append(path)
    return written


def _finished(schema: dict[str, Any]) -> dict[str, Any]:
    _drop_titles(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _with_overrides(schema: dict[str, Any]) -> dict[str, Any]:
    """Overrides hold any part of a workload: the same settings, none of them required."""
    partial = _partial(schema["properties"] | {}, schema["$defs"])
    partial["properties"].pop("name")
    schema["$defs"] |= {
        f"{name}Overrides": _partial(definition["properties"], schema["$defs"])
        for name, definition in list(schema["$defs"].items())
    }
    schema["$defs"]["Overrides"] = partial
    of_algorithm = {"training": {"required": ["algorithm"]}}
    served_by_script = {"serving": {"required": ["source", "script"]}}
    schema |= {"if": {"properties": of_algorithm}, "else": {"properties": served_by_script}}
    schema["properties"]["overrides"] = {
        "description": "What an environment does differently, by its name. Mappings are merged, "
        "lists and values replaced.",
        "type": ["object", "null"],
        "additionalProperties": {"anyOf": [{"$ref": "#/$defs/Overrides"}, {"type": "null"}]},
    }
    return schema


def _partial(properties: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: _partial_references(value, definitions) for name, value in properties.items()
        },
    }


def _partial_references(value: Any, definitions: Mapping[str, Any]) -> Any:
    """References to groups become references to their partial form, except inside lists."""
    if not isinstance(value, dict) or value.get("type") == "array":
        return value
    changed: dict[str, Any] = {}
    for key, inner in value.items():
        if key == "$ref" and inner.removeprefix("#/$defs/") in definitions:
            changed[key] = f"{inner}Overrides"
        elif key == "anyOf":
            changed[key] = [_partial_references(option, definitions) for option in inner]
        elif key not in {"default"}:
            changed[key] = inner
    return changed


def _drop_titles(schema: Any) -> None:
    if isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            del schema["title"]
        for value in schema.values():
            _drop_titles(value)
    elif isinstance(schema, list):
        for value in schema:
            _drop_titles(value)
