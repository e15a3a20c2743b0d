"""K-Means' stand-in: clusters of real rows, by Amazon's contract."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tests.standins.container import Container, Input
from tests.standins.datasets import Dataset, digits
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
KEY = "kmeans"
TEN = {"feature_dim": 64, "k": 10}
EVERYTHING = TEN | {
    "epochs": 2,
    "eval_metrics": '["msd", "ssd"]',
    "extra_center_factor": 8,
    "half_life_time_size": 2000,
    "init_method": "kmeans++",
    "local_lloyd_init_method": "random",
    "local_lloyd_max_iter": 50,
    "local_lloyd_num_trials": 5,
    "local_lloyd_tol": 0.001,
    "mini_batch_size": 300,
}


@pytest.fixture(scope="module")
def data(tabular: Container) -> Dataset:
    return digits(tabular.python)


@pytest.fixture(scope="module")
def works(data: Dataset) -> dict[str, Work]:
    train, test = data.part(0, 0.8).features, data.part(0.8, 1).features
    both = {"train": csv_input(train), "test": csv_input(test)}
    requests = [
        *asked_in_every_form(KEY, test[0]),
        *(csv_request(test[:1], accept) for accept in accepts(KEY)),
        csv_request(test, "application/json"),
    ]
    bad = {
        "too wide": (TEN | {"feature_dim": 63}, csv_input(train)),
        "a gap": (TEN, csv_input(np.where(train == train[7, 9], np.nan, train))),
        "no rows": (TEN, Input({"part-0.csv": b""}, "text/csv;label_size=0")),
        "too few rows": (TEN, csv_input(train[:9])),
        "infinite records": (TEN, record_input(np.where(train > 15, np.inf, train))),
    }
    return {
        "csv": Work(KEY, TEN, both, requests),
        "everything": Work(KEY, EVERYTHING, both),
        "records": Work(KEY, TEN, {"train": record_input(train), "test": record_input(test)}),
        "sparse": Work(KEY, TEN, {"train": record_input(train, sparse=True)}),
        "no extra centers": Work(KEY, TEN | {"extra_center_factor": 1}, both),
        "one center": Work(
            KEY, TEN | {"k": 1, "extra_center_factor": 1, "mini_batch_size": 100}, both
        ),
        "forgetful": Work(KEY, EVERYTHING | {"half_life_time_size": 30}, both),
        "two distinct rows": Work(KEY, TEN | {"k": 3}, {"train": csv_input(train[[0, 1] * 5])}),
        **{name: Work(KEY, given, {"train": rows}) for name, (given, rows) in bad.items()},
    }


@pytest.fixture(scope="module")
def done(tabular: Container, works: dict[str, Work]) -> dict[str, Done]:
    return run_jobs(tabular, works)


def centers(done: Done) -> np.ndarray:
    with np.load(done.model_dir / "model_algo-1", allow_pickle=False) as arrays:
        found: np.ndarray = arrays["centroids"]
    return found


def test_the_reported_distance_is_that_of_the_answers_and_beats_a_single_center(
    done: Mapping[str, Done], data: Dataset
) -> None:
    train, test = data.part(0, 0.8).features, data.part(0.8, 1).features
    answered = done["csv"].answers[-1].json["predictions"]
    squares = np.array([entry["distance_to_cluster"] for entry in answered]) ** 2

    assert set(done["csv"].metrics) == {"test:msd"}
    assert done["csv"].metrics["test:msd"] == pytest.approx(squares.mean(), rel=1e-5)
    assert squares.mean() < 0.6 * ((test - train.mean(axis=0)) ** 2).sum(axis=1).mean()
    assert {entry["closest_cluster"] for entry in answered} == {float(i) for i in range(10)}


def test_an_answer_names_the_nearest_center_of_the_model(
    done: Mapping[str, Done], data: Dataset
) -> None:
    distances = cdist(data.part(0.8, 1).features, centers(done["csv"]))

    answered = done["csv"].answers[-1].json["predictions"]

    assert centers(done["csv"]).shape == (10, 64)
    assert [entry["closest_cluster"] for entry in answered] == distances.argmin(axis=1).tolist()


def test_every_form_of_a_request_gives_the_same_answer(done: Mapping[str, Done]) -> None:
    assert_all_the_same(done["csv"].answers[:4])


def test_every_accept_gives_the_documented_form(done: Mapping[str, Done]) -> None:
    answers = done["csv"].answers[4:8]

    assert_documented(answers, accepts(KEY))


def test_csv_and_records_dense_or_sparse_teach_the_same(done: Mapping[str, Done]) -> None:
    assert np.array_equal(centers(done["csv"]), centers(done["records"]))
    assert np.array_equal(centers(done["csv"]), centers(done["sparse"]))
    assert done["csv"].metrics == done["records"].metrics


def test_every_hyperparameter_is_used(works: dict[str, Work], done: Mapping[str, Done]) -> None:
    assert not_accounted_for(KEY, works, done) == set()
    assert done["everything"].metrics["test:ssd"] == pytest.approx(
        360 * done["everything"].metrics["test:msd"]
    )


def test_extra_centers_make_tighter_clusters(done: Mapping[str, Done]) -> None:
    assert "100 centers reduced to 10" in done["csv"].log
    assert "reduced" not in done["no extra centers"].log
    assert done["csv"].metrics["test:msd"] < done["no extra centers"].metrics["test:msd"]


def test_one_center_is_the_mean_of_all_rows_however_they_come(
    done: Mapping[str, Done], data: Dataset
) -> None:
    mean = data.part(0, 0.8).features.mean(axis=0)

    assert centers(done["one center"])[0] == pytest.approx(mean, abs=1e-3)


def test_a_short_half_life_forgets_what_older_batches_taught(done: Mapping[str, Done]) -> None:
    assert done["forgetful"].metrics["test:msd"] > done["everything"].metrics["test:msd"]


def test_fewer_distinct_rows_than_clusters_still_make_a_model(done: Mapping[str, Done]) -> None:
    assert done["two distinct rows"].exit_code == 0
    assert centers(done["two distinct rows"]).shape == (3, 64)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("too wide", "a row has 64 columns; it must have 63 features"),
        ("a gap", "is missing; it must be a finite number"),
        ("no rows", "channel train has no rows"),
        ("too few rows", "k is 10 and channel train has 9 rows"),
        ("infinite records", "it must be a finite number"),
    ],
)
def test_bad_data_is_the_clients_error(done: Mapping[str, Done], name: str, reason: str) -> None:
    assert_client_error(done[name], reason)
