"""K-Nearest Neighbors' stand-in: Amazon's indexes, answers and model files, on real rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tests.standins.container import Asked, Container, Input
from tests.standins.datasets import Dataset, diabetes, digits
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
from tests.standins.tables import csv, csv_input, csv_request, record_input

pytestmark = pytest.mark.xdist_group("standin-tabular")
KEY = "knn"
VERBOSE = "application/json; verbose=true"
FIVE = {"feature_dim": 64, "k": 5, "predictor_type": "classifier", "sample_size": 5000}
LISTS = FIVE | {"index_type": "faiss.IVFFlat", "faiss_index_ivf_nlists": 20}
PRODUCT = FIVE | {"index_type": "faiss.IVFPQ", "faiss_index_pq_m": 24, "mini_batch_size": 100}
REDUCED = FIVE | {"dimension_reduction_target": 32}


@pytest.fixture(scope="module")
def data(tabular: Container) -> Dataset:
    return digits(tabular.python)


@pytest.fixture(scope="module")
def disease(tabular: Container) -> Dataset:
    return diabetes(tabular.python)


def channels(data: Dataset) -> dict[str, Any]:
    train, test = data.part(0, 0.8), data.part(0.8, 1)
    return {
        "train": csv_input(train.features, train.labels),
        "test": csv_input(test.features, test.labels),
    }


@pytest.fixture(scope="module")
def works(data: Dataset, disease: Dataset) -> dict[str, Work]:
    both, test = channels(data), data.part(0.8, 1)
    rows, labels = data.part(0, 0.8).features, data.part(0, 0.8).labels
    requests = [
        *asked_in_every_form(KEY, test.features[0]),
        *(csv_request(test.features[:1], accept) for accept in accepts(KEY)),
    ]
    every = [csv_request(test.features, VERBOSE)]
    regression = {"feature_dim": 10, "k": 20, "predictor_type": "regressor", "sample_size": 5000}
    bad = {
        "too wide": (FIVE | {"feature_dim": 65}, both["train"]),
        "unlabelled records": (FIVE, record_input(rows)),
        "only labels": (
            FIVE | {"feature_dim": 1},
            Input({"a.csv": csv(labels[:, None])}, "text/csv;label_size=1"),
        ),
        "k beyond the sample": (FIVE | {"sample_size": 4}, both["train"]),
        "more lists than rows": (LISTS | {"sample_size": 19}, both["train"]),
        "too few for products": (PRODUCT | {"sample_size": 255}, both["train"]),
    }
    return {
        "flat": Work(KEY, FIVE, both, [*requests, *every]),
        "records": Work(KEY, FIVE, {"train": record_input(rows, labels)}, every),
        "sparse": Work(KEY, FIVE, {"train": record_input(rows, labels, sparse=True)}, every),
        "inner": Work(KEY, FIVE | {"index_metric": "INNER_PRODUCT"}, both, every),
        "cosine": Work(KEY, FIVE | {"index_metric": "COSINE"}, both, every),
        "lists": Work(KEY, LISTS, both, every),
        "products": Work(KEY, PRODUCT, both, every),
        "sign": Work(KEY, REDUCED | {"dimension_reduction_type": "sign"}, both, every),
        "fjlt": Work(KEY, REDUCED | {"dimension_reduction_type": "fjlt"}, both, every),
        "small sample": Work(KEY, FIVE | {"sample_size": 200}, both, every),
        "one": Work(KEY, FIVE | {"k": 1}, both, every),
        "empty lists": Work(KEY, LISTS | {"faiss_index_ivf_nlists": 1000, "k": 50}, both, every),
        "disease": Work(
            KEY, regression, channels(disease), [csv_request(disease.part(0.8, 1).features)]
        ),
        **{name: Work(KEY, given, {"train": channel}) for name, (given, channel) in bad.items()},
    }


@pytest.fixture(scope="module")
def done(tabular: Container, works: dict[str, Work]) -> dict[str, Done]:
    return run_jobs(tabular, works)


def answered(done: Done) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = done.answers[-1].json["predictions"]
    return found


def distances(done: Done) -> Any:
    return np.array([entry["distances"] for entry in answered(done)])


def squares(data: Dataset) -> np.ndarray:
    """Squared distances of the test rows to the training rows."""
    train, test = data.part(0, 0.8).features, data.part(0.8, 1).features
    found: np.ndarray = cdist(test, train, "sqeuclidean")
    return found


def test_a_flat_index_finds_the_nearest_rows(done: Mapping[str, Done], data: Dataset) -> None:
    exact = np.sort(squares(data), axis=1)[:, :5]

    assert distances(done["flat"]) == pytest.approx(exact, rel=1e-5)


def test_a_class_is_the_vote_of_the_neighbours_and_beats_the_most_frequent(
    done: Mapping[str, Done], data: Dataset
) -> None:
    test = data.part(0.8, 1).labels
    predicted = np.array([entry["predicted_label"] for entry in answered(done["flat"])])
    votes = [np.bincount(np.array(e["labels"], int), minlength=10) for e in answered(done["flat"])]

    assert all(vote[int(label)] == vote.max() for vote, label in zip(votes, predicted, strict=True))
    assert done["flat"].metrics == {"test:accuracy": pytest.approx((predicted == test).mean())}
    assert (
        done["flat"].metrics["test:accuracy"] > 0.95 > 3 * np.bincount(test.astype(int)).max() / 360
    )


def test_of_equally_frequent_classes_the_nearest_wins(done: Mapping[str, Done]) -> None:
    ties = [
        entry
        for entry in answered(done["flat"])
        if sorted(np.unique(entry["labels"], return_counts=True)[1]) in ([1, 2, 2], [1] * 5)
    ]

    assert ties
    for entry in ties:
        labels = entry["labels"]
        most = max(map(labels.count, labels))
        nearest = next(label for label in labels if labels.count(label) == most)
        assert entry["predicted_label"] == nearest


def test_a_regressor_answers_the_mean_of_the_neighbours_and_beats_the_overall_mean(
    done: Mapping[str, Done], disease: Dataset
) -> None:
    train, test = disease.part(0, 0.8), disease.part(0.8, 1)
    nearest = squares(disease).argsort(axis=1)[:, :20]
    predicted = np.array([entry["predicted_label"] for entry in answered(done["disease"])])

    assert predicted == pytest.approx(train.labels[nearest].mean(axis=1), rel=1e-4)
    assert done["disease"].metrics["test:mse"] == pytest.approx(
        ((predicted - test.labels) ** 2).mean(), rel=1e-4
    )
    assert done["disease"].metrics["test:mse"] < 0.8 * test.labels.var()


def test_every_form_of_a_request_gives_the_same_answer(done: Mapping[str, Done]) -> None:
    assert_all_the_same(done["flat"].answers[:6])


def test_every_accept_gives_the_documented_form(done: Mapping[str, Done]) -> None:
    answers = done["flat"].answers[6:12]

    assert_documented(answers, accepts(KEY))


def test_csv_and_records_dense_or_sparse_teach_the_same(done: Mapping[str, Done]) -> None:
    assert answered(done["records"]) == answered(done["flat"]) == answered(done["sparse"])


def test_each_metric_is_measured_and_the_smallest_distance_comes_first(
    done: Mapping[str, Done], data: Dataset
) -> None:
    train, test = data.part(0, 0.8).features, data.part(0.8, 1).features
    inner = test @ train.T
    cosine = inner / np.linalg.norm(test, axis=1)[:, None] / np.linalg.norm(train, axis=1)

    assert distances(done["inner"]) == pytest.approx(np.sort(-inner)[:, :5], rel=1e-5)
    assert distances(done["cosine"]) == pytest.approx(np.sort(-cosine)[:, :5], rel=1e-4)


def test_the_other_indexes_and_reductions_are_nearly_as_good(done: Mapping[str, Done]) -> None:
    exact = done["flat"].metrics["test:accuracy"]

    for name in ("lists", "products", "sign", "fjlt"):
        assert done[name].metrics["test:accuracy"] > exact - 0.05
        assert answered(done[name]) != answered(done["flat"])


def test_projections_keep_distances_roughly(done: Mapping[str, Done]) -> None:
    for name in ("sign", "fjlt"):
        ratio = distances(done[name]).mean() / distances(done["flat"]).mean()
        assert 0.7 < ratio < 1.3


def test_a_dimension_that_the_parts_do_not_divide_is_filled_with_zeros(
    done: Mapping[str, Done],
) -> None:
    assert "zeros are appended up to dimension 72" in done["products"].log
    assert done["products"].answers[0].status == 200


def test_where_the_searched_lists_hold_too_few_all_are_searched(
    done: Mapping[str, Done],
) -> None:
    assert all(len(set(entry["distances"])) > 1 for entry in answered(done["empty lists"]))
    assert distances(done["empty lists"]).shape == (360, 50)
    assert distances(done["empty lists"]).max() < 1e5


def test_a_smaller_sample_is_all_that_the_model_knows(done: Mapping[str, Done]) -> None:
    assert "the sample has 200 of 1437 rows" in done["small sample"].log
    assert (done["small sample"].model_dir / "model_algo-1.labels").stat().st_size == 4 * 200
    assert distances(done["small sample"]).mean() > distances(done["flat"]).mean()


def test_the_model_has_the_documented_files_and_k_may_be_edited(
    tabular: Container, done: Mapping[str, Done], data: Dataset
) -> None:
    folder = done["flat"].model_dir
    settings = json.loads((folder / "model_algo-1.json").read_text())
    (folder / "model_algo-1.json").write_text(json.dumps(settings | {"k": 1}))

    body = csv_request(data.part(0.8, 1).features).body
    one, refused = tabular.ask(
        folder, [Asked(body, "text/csv", VERBOSE), Asked(b"1,2", "text/csv")]
    )

    assert {"k": 5, "predictor_type": "classifier", "normalize": False}.items() <= settings.items()
    assert one.json["predictions"] == answered(done["one"])
    assert (refused.status, b"64" in refused.body) == (400, True)


def test_every_hyperparameter_is_used(works: dict[str, Work], done: Mapping[str, Done]) -> None:
    assert not_accounted_for(KEY, works, done) == set()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("too wide", "a row has 65 columns; it must have 65 features and 1 labels"),
        ("unlabelled records", "the records have no label"),
        ("only labels", "there must be a feature as well"),
        ("k beyond the sample", "k is 5 and the sample has 4 rows"),
        ("more lists than rows", "faiss_index_ivf_nlists is 20 and the sample has 19 rows"),
        ("too few for products", "the sample has 255 rows; it must have at least 256"),
    ],
)
def test_bad_data_is_the_clients_error(done: Mapping[str, Done], name: str, reason: str) -> None:
    assert_client_error(done[name], reason)
