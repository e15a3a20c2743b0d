"""Whatever stands in a file, loading gives settings or a SettingsError: never another exception."""

import json
import re
import string
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.settings.example import ENVIRONMENT, WORKLOAD, Project

LINE = re.compile(r"config/[a-z_/]+\.yaml:[1-9]\d* \S.*[.]")

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["ml.m5.xlarge", "8 GB", "rate(1 day)", "train.py", "a/../b", "(", "\0", "~"])
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
pieces = st.sampled_from([*":-[]{},&*!|>'\"%@`#?\t\n ", "\n  ", "---", ": ", "- "])
a_line = st.integers(min_value=0, max_value=len(WORKLOAD.splitlines()) - 1)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"))


fuzzed = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def problems_of(project: Project, workload: str | bytes) -> list[str]:
    project.write("config/workloads/flight_delay.yaml", workload)
    problems = project.problems()
    assert all(LINE.fullmatch(problem) for problem in problems)
    assert not any("pydantic" in problem or "validation error" in problem for problem in problems)
    return problems


@fuzzed
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused_in_words(project: Project, content: bytes) -> None:
    assert problems_of(project, content)


@fuzzed
@given(content=st.text(alphabet=string.printable, max_size=200))
def test_any_text_is_refused_in_words(project: Project, content: str) -> None:
    assert problems_of(project, content)


@fuzzed
@given(line=a_line, column=st.integers(min_value=0, max_value=60), piece=pieces | st.text())
def test_any_slip_of_the_keyboard_is_taken_or_refused_in_words(
    project: Project, line: int, column: int, piece: str
) -> None:
    lines = WORKLOAD.splitlines()
    lines[line] = lines[line][:column] + piece + lines[line][column:]
    problems_of(project, "\n".join(lines).encode("utf-8", "surrogatepass"))


@fuzzed
@given(line=a_line, count=st.integers(min_value=1, max_value=5))
def test_any_lost_lines_are_taken_or_refused_in_words(
    project: Project, line: int, count: int
) -> None:
    lines = WORKLOAD.splitlines()
    del lines[line : line + count]
    problems_of(project, "\n".join(lines))


@fuzzed
@given(data=st.data())
def test_any_value_in_the_place_of_another_is_taken_or_refused_in_words(
    project: Project, data: st.DataObject
) -> None:
    tree: Any = YAML(typ="safe", pure=True).load(WORKLOAD)
    steps = data.draw(st.sampled_from(_all_steps(tree)))
    parent = tree
    for step in steps[:-1]:
        parent = parent[step]
    parent[steps[-1]] = data.draw(trees)
    text = "\n".join(f"{key}: {_as_json(value)}" for key, value in tree.items())
    problems_of(project, text.encode("utf-8", "surrogatepass"))


@fuzzed
@given(key=st.sampled_from(re.findall(r"^ *(\w+):", ENVIRONMENT, re.MULTILINE)), value=trees)
def test_any_value_of_an_environment_is_taken_or_refused_in_words(
    project: Project, key: str, value: Any
) -> None:
    text = re.sub(rf"\b{key}: .*", lambda _: f"{key}: {_as_json(value)}", ENVIRONMENT)
    project.write("config/environments/dev.yaml", text.encode("utf-8", "surrogatepass"))
    problems_of(project, WORKLOAD)


def _all_steps(tree: Any, steps: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found: list[tuple[Any, ...]] = []
    for key, child in children:
        found.append((*steps, key))
        if isinstance(child, dict | list):
            found += _all_steps(child, (*steps, key))
    return found


def _as_json(tree: Any) -> str:
    return json.dumps(tree, ensure_ascii=False)
