"""Three rows of the built-in algorithms, whole; `make algorithms` takes all 19."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flywheel.algorithm_runs.main import AlgorithmRuns
from flywheel.errors import UserError

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
QUICK = ("kmeans", "linear_learner_classification", "xgboost")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("algorithms")
    with (folder / "console.txt").open("w") as file:
        AlgorithmRuns(Console(file=file, width=200), folder, keys=QUICK).run()
    return folder


@pytest.fixture(scope="module")
def rows(folder: Path) -> dict[str, dict[str, Any]]:
    content = json.loads((folder / "report.json").read_text())
    return {row["key"]: row for row in content["rows"]}


@pytest.mark.parametrize("key", QUICK)
def test_a_row_beats_its_naive_baseline(rows: dict[str, dict[str, Any]], key: str) -> None:
    assert rows[key]["problem"] == ""
    assert rows[key]["value"] > rows[key]["baseline"]
    assert rows[key]["baseline_name"]


@pytest.mark.parametrize("key", QUICK)
def test_every_content_type_and_every_answer_was_tried(
    rows: dict[str, dict[str, Any]], key: str
) -> None:
    calls = rows[key]["invocations"]
    assert [call["problem"] for call in calls] == [""] * len(calls)
    assert len({call["content_type"] for call in calls}) >= 3
    assert len({call["accept"] for call in calls}) >= 3


def test_tuning_trained_several_times_and_the_best_one_was_promoted(
    rows: dict[str, dict[str, Any]],
) -> None:
    assert rows["xgboost"]["trainings"] > 1
    assert rows["xgboost"]["passed"]


def test_the_console_says_that_they_are_stand_ins(folder: Path) -> None:
    said = (folder / "console.txt").read_text()
    assert "each by a stand-in: Amazon's numbers will differ" in said
    assert f"{len(QUICK)} of {len(QUICK)} rows passed" in said


def test_an_algorithm_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ALGORITHM is kmean; it must be one of .*kmeans"):
        AlgorithmRuns(Console(), tmp_path, keys=["kmean"])
