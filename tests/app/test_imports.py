"""Imports go one way: app, stacks, components, settings; code that AWS runs stands alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROOMS = (
    "app", "stacks", "components", "flywheel", "etl_code", "training_code", "inference_code",
)  # fmt: skip
ALLOWED = {
    "app": ("stacks", "flywheel.settings", "flywheel.errors"),
    "stacks": ("stacks", "components", "flywheel.settings", "flywheel.algorithms"),
    "components": ("components", "flywheel.settings", "flywheel.algorithms"),
    "flywheel": ("flywheel",),
    "etl_code": ("etl_code",),
    "training_code": ("training_code",),
    "inference_code": ("inference_code",),
}
IMPURE = (
    "boto3", "botocore", "datetime", "http", "platform", "random", "requests", "secrets", "socket",
    "subprocess", "time", "urllib", "uuid",
)  # fmt: skip
PURE_ROOMS = ("app", "stacks", "components")


def imports_of(source: str) -> Iterator[str]:
    """Full names of all modules that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def broken_rules(room: str, source: str) -> list[str]:
    """What a file of this room imports, or does, that it must not."""
    problems = []
    for module in imports_of(source):
        ours = any(within(module, other) for other in ROOMS)
        if ours and not any(within(module, allowed) for allowed in ALLOWED[room]):
            problems.append(f"imports {module}")
        if room in PURE_ROOMS and any(within(module, name) for name in IMPURE):
            problems.append(f"imports {module}, so that synthesis is not pure")
    reads_environment = "os.environ" in source or "os.getenv" in source
    if room in ("stacks", "components") and reads_environment:
        problems.append("reads the environment, which only app.py may")
    return problems


def files_of(room: str) -> list[Path]:
    if room == "app":
        return [ROOT / "app.py"]
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_is_below_it(room: str) -> None:
    files = files_of(room)
    assert files
    problems = {
        str(file.relative_to(ROOT)): broken
        for file in files
        if (broken := broken_rules(room, file.read_text(encoding="utf-8")))
    }
    assert problems == {}


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("components", "import stacks.serving_stack"),
        ("components", "from flywheel.local_aws import LocalAws"),
        ("stacks", "from flywheel import local_aws"),
        ("stacks", "def f():\n    from flywheel.local_aws.sagemaker import service"),
        ("flywheel", "from components.network import Network"),
        ("flywheel", "import app"),
        ("training_code", "from flywheel.settings import WorkloadSettings"),
        ("inference_code", "import training_code.train"),
        ("app", "from components.network import Network"),
        ("components", "import boto3"),
        ("stacks", "from datetime import datetime"),
        ("components", "import os\nREGION = os.environ['AWS_REGION']"),
    ],
)
def test_an_import_the_wrong_way_is_seen(room: str, source: str) -> None:
    assert broken_rules(room, source)
