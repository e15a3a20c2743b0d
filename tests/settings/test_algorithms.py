"""Workloads with a built-in algorithm: what loading gives and what it says at which line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from flywheel.settings import WorkloadSettings, load_workloads, warnings
from flywheel.settings.schema import schemas
from tests.settings.algorithm_example import ALGORITHM_WORKLOAD
from tests.settings.example import WORKLOAD, Project
from tests.settings.test_any_input import fuzzed, pieces
from tests.settings.test_bad_settings import Case, table

FILE = "config/workloads/flowers.yaml"


@pytest.fixture
def flowers(project: Project) -> Project:
    project.write(FILE, ALGORITHM_WORKLOAD)
    return project


def _load(project: Project) -> WorkloadSettings:
    return load_workloads(project.config_dir, "dev")["flowers"]


def test_the_example_itself_is_in_order(flowers: Project) -> None:
    assert flowers.problems() == []
    assert warnings(flowers.config_dir) == ()


@pytest.mark.parametrize("case", table("bad_algorithms.txt"), ids=lambda case: case.new)
def test_what_the_algorithm_does_not_take_is_refused_at_its_line(
    flowers: Project, case: Case
) -> None:
    flowers.replace(FILE, case.old, case.new)

    assert flowers.problems() == [f"{FILE}:{line}" for line in case.said]


def test_the_algorithm_brings_its_image(flowers: Project) -> None:
    training = _load(flowers).training

    assert (training.image.framework, training.image.version) == ("kmeans", "1")
    assert (training.source, training.script) == ("", "")
    assert training.channels["test"].data == "holdout"
    assert training.tuning is not None
    assert training.tuning.ranges["init_method"].values is None


def test_another_version_of_xgboost_can_be_chosen(flowers: Project) -> None:
    text = ALGORITHM_WORKLOAD.replace("kmeans", "xgboost\n  algorithm_version: 1.7-1")
    head, rest = text.split("  hyperparameters:")
    text = head.replace("test:", "validation:") + "  hyperparameters: {num_round: 10}\nevaluation:"
    flowers.write(FILE, text + rest.split("evaluation:")[1])

    image = _load(flowers).training.image

    assert (image.framework, image.version) == ("xgboost", "1.7-1")


def test_an_environment_can_train_on_other_instances(flowers: Project) -> None:
    override = "overrides: {dev: {training: {instance_type: ml.g5.xlarge, tuning: null}}}\n"
    flowers.write(FILE, ALGORITHM_WORKLOAD + override)

    training = _load(flowers).training

    assert training.instance_type == "ml.g5.xlarge"
    assert training.tuning is None


def test_a_bad_override_is_refused_at_its_own_line(flowers: Project) -> None:
    override = "overrides:\n  dev:\n    training: {hyperparameters: {k: none}}\n"
    flowers.write(FILE, ALGORITHM_WORKLOAD + override)

    assert flowers.problems() == [
        f"{FILE}:43 overrides.dev.training.hyperparameters.k is none; it must be a whole number "
        "of at least 1."
    ]


def test_what_is_doubtful_is_said_and_not_refused(flowers: Project) -> None:
    flowers.replace(FILE, "k: 3", "k: 1")
    flowers.replace(FILE, "{min: 1, max: 5}", "{min: 1, max: 50}")

    assert flowers.problems() == []
    assert [str(doubt) for doubt in warnings(flowers.config_dir)] == [
        f"{FILE}:24 training.hyperparameters.k is 1; by AWS's SDK it must be a whole number of "
        "at least 2.",
        f"{FILE}:28 training.tuning.ranges.epochs.max is 50; for tuning AWS recommends 1 to 10.",
    ]


def test_a_script_can_be_tuned_too(project: Project) -> None:
    tuning = (
        "  tuning:\n    objective: validation:auc\n    goal: maximize\n"
        "    ranges: {max_depth: {min: 3, max: 8}, booster: {values: [gbtree, dart]}}\n"
        "evaluation:\n"
    )
    tuned = WORKLOAD.replace("evaluation:\n", tuning, 1)
    project.write(
        "config/workloads/flight_delay.yaml",
        tuned.replace("checkpoints: true", "checkpoints: false"),
    )

    assert project.problems() == []


def test_an_editor_finds_nothing_in_the_example_and_misses_what_is_missing() -> None:
    schema = Draft202012Validator(schemas()["workload.json"])

    def mistakes(text: str) -> list[str]:
        settings = YAML(typ="safe", pure=True).load(text)
        return [error.message for error in schema.iter_errors(settings)]

    assert mistakes(ALGORITHM_WORKLOAD) == []
    assert mistakes(ALGORITHM_WORKLOAD.replace("algorithm: kmeans", "algorithm: kmean"))
    assert mistakes(ALGORITHM_WORKLOAD.replace("  algorithm: kmeans\n", ""))


a_line = st.integers(min_value=0, max_value=len(ALGORITHM_WORKLOAD.splitlines()) - 1)


@fuzzed
@given(line=a_line, column=st.integers(min_value=0, max_value=60), piece=pieces | st.text())
def test_any_slip_of_the_keyboard_is_taken_or_refused_in_words(
    project: Project, line: int, column: int, piece: str
) -> None:
    lines = ALGORITHM_WORKLOAD.splitlines()
    lines[line] = lines[line][:column] + piece + lines[line][column:]
    project.write(FILE, "\n".join(lines))

    assert all(problem.startswith("config/workloads/") for problem in project.problems())


@fuzzed
@given(first=a_line, last=a_line)
def test_any_lines_may_be_missing(project: Project, first: int, last: int) -> None:
    lines = ALGORITHM_WORKLOAD.splitlines()
    project.write(FILE, "\n".join(lines[:first] + lines[last:]) + "\n")

    assert all(problem.startswith("config/workloads/") for problem in project.problems())
