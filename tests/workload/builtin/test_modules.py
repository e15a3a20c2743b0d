"""A job gets the modules of this repository that its script imports, and no others."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workload.builtin.lake import KEYS, ROOT, settings


def imported(script: str) -> Iterator[str]:
    """The repository's files that a file imports, and what they import."""
    for node in ast.walk(ast.parse((ROOT / script).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            folder = Path(*node.module.split("."))
            for path in (folder, *(folder / alias.name for alias in node.names)):
                file = path.with_suffix(".py").as_posix()
                if (ROOT / file).is_file():
                    yield file
                    yield from imported(file)


@pytest.mark.parametrize("key", KEYS)
def test_a_workload_sends_along_what_its_scripts_import(key: str) -> None:
    workload = settings(key)
    for job in (workload.etl, workload.evaluation):
        assert set(imported(job.script)) == set(job.modules)
