"""The workload files of the built-in algorithms: in order everywhere, and as the scripts expect."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from flywheel import samples
from flywheel.algorithms import catalogue
from flywheel.settings import load_workloads, warnings
from tests.conftest import ENVIRONMENTS
from tests.workload.builtin.lake import KEYS, ROOT, settings

FOLDER = ROOT / "config" / "workloads" / "builtin"
SCORE = (ROOT / "training_code" / "builtin" / "score.py").read_text()


def constant(script: str, name: str) -> int:
    """A number at the top of a Spark script."""
    text = (ROOT / "etl_code" / "builtin" / script).read_text()
    found = re.search(rf"^{name} = (\d+)$", text, re.MULTILINE)
    assert found, f"{script} has no {name}"
    return int(found[1])


def test_every_algorithm_has_a_workload_of_its_name() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(catalogue.keys()) == set(KEYS)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_all_are_in_order_in_every_environment(environment: str) -> None:
    loaded = load_workloads(ROOT / "config", environment, builtin=True)
    assert set(KEYS) < set(loaded)


def test_nothing_in_them_is_doubtful() -> None:
    assert [str(doubt) for doubt in warnings(ROOT / "config") if "builtin" in str(doubt)] == []


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_first_lines_say_what_to_change_and_whose_the_data_are(path: Path) -> None:
    comment = path.read_text().partition("\nname:")[0].replace("\n# ", " ")
    said = (
        r"To make it yours, copy this file to config/workloads/ and change first: .+\. Data: .+\."
    )
    assert re.search(said, comment)


@pytest.mark.parametrize("key", KEYS)
def test_the_gate_judges_by_a_metric_that_the_script_computes(key: str) -> None:
    assert f'    "{settings(key).gate.metric}": Metric(' in SCORE


@pytest.mark.parametrize("key", KEYS)
def test_every_workload_checks_more_than_the_number_of_rows(key: str) -> None:
    assert len(settings(key).checks) >= 4
    assert all(check.min is not None or check.max is not None for check in settings(key).checks)


@pytest.mark.parametrize("key", KEYS)
def test_months_suffice_for_training_selection_and_hold_out(key: str) -> None:
    kinds = {channel.data for channel in settings(key).training.channels.values()}
    assert kinds <= {"training", "selection", "holdout", "fixed"}
    assert len(samples.MONTHS) >= 2 + ("selection" in kinds)


def test_two_are_tuned_one_of_them_with_early_stopping() -> None:
    tunings = [settings(key).training.tuning for key in KEYS]
    tuned = [tuning for tuning in tunings if tuning]
    assert {tuning.early_stopping for tuning in tuned} == {True, False}
    assert all((t.max_jobs, t.max_parallel_jobs) == (4, 2) for t in tuned)


def test_hyperparameters_agree_with_the_spark_scripts() -> None:
    given = {key: settings(key).training.hyperparameters for key in KEYS}
    assert given["factorization_machines"]["feature_dim"] == constant("sparse.py", "FLIGHT_COLUMNS")
    assert given["deepar"]["prediction_length"] == constant("series.py", "PREDICTED_HOURS")
    words = len(samples.raw_objects("lda")[0].body.split())
    assert given["lda"]["feature_dim"] == given["ntm"]["feature_dim"] == words
    vocabularies = {o.key: o.body for o in samples.raw_objects("seq2seq") if "vocab" in o.key}
    sounds = json.loads(vocabularies["vocabulary/vocab.trg.json"])
    assert given["object2vec"]["enc1_vocab_size"] == len(sounds) - 4 + 1, "0 instead of 4 symbols"
