"""The JSON Schemas that editors use say the same as the models."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from flywheel.settings.schema import as_text, schemas, write_schemas
from tests.settings.example import ENVIRONMENT, WORKLOAD

ROOT = Path(__file__).parents[2]
ENVIRONMENT_SCHEMA, WORKLOAD_SCHEMA = schemas()["environment.json"], schemas()["workload.json"]
SCHEMA_LINE = "# yaml-language-server: $schema="


def test_the_exported_schemas_are_current() -> None:
    for name, schema in schemas().items():
        exported = (ROOT / "config" / "schema" / name).read_text(encoding="utf-8")
        assert exported == as_text(schema), f"config/schema/{name} is old; run `make schema`"


def test_every_settings_file_names_its_schema() -> None:
    files = sorted((ROOT / "config").glob("*/**/*.yaml"))
    assert len(files) >= len(("local", "dev", "staging", "prod"))
    for path in files:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith(SCHEMA_LINE), f"{path} lacks its schema line"
        schema = path.parent / first.removeprefix(SCHEMA_LINE)
        kind = path.relative_to(ROOT / "config").parts[0].removesuffix("s")
        assert schema.resolve() == ROOT / "config" / "schema" / f"{kind}.json"


def mistakes(schema: dict[str, Any], text: str) -> list[str]:
    """What an editor would underline."""
    settings = YAML(typ="safe", pure=True).load(text)
    return [error.message for error in Draft202012Validator(schema).iter_errors(settings)]


def test_the_schemas_are_valid_json_schemas() -> None:
    for schema in schemas().values():
        Draft202012Validator.check_schema(schema)


def test_an_editor_finds_nothing_in_files_that_are_in_order() -> None:
    assert mistakes(ENVIRONMENT_SCHEMA, ENVIRONMENT) == []
    assert mistakes(WORKLOAD_SCHEMA, WORKLOAD) == []
    for kind, schema in (("environments", ENVIRONMENT_SCHEMA), ("workloads", WORKLOAD_SCHEMA)):
        for path in sorted((ROOT / "config" / kind).rglob("*.yaml")):
            assert mistakes(schema, path.read_text(encoding="utf-8")) == [], path.name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  spot: true", "  spott: true"),
        ("  script: train.py\n", ""),
        ("instance_type: ml.m5.xlarge", "instance_type: ml.m5.xlrage"),
        ("version: 3.2-0", "version: 3.2"),
        ("tolerance: 0.02", "tolerance: -1"),
        ("tolerance: 0.05", "tolerance: -1"),
        ("name: main, instance_type: ml.g5.xlarge", "name: main, instance_type: ml.g5.xlrage"),
        ("staging: {gate", "staging: {gaet"),
        ("num_round: 200", "num_round: [200]"),
    ],
)
def test_an_editor_underlines_a_mistake(old: str, new: str) -> None:
    assert WORKLOAD.count(old) == 1
    assert mistakes(WORKLOAD_SCHEMA, WORKLOAD.replace(old, new))


def test_every_setting_of_a_schema_says_what_it_is() -> None:
    assert ENVIRONMENT_SCHEMA["properties"]["region"]["description"] == (
        "AWS region, for example eu-west-1."
    )
    assert "eu-west-1" in ENVIRONMENT_SCHEMA["properties"]["region"]["enum"]


def test_overrides_know_the_same_settings_and_require_none() -> None:
    workload = WORKLOAD_SCHEMA
    overrides = workload["$defs"]["Overrides"]

    assert set(overrides["properties"]) == set(workload["properties"]) - {"name", "overrides"}
    assert "required" not in overrides
    serving = workload["$defs"]["ServingSettingsOverrides"]
    assert "required" not in serving
    assert serving["properties"]["canary"]["anyOf"][0] == {
        "$ref": "#/$defs/CanarySettingsOverrides"
    }


def test_writing_the_schemas_writes_both(tmp_path: Path) -> None:
    written = write_schemas(tmp_path / "schema")

    assert [path.name for path in written] == ["environment.json", "workload.json"]
