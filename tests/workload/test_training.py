"""Training: resumes, reproduces, reports, and refuses what it cannot learn from."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import duckdb
import pytest

from flywheel.algorithms import catalogue
from tests.workload import sample
from tests.workload.conftest import Trained, TrainingRun, prepare_training


@pytest.fixture
def new_run(features: Path, xgboost_python: Path, tmp_path: Path) -> TrainingRun:
    """The job of the `trained` model once more, in a folder of its own."""
    months = {month: features / f"month={month}" for month in sample.MONTHS}
    return prepare_training(tmp_path / "ml", xgboost_python, months)


@pytest.mark.parametrize(("phase", "checkpoint"), [("search", 10), ("fit", 5)])
def test_a_killed_run_resumes_from_its_checkpoint_and_gives_the_same_model(
    trained: Trained, new_run: TrainingRun, phase: str, checkpoint: int
) -> None:
    process = new_run.start()
    assert process.stdout is not None
    assert any(line == f"checkpoint={phase}-{checkpoint}\n" for line in process.stdout)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not new_run.model.exists()

    log = new_run.complete()

    assert re.search(rf"^resuming the {phase} after round \d+$", log, re.M)
    assert new_run.sha256() == trained.run.sha256()


def test_a_checkpoint_of_other_hyperparameters_is_not_used(
    trained: Trained, features: Path, xgboost_python: Path, tmp_path: Path
) -> None:
    months = {month: features / f"month={month}" for month in sample.MONTHS}
    other = prepare_training(tmp_path / "ml", xgboost_python, months, max_depth="2")
    checkpoint = trained.run.opt_ml / "checkpoints" / "checkpoint.ubj"
    (other.opt_ml / "checkpoints" / checkpoint.name).write_bytes(checkpoint.read_bytes())

    log = other.complete()

    assert "starting anew" in log
    assert other.sha256() != trained.run.sha256()


def test_a_checkpoint_whose_copy_was_cut_off_is_not_used(
    trained: Trained, new_run: TrainingRun
) -> None:
    whole = (trained.run.opt_ml / "checkpoints" / "checkpoint.ubj").read_bytes()
    (new_run.opt_ml / "checkpoints" / "checkpoint.ubj").write_bytes(whole[: len(whole) // 2])

    log = new_run.complete()

    assert "cannot be read" in log
    assert new_run.sha256() == trained.run.sha256()


def test_the_log_has_the_metrics_that_sagemaker_reads_of_its_image(trained: Trained) -> None:
    """In the log of a container a tab is written #011."""
    regex = catalogue.find("xgboost").metric_regex
    assert regex is not None
    log = trained.log.replace("\t", "#011")
    found = re.findall(regex.replace("<metric>", "auc"), log)
    values = [float(value.partition("#011")[0]) for value in found]

    assert len(values) > 1
    assert all(0.5 < value <= 1 for value in values)


def test_the_log_names_the_seed(trained: Trained) -> None:
    assert f"seed={sample.settings().training.hyperparameters['seed']} " in trained.log


def test_whole_days_are_held_out_for_early_stopping(trained: Trained) -> None:
    found = re.search(r"validation days=(\d+) rows=(\d+)", trained.log)

    assert found is not None
    assert found.groups() == ("14", str(2 * 7 * 1500 // 28))


def test_the_artifact_holds_the_model_and_the_code_that_serves_it(trained: Trained) -> None:
    folder = trained.run.opt_ml / "model"

    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    assert {path for path in found if "__pycache__" not in path} == {  # the endpoint runs there
        "model.ubj",
        *(f"code/{path.name}" for path in (sample.ROOT / "inference_code").glob("*.py")),
    }


def test_a_month_of_too_few_days_trains_without_early_stopping(
    xgboost_python: Path, tmp_path: Path
) -> None:
    sample.write_features(tmp_path, "2013-01", rows=5)
    run = prepare_training(
        tmp_path / "ml", xgboost_python, {"2013-01": tmp_path / "month=2013-01"}, num_round="3"
    )

    assert re.search(r"^rounds=3 ", run.complete(), re.M)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * EXCLUDE late FROM month", "The training data has no column late."),
        ("SELECT * REPLACE (0 AS late) FROM month", "must have both values 0 and 1"),
        ("SELECT *, now() AS seen FROM month", "The column seen is timestamp"),
        (None, "The channel train has no Parquet file"),
    ],
    ids=["no label", "one class", "no feature type", "no file"],
)
def test_data_that_cannot_be_learnt_from_is_refused_with_a_reason(
    features: Path, xgboost_python: Path, tmp_path: Path, query: str | None, message: str
) -> None:
    (tmp_path / "data").mkdir()
    if query:
        source = f"'{features / f'month={sample.HOLDOUT}'}/*.parquet'"
        with duckdb.connect() as database:
            database.execute(f"CREATE VIEW month AS FROM read_parquet({source})")
            database.execute(f"COPY ({query}) TO '{tmp_path / 'data' / 'part.parquet'}'")
    run = prepare_training(tmp_path / "ml", xgboost_python, {"2013-01": tmp_path / "data"})
    process = run.start()
    log, _ = process.communicate()

    assert process.returncode != 0, log
    assert message in log
    assert message in (run.opt_ml / "output" / "failure").read_text()
