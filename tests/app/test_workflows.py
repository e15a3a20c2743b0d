"""GitHub's workflows: valid, pinned, without secrets, and one assembly for all environments."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(FOLDER / name)
    return content


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job.get("steps", ())]


def lint(*files: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    return subprocess.run(
        [*command, "vendor.github-workflows", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_workflow_is_valid_by_githubs_own_schema() -> None:
    said = lint(*FILES)
    assert said.returncode == 0, said.stdout


def test_a_workflow_with_a_fault_is_refused(tmp_path: Path) -> None:
    planted = tmp_path / "deploy.yml"
    planted.write_text((FOLDER / "deploy.yml").read_text().replace("needs: synth", "need: synth"))
    assert lint(planted).returncode != 0


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_action_is_pinned_to_a_commit(file: Path) -> None:
    used = re.findall(r"uses: (\S+)", file.read_text())
    ours = [each for each in used if each.startswith("./")]
    assert [
        each for each in used if each not in ours and not re.search(r"@[0-9a-f]{40}$", each)
    ] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_workflow_knows_a_secret_or_runs_a_strangers_code_with_rights(file: Path) -> None:
    text = file.read_text()
    assert not re.search(r"\$\{\{[^}]*secrets", text)
    assert "pull_request_target" not in text
    assert "permissions" in read(file.name)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_shell_line_holds_what_somebody_else_wrote(file: Path) -> None:
    """An expression in `run` would be put in as code; environment variables are not."""
    scripts = [step["run"] for step in steps(read(file.name)) if "run" in step]
    assert [script for script in scripts if "${{" in script] == []


def test_one_assembly_goes_from_dev_to_staging_to_prod() -> None:
    jobs = read("deploy.yml")["jobs"]
    assert {name: job.get("needs") for name, job in jobs.items()} == {
        "synth": None,
        "dev": "synth",
        "staging": "dev",
        "prod": "staging",
    }
    assert [job["with"]["environment"] for job in list(jobs.values())[1:]] == [
        "dev",
        "staging",
        "prod",
    ]
    deployment = "".join(step.get("run", "") for step in steps(read("deploy-environment.yml")))
    assert "cdk deploy --app cdk.out" in deployment
    assert "synth" not in deployment


def test_only_the_deployment_may_ask_for_an_identity() -> None:
    for name in ("check.yml", "review.yml"):
        assert "id-token" not in (FOLDER / name).read_text()
    assert read("deploy-environment.yml")["permissions"]["id-token"] == "write"
    assert read("deploy-environment.yml")["jobs"]["deploy"]["environment"] == (
        "${{ inputs.environment }}"
    )
