"""The main job, whole: deployed by the CDK CLI, real jobs, on a quarter of the planes."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flywheel.demo.main import MainJob

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
SHARE = 0.25


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    with (folder / "console.txt").open("w") as file:
        MainJob(Console(file=file, width=120), folder, share=SHARE).run()
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return content


def test_four_batches_make_four_runs_and_the_damaged_one_no_model(report: dict[str, Any]) -> None:
    assert [item["decision"] for item in report["rounds"]] == [
        "promoted",
        "promoted",
        "quarantined",
        "promoted",
    ]
    assert report["executions"] == 4
    assert report["rounds"][2]["challenger"] is None
    assert [item["challenger"]["version"] for item in report["rounds"] if item["challenger"]] == [
        1,
        2,
        3,
    ]


def test_the_hold_out_is_the_newest_month_and_training_is_all_clean_months_before_it(
    report: dict[str, Any],
) -> None:
    first, second, _, last = report["rounds"]
    assert (first["holdout_month"], first["training_months"]) == ("2013-03", ["2013-01", "2013-02"])
    assert second["training_months"] == ["2013-01", "2013-02", "2013-03"]
    assert last["holdout_month"] == "2013-06"
    assert last["training_months"] == ["2013-01", "2013-02", "2013-03", "2013-04"]


def test_the_champion_is_judged_on_the_same_hold_out(report: dict[str, Any]) -> None:
    assert report["rounds"][0]["champion_before"] is None
    assert report["rounds"][1]["champion_before"]["version"] == 1
    assert report["rounds"][3]["champion_before"]["version"] == 2


def test_the_model_has_learnt_something_and_nothing_leaks(report: dict[str, Any]) -> None:
    for item in report["rounds"]:
        if item["challenger"]:
            assert 0.65 <= item["challenger"]["auc"] <= 0.90


def test_no_call_fails_while_the_endpoint_moves_twice(report: dict[str, Any]) -> None:
    assert report["api"]["sent"] > 50
    assert report["api"]["failed"] == 0


def test_a_prediction_is_told_in_words(report: dict[str, Any]) -> None:
    prediction = report["prediction"]
    assert 0 <= prediction["probability"] <= 1
    assert f"{prediction['probability']:.0%}" in prediction["words"]


def test_progress_says_what_runs_and_the_end_names_the_report(folder: Path) -> None:
    said = (folder / "console.txt").read_text()
    assert "[4/8] January to March arrive" in said
    assert "train" in said
    assert str(folder / "report.html") in said
    assert (folder / "report.html").exists()
