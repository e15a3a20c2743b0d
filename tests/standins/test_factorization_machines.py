"""Factorization Machines' stand-in: its formula, its optimizer's settings and its answers."""

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
    assert_client_error,
    assert_documented,
    form_of,
    not_accounted_for,
    run_jobs,
)
from tests.standins.tables import record_input, record_request

pytestmark = pytest.mark.xdist_group("standin-tabular")
KEY = "factorization_machines"
SHAPE = {"feature_dim": 64, "num_factors": 6}
EVEN = SHAPE | {
    "predictor_type": "binary_classifier",
    "epochs": 25,
    "mini_batch_size": 100,
    "factors_lr": 0.005,
    "linear_lr": 0.01,
}
SIZE = EVEN | {"predictor_type": "regressor"}
# One step over all rows, from the same value everywhere.
STEP = SHAPE | {
    "predictor_type": "regressor",
    "mini_batch_size": 1437,
    "bias_init_method": "constant",
    "bias_init_value": 0.5,
    "linear_init_method": "constant",
    "linear_init_value": -0.25,
    "factors_init_method": "constant",
    "factors_init_value": 0.125,
    **{f"{group}_lr": 0.01 for group in ("bias", "linear", "factors")},
    **{f"{group}_wd": 0 for group in ("bias", "linear", "factors")},
}
STILL = {"bias_lr": 0, "linear_lr": 0, "factors_lr": 0}
FAST = {"bias_lr": 1e9, "linear_lr": 1e9, "factors_lr": 1e9}
ROOT = np.sqrt(0.001)  # of Adam's second moment after one step, for a gradient of 1
UNIFORM = {f"{group}_init_method": "uniform" for group in ("bias", "linear", "factors")}
SCALES = {"bias_init_scale": 0.1, "linear_init_scale": 0.2, "factors_init_scale": 0.3}
SIGMAS = {"bias_init_sigma": 1, "linear_init_sigma": 2, "factors_init_sigma": 3}


@pytest.fixture(scope="module")
def data(tabular: Container) -> Dataset:
    """Brightness of pixels from 0 to 1; is the digit even?"""
    every = digits(tabular.python)
    return Dataset((every.features / 16).astype(np.float32), every.labels % 2 == 0)


@pytest.fixture(scope="module")
def brightness(data: Dataset) -> Dataset:
    """For a regressor: a product of features, which no linear terms tell."""
    rows = data.features
    return Dataset(rows, 5 + 20 * rows[:, 20:28].mean(axis=1) * rows[:, 36:44].mean(axis=1))


def channels(data: Dataset, *, sparse: bool = True) -> dict[str, Input]:
    parts = {"train": data.part(0, 0.8), "test": data.part(0.8, 1)}
    return {
        name: record_input(part.features, part.labels, sparse=sparse)
        for name, part in parts.items()
    }


@pytest.fixture(scope="module")
def works(data: Dataset, brightness: Dataset) -> dict[str, Work]:
    rows = data.part(0.8, 1).features
    train = data.part(0, 0.8)
    both, sizes = channels(data), channels(brightness)
    every = [record_request(rows, "application/json", sparse=True)]

    def asked(**chosen: str) -> list[Any]:
        return [
            *asked_in_every_form(KEY, rows[0]),
            *(record_request(rows[:1], accept) for accept in accepts(KEY, **chosen)),
            record_request(rows[:1], "text/csv"),
            *every,
        ]

    bad = {
        "too wide": (EVEN | {"feature_dim": 60}, both["train"]),
        "unlabelled": (EVEN, record_input(train.features)),
        "three classes": (EVEN, record_input(train.features, np.arange(1437) % 3)),
        "a gap": (
            EVEN,
            record_input(np.where(train.features > 0.9, np.nan, train.features), train.labels),
        ),
        "csv": (EVEN, Input({"a.csv": b"1,2"}, "text/csv")),
        "too fast": (SIZE | {"factors_lr": 1e25, "epochs": 3}, sizes["train"]),
    }
    one = {"train": sizes["train"]}
    return {
        "even": Work(KEY, EVEN, both, asked(predictor_type="binary_classifier")),
        "dense": Work(KEY, EVEN, channels(data, sparse=False), every),
        "linear": Work(KEY, EVEN | {"factors_lr": 0}, both),
        "size": Work(KEY, SIZE, sizes, asked(predictor_type="regressor")),
        "step": Work(KEY, STEP, one),
        "gradient": Work(KEY, STEP | FAST | {"eps": 1e9, "rescale_grad": 1}, one),
        "decayed step": Work(KEY, STEP | {"linear_wd": 1e6}, one),
        "clipped": Work(KEY, STEP | {"eps": 1, "clip_gradient": 2, "rescale_grad": 1}, one),
        "scaled": Work(KEY, STEP | {"eps": 1, "rescale_grad": 1e-7}, one),
        "uniform": Work(KEY, STEP | STILL | UNIFORM | SCALES, one),
        "normal": Work(KEY, STEP | STILL | dict.fromkeys(UNIFORM, "normal") | SIGMAS, one),
        **{name: Work(KEY, given, {"train": channel}) for name, (given, channel) in bad.items()},
    }


@pytest.fixture(scope="module")
def done(tabular: Container, works: dict[str, Work]) -> dict[str, Done]:
    return run_jobs(tabular, works)


def weights(done: Done) -> tuple[float, np.ndarray, np.ndarray]:
    with np.load(done.model_dir / "model_algo-1", allow_pickle=False) as arrays:
        assert {"w0_weight", "w1_weight", "v"} < set(arrays.files)
        return float(arrays["w0_weight"][0]), arrays["w1_weight"], arrays["v"]


def expected(model: tuple[float, np.ndarray, np.ndarray], rows: np.ndarray) -> Any:
    """Rendle's formula, pair by pair."""
    bias, linear, factors = model
    pairs = np.triu(factors @ factors.T, 1)
    return bias + rows @ linear + np.einsum("ni,ij,nj->n", rows, pairs, rows)


def scores(done: Done) -> Any:
    return np.array([entry["score"] for entry in done.answers[-1].json["predictions"]])


def test_scores_are_bias_linear_terms_and_the_factors_of_each_pair(
    done: Mapping[str, Done], data: Dataset
) -> None:
    rows = data.part(0.8, 1).features

    raw = expected(weights(done["even"]), rows)

    assert scores(done["size"]) == pytest.approx(expected(weights(done["size"]), rows), rel=1e-3)
    assert scores(done["even"]) == pytest.approx(1 / (1 + np.exp(-raw)), abs=1e-4)
    labels = [entry["predicted_label"] for entry in done["even"].answers[-1].json["predictions"]]
    assert labels == (raw > 0).astype(int).tolist()


def test_a_classifiers_metrics_are_those_of_its_answers_and_beat_the_more_frequent_class(
    done: Mapping[str, Done], data: Dataset
) -> None:
    score, actual = scores(done["even"]), data.part(0.8, 1).labels
    found = score > 0.5
    losses = -np.log(np.where(actual, score, 1 - score))

    assert done["even"].metrics == {
        "test:binary_classification_accuracy": pytest.approx((found == actual).mean()),
        "test:binary_classification_cross_entropy": pytest.approx(losses.mean(), rel=1e-3),
        "test:binary_f_beta": pytest.approx(
            2 * (found & actual).sum() / (found.sum() + actual.sum())
        ),
    }
    assert (found == actual).mean() > 0.9
    assert max(actual.mean(), 1 - actual.mean()) < 0.6


def test_factors_tell_what_linear_terms_alone_do_not(done: Mapping[str, Done]) -> None:
    name = "test:binary_classification_accuracy"

    assert done["even"].metrics[name] > done["linear"].metrics[name] + 0.03


def test_a_regressors_error_is_that_of_its_answers_and_beats_the_mean(
    done: Mapping[str, Done], brightness: Dataset
) -> None:
    actual = brightness.part(0.8, 1).labels
    error = np.sqrt(((scores(done["size"]) - actual) ** 2).mean())

    assert done["size"].metrics == {"test:rmse": pytest.approx(error, rel=1e-3)}
    assert error < 0.5 * actual.std()


def test_a_first_step_goes_against_the_gradient(
    done: Mapping[str, Done], brightness: Dataset
) -> None:
    part = brightness.part(0, 0.8)
    errors = expected((0.5, np.full(64, -0.25), np.full((64, 6), 0.125)), part.features)
    errors -= part.labels
    bias, linear, factors = weights(done["gradient"])

    # With a large eps a step of Adam is proportional to the gradient; the rate makes up for it.
    others = part.features.sum(axis=1, keepdims=True) - part.features
    by_factor = (part.features * others * 0.125).T @ errors
    assert bias - 0.5 == pytest.approx(-ROOT * errors.sum(), rel=1e-3)
    assert linear + 0.25 == pytest.approx(-ROOT * part.features.T @ errors, rel=1e-3, abs=1e-5)
    assert factors - 0.125 == pytest.approx(
        -ROOT * by_factor[:, None].repeat(6, axis=1), rel=1e-3, abs=1e-5
    )


def test_weight_decay_pulls_towards_zero(done: Mapping[str, Done]) -> None:
    plain, decayed = weights(done["step"]), weights(done["decayed step"])
    used = plain[1] != -0.25

    assert (decayed[1][used] > -0.25).all()
    assert not np.array_equal(plain[1], decayed[1])
    assert np.array_equal(plain[2], decayed[2])


def test_clipping_scaling_and_eps_limit_a_step(done: Mapping[str, Done]) -> None:
    def moved(name: str) -> float:
        return float(np.abs(weights(done[name])[1] + 0.25).max())

    assert moved("step") == pytest.approx(0.01, rel=1e-3)
    assert moved("clipped") == pytest.approx(0.01 * ROOT * 2 / (ROOT * 2 + 1), rel=1e-3)
    assert 0 < moved("scaled") < 1e-5


def test_weights_begin_as_the_init_methods_say(done: Mapping[str, Done]) -> None:
    bias, linear, factors = weights(done["uniform"])
    assert (abs(bias) <= 0.1, 0.15 < np.abs(linear).max() <= 0.2) == (True, True)
    assert 0.29 < np.abs(factors).max() <= 0.3

    bias, linear, factors = weights(done["normal"])
    assert linear.std() == pytest.approx(2, rel=0.3)
    assert factors.std() == pytest.approx(3, rel=0.1)
    assert 0 < abs(bias) < 4


@pytest.mark.parametrize("name", ["even", "size"])
def test_every_form_of_a_request_gives_the_same_answer(done: Mapping[str, Done], name: str) -> None:
    answers = done[name].answers[:5]

    assert {answer.status for answer in answers} == {200}
    first = form_of(answers[0], "application/json")["predictions"][0]["score"]
    for answer in answers:
        assert answer.json["predictions"][0]["score"] == pytest.approx(first, rel=1e-5)


@pytest.mark.parametrize(("name", "kind"), [("even", "binary_classifier"), ("size", "regressor")])
def test_every_accept_gives_the_documented_form_and_csv_is_none(
    done: Mapping[str, Done], name: str, kind: str
) -> None:
    *answers, csv = done[name].answers[5:9]

    assert_documented(answers, accepts(KEY, predictor_type=kind))
    assert csv.status == 406


def test_dense_and_sparse_records_teach_the_same(done: Mapping[str, Done]) -> None:
    assert scores(done["dense"]) == pytest.approx(scores(done["even"]), abs=1e-3)


def test_every_hyperparameter_is_used(works: dict[str, Work], done: Mapping[str, Done]) -> None:
    assert not_accounted_for(KEY, works, done) == set()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("too wide", "has 64 features; it may have 60"),
        ("unlabelled", "the records have no label"),
        ("three classes", "a label of channel train is 2; predictor_type binary_classifier takes"),
        ("a gap", "it must be a finite number"),
        ("csv", "channels.train.content_type is text/csv"),
        ("too fast", "bias_lr, linear_lr or factors_lr is too large"),
    ],
)
def test_bad_data_is_the_clients_error(done: Mapping[str, Done], name: str, reason: str) -> None:
    assert_client_error(done[name], reason)
