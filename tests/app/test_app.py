"""The app as a whole: which stages and stacks there are, and that synthesis is pure."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ENVIRONMENTS, ROOT, Assembly, feature_flags, stack_ids, synthesise


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def start_app(folder: Path, **context: str) -> "subprocess.Popen[str]":
    """The app as the CDK CLI runs it, with a temporary folder of its own and nothing to know."""
    temporary = folder.with_name(f"{folder.name}-tmp")
    temporary.mkdir()
    return subprocess.Popen(
        [sys.executable, str(ROOT / "app.py")],
        env={
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "TMPDIR": str(temporary),
            "CDK_OUTDIR": str(folder),
            "CDK_CONTEXT_JSON": json.dumps({**feature_flags(), **context}),
            "CDK_VALIDATION": "false",
        },
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_environment_has_every_stack(assembly: Assembly, environment: str) -> None:
    assert set(assembly.templates(environment)) == set(stack_ids())


def test_two_synths_give_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    for run in [start_app(folder) for folder in folders]:
        _, said = run.communicate()
        assert (run.returncode, said) == (0, "")
    first, second = map(files, folders)
    assert first == second
    assert not [name for name, content in first.items() if str(tmp_path).encode() in content]


def test_the_context_narrows_the_environments(tmp_path: Path) -> None:
    narrowed = synthesise(tmp_path / "out", env="prod,dev")
    stages = sorted(folder.name for folder in narrowed.path.glob("assembly-*"))
    assert stages == ["assembly-dev", "assembly-prod"]


def test_the_context_narrows_the_workloads(tmp_path: Path) -> None:
    narrowed = synthesise(tmp_path / "out", env="dev", workload="flight_delay")
    assert set(narrowed.templates("dev")) == set(stack_ids())


@pytest.mark.parametrize("key", ["env", "workload"])
def test_a_name_that_does_not_exist_is_one_message(tmp_path: Path, key: str) -> None:
    run = start_app(tmp_path / "out", **{"env": "dev", key: "nowhere"})
    _, said = run.communicate()
    assert run.returncode == 1
    assert said.startswith(f"-c {key}=nowhere: there is no such {key}; it must be one of ")
    assert len(said.splitlines()) == 1
    assert not list((tmp_path / "out").glob("assembly-*"))


def test_an_unknown_workload_is_told_ours_and_where_more_are(tmp_path: Path) -> None:
    run = start_app(tmp_path / "out", env="dev", workload="k_means")
    _, said = run.communicate()
    assert said.strip() == (
        "-c workload=k_means: there is no such workload; it must be one of flight_delay. "
        "config/workloads/builtin/ has more."
    )


def test_a_built_in_workload_is_asked_for_by_name(tmp_path: Path) -> None:
    asked = synthesise(tmp_path / "out", env="dev", workload="kmeans,flight_delay")
    expected = set(stack_ids()) | set(stack_ids("Kmeans"))
    assert set(asked.templates("dev")) == expected


def test_a_known_account_needs_no_lookup(tmp_path: Path) -> None:
    with_account = synthesise(tmp_path / "out", accounts={"dev": "111122223333"}, env="dev")
    manifest = json.loads((with_account.path / "manifest.json").read_bytes())
    assert "missing" not in manifest
    for artifact in with_account.artifacts("dev").values():
        assert artifact["environment"] == "aws://111122223333/eu-west-1"


def test_without_an_account_the_templates_fit_any(assembly: Assembly) -> None:
    for environment in ENVIRONMENTS:
        for artifact in assembly.artifacts(environment).values():
            assert artifact["environment"].startswith("aws://unknown-account/")


def test_no_template_has_a_function_or_a_custom_resource(assembly: Assembly) -> None:
    unwanted = ("AWS::Lambda::", "Custom::", "AWS::CloudFormation::CustomResource")
    found = [
        (environment, stack_id, logical_id, resource["Type"])
        for environment in ENVIRONMENTS
        for stack_id, template in assembly.templates(environment).items()
        for logical_id, resource in template.body["Resources"].items()
        if resource["Type"].startswith(unwanted)
    ]
    assert found == []


def test_production_is_protected_against_deletion(assembly: Assembly) -> None:
    for environment in ENVIRONMENTS:
        protected = {
            artifact["properties"].get("terminationProtection", False)
            for artifact in assembly.artifacts(environment).values()
        }
        assert protected == {environment == "prod"}


def test_costs_can_be_told_apart_by_environment_and_workload(assembly: Assembly) -> None:
    for name, artifact in assembly.artifacts("dev").items():
        tags = artifact["properties"].get("tags", {})
        if name.endswith("Registry"):
            assert tags == {}, "a changed tag would make CloudFormation reset the champion pointer"
            continue
        assert tags["flywheel:environment"] == "dev"
        if "FlightDelay" in name:
            assert tags["flywheel:workload"] == "flight_delay"
