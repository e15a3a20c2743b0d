"""The definition by itself: valid, timed, retried, caught, the same every time."""

import copy
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonata
import pytest

from tests.conftest import ENVIRONMENTS, ROOT, Assembly
from tests.loop.aws_calls import operation
from tests.loop.conftest import STACK
from tests.loop.template import definition_of
from tests.sample_workloads import STACKS

Definition = dict[str, Any]
FIRST_OWNED = "Settle"


SAMPLE_STACKS = [f"{name}Retraining" for name in STACKS.values()]


def states(definition: Definition) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state, also those inside of a Map."""
    for name, state in definition["States"].items():
        yield name, state
        if state["Type"] == "Map":
            yield from states(state["ItemProcessor"])


def tasks(definition: Definition) -> dict[str, Any]:
    return {n: s for n, s in states(definition) if s["Type"] == "Task"}


def caught(definition: Definition) -> dict[str, Any]:
    """What can fail and is not inside of something that is caught as a whole."""
    return {n: s for n, s in definition["States"].items() if s["Type"] in {"Task", "Map"}}


def next_states(state: dict[str, Any]) -> Iterator[str]:
    """Every state that can follow."""
    for rule in [state, *state.get("Choices", []), *state.get("Catch", [])]:
        if "Next" in rule:
            yield rule["Next"]
    if "Default" in state:
        yield state["Default"]


def validate(definition: Definition, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run npm's asl-validator."""
    file = folder / "machine.asl.json"
    file.write_text(json.dumps(definition), encoding="utf-8")
    path = f"{ROOT / '.venv' / 'bin'}:{ROOT / 'node_modules' / '.bin'}"
    validator = shutil.which("asl-validator", path=path)
    assert validator, "asl-validator is missing: run `make setup`"
    return subprocess.run(
        [validator, "--json-path", str(file)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": f"{path}:/usr/bin:/bin"},
    )


@pytest.fixture(params=[*ENVIRONMENTS, *SAMPLE_STACKS])
def machine(request: pytest.FixtureRequest, assembly: Assembly, samples: Assembly) -> Definition:
    """Our workload's machine in each environment, and the machines of the sample workloads."""
    if request.param in ENVIRONMENTS:
        return definition_of(assembly.template(request.param, STACK).body)
    return definition_of(samples.template("staging", request.param).body)


def test_aws_published_validator_accepts_every_environment(
    machine: Definition, tmp_path: Path
) -> None:
    checked = validate(machine, tmp_path)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_validator_bites(definition: Definition, tmp_path: Path) -> None:
    broken = copy.deepcopy(definition)
    broken["States"]["Train"]["Next"] = "Nowhere"

    assert validate(broken, tmp_path).returncode != 0


def test_every_task_has_a_timeout(machine: Definition) -> None:
    assert all(0 < task["TimeoutSeconds"] <= 8 * 24 * 3600 for task in tasks(machine).values())


def test_no_task_outlives_the_machine(machine: Definition) -> None:
    assert all(
        task["TimeoutSeconds"] < machine["TimeoutSeconds"] for task in tasks(machine).values()
    )


def test_every_task_tries_again_after_throttling_only(machine: Definition) -> None:
    for name, task in tasks(machine).items():
        (retry,) = task["Retry"]
        assert retry["BackoffRate"] > 1, name
        assert retry["JitterStrategy"] == "FULL", name
        service, model = operation(task["Resource"])
        del model
        prefixes = {error.partition(".")[0].lower() for error in retry["ErrorEquals"]}
        expected = {"stepfunctions": "stepfunctions"}.get(service, service.replace("-", ""))
        assert prefixes == {expected}, name


def test_every_failure_of_an_owner_leads_to_the_release_of_the_lock(machine: Definition) -> None:
    after = {"Release", "HasMoreArrived", "StartAgain", "Notify", "HowDidItEnd"}
    outside = after | {"NoteArrival", "TakeLock", "ReleaseStopped", "DeleteStoppedModel"}
    for name, task in caught(machine).items():
        general = task["Catch"][-1]
        assert general["ErrorEquals"] == ["States.ALL"], name
        assert not [c for c in task["Catch"][:-1] if "States.ALL" in c["ErrorEquals"]], name
        if name not in outside:
            assert "Release" in reachable(machine, general["Next"]), name


def test_no_owner_ends_without_release(machine: Definition) -> None:
    without = copy.deepcopy(machine)
    del without["States"]["Release"]

    assert reachable(without, FIRST_OWNED) & {"Done", "Failed"} == set()


def reachable(definition: Definition, start: str) -> set[str]:
    found: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name in found or name not in definition["States"]:
            continue
        found.add(name)
        ahead += next_states(definition["States"][name])
    return found


def test_every_state_can_be_reached(machine: Definition) -> None:
    assert reachable(machine, machine["StartAt"]) == set(machine["States"])


def test_every_expression_can_be_parsed(machine: Definition) -> None:
    def expressions(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for item in value.values():
                yield from expressions(item)
        elif isinstance(value, list):
            for item in value:
                yield from expressions(item)
        elif isinstance(value, str) and value.startswith("{%"):
            yield value[2:-2]

    found = list(expressions(machine["States"]))

    assert len(found) > 100
    for text in found:
        jsonata.Jsonata.jsonata(text)


def test_no_expression_is_only_half_marked_as_one(machine: Definition) -> None:
    text = json.dumps(machine)

    assert text.count("{%") == text.count("%}") == text.count('"{% ')


def test_every_state_says_what_it_is_for(machine: Definition) -> None:
    assert all(state.get("Comment") for _, state in states(machine))


def test_what_a_variable_needs_is_set_before_it_is_used(machine: Definition) -> None:
    """AWS evaluates all of an `Assign` with the values from before it."""
    for name, state in states(machine):
        assigned = state.get("Assign", {})
        for variable in assigned:
            others = json.dumps({k: v for k, v in assigned.items() if k != variable})
            assert f"${variable} " not in others or variable in STABLE, f"{name}: {variable}"


STABLE = {"champion", "checked", "challenger", "clean", "quarantined", "failure"}
"""Variables that an `Assign` reads on purpose with their old value."""


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_only_automatic_environments_deploy_without_a_person(
    assembly: Assembly, environment: str
) -> None:
    states = definition_of(assembly.template(environment, STACK).body)["States"]

    (rule,) = states["MayItBeDeployed"]["Choices"]
    mode = "automatic" if environment in {"local", "dev"} else "manual"
    assert rule["Condition"] == f"{{% \"{mode}\" = 'automatic' %}}"
