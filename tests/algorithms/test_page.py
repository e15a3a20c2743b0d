"""docs/algorithms.md says the same as the catalogue."""

from pathlib import Path

import pytest

from flywheel.algorithms import catalogue

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "algorithms.md").read_text(encoding="utf-8")


def short(content_types: list[str]) -> str:
    """As the page writes them: without what says little."""
    records = "application/x-recordio-protobuf"
    names = (name.replace(records, "x/recordio-protobuf") for name in content_types)
    return ", ".join(dict.fromkeys(name.partition("/")[2] or name for name in names))


@pytest.mark.parametrize("key", catalogue.keys())
def test_every_row_has_its_workload_and_its_formats(key: str) -> None:
    algorithm = catalogue.find(key)
    [line] = [line for line in PAGE.splitlines() if f"builtin/{key}.yaml)" in line]
    name, purpose, _, trained, asked, answers = [cell.strip() for cell in line.split("|")[1:-1]]
    assert name == algorithm.name
    assert len(purpose) > 30
    assert trained == short(list(algorithm.channels["train"].content_types))
    assert asked == short(list(algorithm.inference.requests))
    assert answers == short([each.accept for each in algorithm.inference.responses])
    assert (ROOT / "config" / "workloads" / "builtin" / f"{key}.yaml").is_file()


def test_every_row_answers_a_question() -> None:
    questions = PAGE.partition("## The 19 rows")[0]
    keys = catalogue.keys()
    assert [key for key in keys if f"`{key}`" not in questions] == []
