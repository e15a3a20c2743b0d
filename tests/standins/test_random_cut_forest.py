"""Random Cut Forest's stand-in: scores of real tissue samples, of which few are malignant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.standins.container import Container, Input
from tests.standins.datasets import Dataset, breast_cancer
from tests.standins.jobs import (
    Done,
    Work,
    accepts,
    asked_in_every_form,
    assert_all_the_same,
    assert_client_error,
    assert_documented,
    not_accounted_for,
    run_jobs,
)
from tests.standins.tables import csv_input, csv_request, record_input

pytestmark = pytest.mark.xdist_group("standin-tabular")
KEY = "random_cut_forest"
PLAIN = {"feature_dim": 30}
EVERYTHING = PLAIN | {
    "num_trees": 60,
    "num_samples_per_tree": 128,
    "eval_metrics": '["precision_recall_fscore"]',
    "mini_batch_size": 1000,
}


@pytest.fixture(scope="module")
def data(tabular: Container) -> Dataset:
    """Standardised rows, 357 benign (0) and 12 malignant (1)."""
    every = breast_cancer(tabular.python)
    malignant = every.labels == 0
    kept = ~malignant | (np.cumsum(malignant) <= 12)
    rows = every.features[kept]
    standard = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    return Dataset(standard.astype(np.float32), malignant[kept].astype(int))


@pytest.fixture(scope="module")
def works(data: Dataset) -> dict[str, Work]:
    rows, labels = data.features, data.labels
    both = {"train": csv_input(rows), "test": csv_input(rows, labels)}
    far = np.vstack([np.full(30, 1e4), np.zeros(30)])
    requests = [
        *asked_in_every_form(KEY, rows[0]),
        *(csv_request(rows[:1], accept) for accept in accepts(KEY)),
        csv_request(rows[:1], "text/csv"),
        csv_request(far),
        csv_request(rows),
    ]
    odd = np.where(labels == 1, 2, 0)
    gap = np.where(rows == rows[7, 9], np.nan, rows)
    bad: dict[str, dict[str, Input]] = {
        "too narrow": {"train": csv_input(rows[:, :29])},
        "a gap": {"train": csv_input(gap)},
        "no rows": {"train": Input({"a.csv": b""}, "text/csv;label_size=0")},
        "other labels": {"train": both["train"], "test": csv_input(rows, odd)},
        "unlabelled test": {"train": both["train"], "test": record_input(rows)},
    }
    return {
        "plain": Work(KEY, PLAIN, both, requests),
        "everything": Work(KEY, EVERYTHING, both),
        "only accuracy": Work(KEY, PLAIN | {"eval_metrics": '["accuracy"]'}, both),
        "records": Work(KEY, PLAIN, {"train": record_input(rows)}, [csv_request(rows)]),
        "sparse": Work(KEY, PLAIN, {"train": record_input(rows, sparse=True)}, [csv_request(rows)]),
        "many rows": Work(
            KEY,
            PLAIN | {"num_trees": 50, "num_samples_per_tree": 7},
            {"train": csv_input(rows)},
            [csv_request(rows)],
        ),
        "duplicates": Work(
            KEY,
            PLAIN,
            {"train": csv_input(np.repeat(rows[:3], 100, axis=0))},
            [csv_request(np.vstack([rows[:3], rows[3:6]]))],
        ),
        **{name: Work(KEY, PLAIN, channels) for name, channels in bad.items()},
    }


@pytest.fixture(scope="module")
def done(tabular: Container, works: dict[str, Work]) -> dict[str, Done]:
    return run_jobs(tabular, works)


def scores(done: Done, answer: int = -1) -> Any:
    return np.array([entry["score"] for entry in done.answers[answer].json["scores"]])


def f1(found: Any, actual: Any) -> float:
    return float(2 * (found & actual).sum() / (found.sum() + actual.sum()))


def test_f1_is_that_of_the_three_sigma_rule_and_beats_calling_every_row_anomalous(
    done: Mapping[str, Done], data: Dataset
) -> None:
    answered, actual = scores(done["plain"]), data.labels == 1
    found = answered > answered.mean() + 3 * answered.std()

    assert done["plain"].metrics == {"test:f1": pytest.approx(f1(found, actual))}
    assert f1(found, actual) > 4 * f1(np.ones_like(actual), actual)
    assert f"accuracy {(found == actual).mean():.4f}" in done["plain"].log


def test_malignant_rows_score_higher_than_benign_ones(
    done: Mapping[str, Done], data: Dataset
) -> None:
    answered = scores(done["plain"])
    malignant, benign = answered[data.labels == 1], answered[data.labels == 0]

    assert (malignant[:, None] > benign[None]).mean() > 0.9
    assert 0.3 < benign.mean() < 0.8 < malignant.mean()


def test_a_point_beyond_all_is_cut_off_at_once(done: Mapping[str, Done]) -> None:
    beyond, middle = scores(done["plain"], -2)

    assert beyond == pytest.approx(np.log2(256 + 1), rel=1e-2)
    assert middle < 0.5


def test_points_seen_many_times_score_low_and_others_high(done: Mapping[str, Done]) -> None:
    answered = scores(done["duplicates"])

    assert "each tree has all" not in done["duplicates"].log
    assert answered[:3].max() < 1 < answered[3:].min()


def test_where_rows_suffice_no_two_trees_share_one(done: Mapping[str, Done]) -> None:
    with np.load(done["many rows"].model_dir / "model_algo-1", allow_pickle=False) as trees:
        assert trees["points"].shape == (350, 30)
        assert trees["mass"][:50].tolist() == [7] * 50
        leaves = trees["point"][trees["left"] == 0]
    assert sorted(leaves.tolist()) == list(range(350))


def test_every_form_of_a_request_gives_the_same_answer(done: Mapping[str, Done]) -> None:
    assert_all_the_same(done["plain"].answers[:6])


def test_every_accept_gives_the_documented_form_and_csv_is_none(done: Mapping[str, Done]) -> None:
    *answers, csv = done["plain"].answers[6:10]

    assert_documented(answers, accepts(KEY))
    assert csv.status == 406


def test_csv_and_records_dense_or_sparse_teach_the_same(done: Mapping[str, Done]) -> None:
    assert np.array_equal(scores(done["plain"]), scores(done["records"]))
    assert np.array_equal(scores(done["plain"]), scores(done["sparse"]))


def test_every_hyperparameter_is_used_or_named(
    works: dict[str, Work], done: Mapping[str, Done]
) -> None:
    assert not_accounted_for(KEY, works, done) == set()
    assert done["everything"].named_without_effect == {"mini_batch_size"}
    assert "accuracy" not in done["everything"].log
    assert done["only accuracy"].metrics == {}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("too narrow", "a row has 29 columns; it must have 30 features"),
        ("a gap", "is missing; it must be a finite number"),
        ("no rows", "channel train has no rows"),
        ("other labels", "a label of channel test is neither 0 nor 1"),
        ("unlabelled test", "channel test, file part-0.pbr: the records have no label"),
    ],
)
def test_bad_data_is_the_clients_error(done: Mapping[str, Done], name: str, reason: str) -> None:
    assert_client_error(done[name], reason)
