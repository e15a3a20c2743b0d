"""Bad settings, each with the exact lines that are said about it.

The tables are text: `-` is what stands in the example, `+` what a user wrote instead, `!` what is
said, after the file's path and a colon.
"""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.settings.example import Project

WORKLOAD = "config/workloads/flight_delay.yaml"
ENVIRONMENT = "config/environments/dev.yaml"


class Case(NamedTuple):
    old: str
    new: str
    said: list[str]


def table(name: str) -> list[Case]:
    blocks = Path(__file__).with_name(name).read_text(encoding="utf-8").strip().split("\n\n")
    return [_case(block.splitlines()) for block in blocks]


def _case(lines: list[str]) -> Case:
    marked = {mark: [line[2:] for line in lines if line[0] == mark] for mark in "-+!"}
    return Case("\n".join(marked["-"]), "\n".join(marked["+"]), marked["!"])


@pytest.mark.parametrize("case", table("bad_workloads.txt"), ids=lambda case: case.new)
def test_a_bad_workload_is_refused_with_line_setting_value_rule_and_remedy(
    project: Project, case: Case
) -> None:
    project.replace(WORKLOAD, case.old, case.new)

    assert project.problems() == [f"{WORKLOAD}:{line}" for line in case.said]


@pytest.mark.parametrize("case", table("bad_environments.txt"), ids=lambda case: case.new)
def test_a_bad_environment_is_refused_with_line_setting_value_rule_and_remedy(
    project: Project, case: Case
) -> None:
    project.replace(ENVIRONMENT, case.old, case.new)

    assert project.problems() == [f"{ENVIRONMENT}:{line}" for line in case.said]


def test_the_example_itself_is_in_order(project: Project) -> None:
    assert project.problems() == []


def test_an_image_that_is_not_in_the_region_of_an_environment_is_refused(
    project: Project,
) -> None:
    project.replace(ENVIRONMENT, "region: eu-west-1", "region: mx-central-1")

    (problem,) = project.problems()

    assert problem.startswith(
        f"{WORKLOAD}:23 training.image is xgboost 3.2-0; AWS does not publish it in mx-central-1, "
        "the environment's region. AWS publishes xgboost 3.2-0 in af-south-1, "
    )
