"""What loading gives, and what it says about files that cannot be read."""

import copy
import pickle
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import ValidationError

from flywheel.errors import UserError
from flywheel.settings import (
    SettingsError,
    check_all,
    environment_names,
    load_environments,
    load_workloads,
    warnings,
)
from flywheel.settings.document import MAX_BYTES
from tests.settings.algorithm_example import ALGORITHM_WORKLOAD
from tests.settings.example import ENVIRONMENT, WORKLOAD, Project

ROOT = Path(__file__).parents[2]
FILE = "config/workloads/flight_delay.yaml"


def test_environments_come_in_the_order_of_promotion(project: Project) -> None:
    for name in ("alpha", "local"):
        project.write(f"config/environments/{name}.yaml", ENVIRONMENT.replace("dev", name, 1))

    assert list(load_environments(project.config_dir)) == [
        "local",
        "dev",
        "staging",
        "prod",
        "alpha",
    ]
    assert environment_names(project.config_dir) == ("local", "dev", "staging", "prod", "alpha")


def test_overrides_change_what_they_name_and_nothing_else(project: Project) -> None:
    dev = load_workloads(project.config_dir, "dev")["flight_delay"]
    staging = load_workloads(project.config_dir, "staging")["flight_delay"]
    prod = load_workloads(project.config_dir, "prod")["flight_delay"]

    assert staging.gate == dev.gate.model_copy(update={"tolerance": 0.05})
    assert staging.model_copy(update={"gate": dev.gate}) == dev
    assert [variant.instance_type for variant in prod.serving.variants] == ["ml.g5.xlarge"]
    assert prod.serving.model_copy(update={"variants": dev.serving.variants}) == dev.serving


def test_an_override_can_switch_a_group_off_or_on(project: Project) -> None:
    project.replace(FILE, "  staging: {gate", "  dev: {serving: {canary: null}}\n  staging: {gate")

    assert load_workloads(project.config_dir, "dev")["flight_delay"].serving.canary is None
    assert load_workloads(project.config_dir, "prod")["flight_delay"].serving.canary is not None

    project.replace(FILE, "  canary: {percent: 10, wait_seconds: 300}\n", "  canary: null\n")
    project.replace(FILE, "{serving: {canary: null}}", "{serving: {canary: {percent: 20}}}")

    canary = load_workloads(project.config_dir, "dev")["flight_delay"].serving.canary
    assert canary is not None
    assert (canary.percent, canary.wait_seconds) == (20, 300)
    assert load_workloads(project.config_dir, "prod")["flight_delay"].serving.canary is None


def test_settings_cannot_be_changed_after_they_are_read(project: Project) -> None:
    workload = load_workloads(project.config_dir, "dev")["flight_delay"]

    with pytest.raises(ValidationError, match="frozen"):
        workload.gate.tolerance = 1.0
    with pytest.raises(TypeError, match="read-only"):
        cast(Any, workload.training.hyperparameters)["num_round"] = 1
    with pytest.raises(TypeError, match="read-only"):
        cast(Any, workload.data.tables.curated).pop("carrier")
    assert isinstance(workload.serving.variants, tuple)


def test_settings_can_be_hashed_copied_and_pickled(project: Project) -> None:
    workload = load_workloads(project.config_dir, "dev")["flight_delay"]

    assert len({workload, copy.deepcopy(workload), pickle.loads(pickle.dumps(workload))}) == 1


def test_names_for_aws_and_for_constructs_come_from_the_one_name(project: Project) -> None:
    workload = load_workloads(project.config_dir, "dev")["flight_delay"]

    assert workload.dashed_name == "flight-delay"
    assert workload.construct_name == "FlightDelay"


def test_workloads_in_subfolders_are_read_too(project: Project) -> None:
    project.write(
        "config/workloads/more/other_one.yaml",
        WORKLOAD.replace("flight_delay", "other_one", 1),
    )

    assert list(load_workloads(project.config_dir, "dev")) == ["flight_delay", "other_one"]


def test_two_workloads_whose_stacks_would_have_one_name_are_refused(project: Project) -> None:
    for name in ("flight_1a", "flight1a"):
        project.write(f"config/workloads/{name}.yaml", WORKLOAD.replace("flight_delay", name, 1))

    assert project.problems() == [
        "config/workloads/flight_1a.yaml:1 name is flight_1a; its stacks would be called like "
        "those of flight1a. Choose another name."
    ]


def test_no_workload_is_no_error(project: Project) -> None:
    (project.root / FILE).unlink()

    assert load_workloads(project.config_dir, "dev") == {}


def test_an_environment_that_does_not_exist_is_refused_with_the_nearest(project: Project) -> None:
    with pytest.raises(UserError) as caught:
        load_workloads(project.config_dir, "prdo")

    assert str(caught.value) == (
        "environment is prdo; config/environments has none. The nearest is prod."
    )


def test_all_problems_of_all_files_are_said_at_once(project: Project) -> None:
    project.replace("config/environments/dev.yaml", "eu-west-1", "eu-wets-1")
    project.replace("config/environments/prod.yaml", "retain_data: false\n", "")
    project.replace(FILE, "instance_count: 1\n", "instance_count: 0\n")
    project.replace(FILE, "tolerance: 0.02", "tolerance: -1")
    project.replace(FILE, "max_wait_minutes: 120", "max_wait_minutes: 59")

    assert [line.split(" ")[0:2] for line in project.problems()] == [
        ["config/environments/dev.yaml:2", "region"],
        ["config/environments/prod.yaml:1", "retain_data"],
        ["config/workloads/flight_delay.yaml:25", "training.instance_count"],
        ["config/workloads/flight_delay.yaml:29", "training.max_wait_minutes"],
        ["config/workloads/flight_delay.yaml:40", "gate.tolerance"],
    ]


TOO_DEEP = "the settings are nested too deeply; flatten them."
TOO_LARGE = f"the file has {MAX_BYTES + 1} bytes; it must have at most {MAX_BYTES}."
BAD_FILES = [
    (b"", "1 the file is empty; it must hold settings."),
    (b"# nothing yet\n", "1 the file is empty; it must hold settings."),
    (b"- a\n", "1 the file holds a list; it must be a mapping: `key: value`."),
    (b"flight\n", "1 the file holds flight; it must be a mapping: `key: value`."),
    (b"name: a\nname: b\n", "2 name is given twice, first in line 1; keep one of them."),
    (b"name: a\n\tb: 1\n", "2 the line is indented with a tab; YAML wants spaces."),
    (b"name: a\n---\nname: b\n", "2 a second document begins with ---; keep one in a file."),
    (b"name: a\nb: *c\n", "2 a value that begins with * is an alias; put the value in quotes."),
    (b"name: 'a\nb: 1\n", "1 the text that begins with a quote has no closing quote."),
    (b"name: a\nb: {c: 1\nd: 2\n", "2 the mapping that begins with { has no } or lacks a comma."),
    (b"name: a\nno colon here\nb: 1\n", "2 the line has no colon; write `key: value`."),
    (b"name: a\nb: \xff\n", "2 byte 12 is not UTF-8; save the file as UTF-8."),
    (b"name: a\nb: \x07\n", "2 is not valid YAML: special characters are not allowed."),
    (b"name: 1e999\n", "1 name is 1e999; it must be a finite number."),
    (b"name: " + b"9" * 5000, None),
    (b"[" * 500, f"1 {TOO_DEEP}"),
    (b"{a: " * 500, f"1 {TOO_DEEP}"),
    (b"\n".join(b" " * n + b"a:" for n in range(50)), f"30 {TOO_DEEP}"),
    (b"a: &x 1\nb: &x 2\nc: *x\n", "3 c is an alias (`*name`); write the value out."),
    (b"a:\n" * 3, "2 a is given twice, first in line 1; keep one of them."),
    (b"#" * (MAX_BYTES + 1), f"1 {TOO_LARGE}"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), BAD_FILES)
def test_a_file_that_is_not_settings_is_refused(
    project: Project, content: bytes, expected: str | None
) -> None:
    project.write(FILE, content)

    problems = project.problems()

    assert problems
    assert all(problem.startswith(f"{FILE}:") for problem in problems)
    if expected is not None:
        assert problems[0] == f"{FILE}:{expected}"


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read(project: Project) -> None:
    project.write(FILE, b"\xef\xbb\xbf" + WORKLOAD.replace("\n", "\r\n").encode())

    assert project.problems() == []


def test_a_file_named_yml_is_said_to_be_unread(project: Project) -> None:
    project.write("config/workloads/other.yml", WORKLOAD)

    assert project.problems() == [
        "config/workloads/other.yml:1 is not read; its name must end in .yaml."
    ]


def test_a_folder_without_environments_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_environments(tmp_path / "config")

    assert str(caught.value) == ("config/environments:1 holds no environment; add dev.yaml to it.")


def test_this_repositorys_own_settings_are_in_order_and_without_doubt() -> None:
    check_all(ROOT / "config")
    assert warnings(ROOT / "config") == ()


def test_this_repositorys_environments_keep_their_promises() -> None:
    environments = load_environments(ROOT / "config")

    assert list(environments) == ["local", "dev", "staging", "prod"]
    approvals = {name: settings.approval for name, settings in environments.items()}
    assert approvals == {
        "local": "automatic", "dev": "automatic", "staging": "manual", "prod": "manual",
    }  # fmt: skip
    assert environments["prod"].retain_data
    assert environments["prod"].termination_protection
    assert not environments["local"].retain_data
    assert environments["local"].region == "us-east-1"  # where the embedded AWS is by default
    networks = [settings.network.cidr for settings in environments.values()]
    assert len(set(networks)) == len(networks)  # so that they could be peered


def test_a_workload_of_a_built_in_algorithm_is_loaded_only_when_asked_for(project: Project) -> None:
    project.write("config/workloads/builtin/flowers.yaml", ALGORITHM_WORKLOAD)

    assert list(load_workloads(project.config_dir, "dev")) == ["flight_delay"]
    both = load_workloads(project.config_dir, "dev", builtin=True)
    assert list(both) == ["flight_delay", "flowers"]


def test_a_copy_of_a_built_in_workload_takes_its_place(project: Project) -> None:
    project.write("config/workloads/builtin/flowers.yaml", ALGORITHM_WORKLOAD)
    project.write("config/workloads/flowers.yaml", ALGORITHM_WORKLOAD.replace("k: 3", "k: 4"))

    flowers = load_workloads(project.config_dir, "dev", builtin=True)["flowers"]
    assert flowers.training.hyperparameters["k"] == 4


def test_a_mistake_in_a_built_in_workload_is_found_by_checking_all(project: Project) -> None:
    project.write(
        "config/workloads/builtin/flowers.yaml", ALGORITHM_WORKLOAD.replace("k: 3", "k: 0")
    )

    with pytest.raises(SettingsError, match=r"builtin/flowers.yaml:\d+ training.hyperparameters.k"):
        check_all(project.config_dir)
