"""PCA's stand-in against the singular value decomposition of real rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

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
KEY = "pca"
FIVE = {"feature_dim": 64, "num_components": 5, "mini_batch_size": 300}
ROUGH = FIVE | {"algorithm_mode": "randomized"}


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
        csv_request(test[:1], "text/csv"),
        csv_request(test),
    ]
    bad = {
        "too wide": (FIVE | {"feature_dim": 63}, both["train"]),
        "no rows": (FIVE, Input({"part-0.csv": b"\n"}, "text/csv;label_size=0")),
        "too many components": (FIVE | {"num_components": 65}, both["train"]),
    }
    return {
        "regular": Work(KEY, FIVE, both, requests),
        "one batch": Work(KEY, FIVE | {"mini_batch_size": 5000}, both),
        "sparse": Work(KEY, FIVE, {"train": record_input(train, sparse=True)}),
        "all": Work(KEY, FIVE | {"num_components": 64}, both),
        "around zero": Work(KEY, FIVE | {"subtract_mean": "false"}, both, [csv_request(test)]),
        "rough": Work(KEY, ROUGH, both, [csv_request(test)]),
        "finer": Work(KEY, ROUGH | {"extra_components": 50}, both, [csv_request(test)]),
        "rough around zero": Work(
            KEY, ROUGH | {"subtract_mean": "false", "extra_components": 50}, both
        ),
        **{name: Work(KEY, given, {"train": channel}) for name, (given, channel) in bad.items()},
    }


@pytest.fixture(scope="module")
def done(tabular: Container, works: dict[str, Work]) -> dict[str, Done]:
    return run_jobs(tabular, works)


def model(done: Done) -> dict[str, np.ndarray]:
    with np.load(done.model_dir / "model_algo-1", allow_pickle=False) as arrays:
        return dict(arrays)


def projected(done: Done) -> Any:
    answered = done.answers[-1].json["projections"]
    return np.array([entry["projection"] for entry in answered])


def kept(done: Done) -> float:
    """What the log says of the test rows' variation."""
    return float(done.log.split("the components keep ")[1].split()[0])


def test_the_components_are_the_singular_vectors_with_the_largest_last(
    done: Mapping[str, Done], data: Dataset
) -> None:
    train = data.part(0, 0.8).features
    _, values, vectors = np.linalg.svd(train - train.mean(axis=0), full_matrices=False)
    found = model(done["regular"])

    assert {name: array.shape for name, array in found.items()} == {
        "mean": (1, 64),
        "s": (5,),
        "v": (64, 5),
    }
    assert found["mean"][0] == pytest.approx(train.mean(axis=0), rel=1e-5)
    assert found["s"] == pytest.approx(values[:5][::-1], rel=1e-5)
    assert np.abs(np.diag(vectors[:5][::-1] @ found["v"])) == pytest.approx(np.ones(5), rel=1e-5)


def test_an_answer_has_the_rows_coordinates_in_the_order_of_the_components(
    done: Mapping[str, Done], data: Dataset
) -> None:
    test, found = data.part(0.8, 1).features, model(done["regular"])

    assert projected(done["regular"]) == pytest.approx(
        (test - found["mean"]) @ found["v"], abs=1e-3
    )
    assert (np.diff(projected(done["regular"]).var(axis=0)) > 0).all()


def test_the_log_tells_how_much_the_components_keep(
    done: Mapping[str, Done], data: Dataset
) -> None:
    test = data.part(0.8, 1).features - model(done["regular"])["mean"]
    share = (projected(done["regular"]) ** 2).sum() / (test**2).sum()

    assert kept(done["regular"]) == pytest.approx(share, abs=1e-4)
    assert kept(done["regular"]) > 3 * 5 / 64
    assert kept(done["all"]) == 1


def test_without_subtracting_the_mean_the_components_are_those_around_zero(
    done: Mapping[str, Done], data: Dataset
) -> None:
    train, test = data.part(0, 0.8).features, data.part(0.8, 1).features
    found = model(done["around zero"])

    assert set(found) == {"s", "v"}
    assert found["s"] == pytest.approx(np.linalg.svd(train, compute_uv=False)[:5][::-1], rel=1e-5)
    assert projected(done["around zero"]) == pytest.approx(test @ found["v"], abs=1e-3)
    assert set(model(done["rough around zero"])) == {"s", "v"}


def test_neither_the_size_of_batches_nor_the_format_changes_the_components(
    done: Mapping[str, Done],
) -> None:
    for name in ("one batch", "sparse"):
        assert np.abs(model(done[name])["v"]) == pytest.approx(
            np.abs(model(done["regular"])["v"]), abs=1e-4
        )


def test_randomized_components_are_rougher_and_extra_ones_help(done: Mapping[str, Done]) -> None:
    assert 5 / 64 < kept(done["rough"]) < kept(done["finer"]) < kept(done["regular"])
    values = model(done["finer"])["s"]
    assert (np.diff(values) > 0).all()
    assert values == pytest.approx(model(done["regular"])["s"], rel=0.35)
    vectors = model(done["finer"])["v"]
    assert vectors.T @ vectors == pytest.approx(np.eye(5), abs=1e-5)


def test_every_form_of_a_request_gives_the_same_answer(done: Mapping[str, Done]) -> None:
    assert_all_the_same(done["regular"].answers[:4])


def test_every_accept_gives_the_documented_form_and_csv_is_none(done: Mapping[str, Done]) -> None:
    *answers, csv = done["regular"].answers[4:8]

    assert_documented(answers, accepts(KEY))
    assert csv.status == 406


def test_every_hyperparameter_is_used(works: dict[str, Work], done: Mapping[str, Done]) -> None:
    assert not_accounted_for(KEY, works, done) == set()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("too wide", "a row has 64 columns; it must have 63 features"),
        ("no rows", "channel train has no rows"),
        ("too many components", "num_components is 65"),
    ],
)
def test_bad_data_is_the_clients_error(done: Mapping[str, Done], name: str, reason: str) -> None:
    assert_client_error(done[name], reason)
