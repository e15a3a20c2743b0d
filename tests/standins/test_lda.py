"""LDA's stand-in: topics of documents, real ones (digits as words) and ones of known topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from flywheel.standins.lda import spectral
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
KEY = "lda"
TEN = {"feature_dim": 64, "num_topics": 10, "mini_batch_size": 1437}
EVERYTHING = TEN | {"alpha0": 3.0, "max_restarts": 2, "max_iterations": 20, "tol": 1e-4}
BARS = {"feature_dim": 25, "num_topics": 10, "mini_batch_size": 2000, "alpha0": 1.0}


@pytest.fixture(scope="module")
def data(tabular: Container) -> Dataset:
    """A picture is a document: each pixel a word, as often as it is bright."""
    return digits(tabular.python)


@pytest.fixture(scope="module")
def bars() -> tuple[Any, Any, Any]:
    """Topics as the rows and columns of a 5 × 5 square, mixtures, and documents of them.

    Generated, because of no real documents the true topics are known.
    Source: Griffiths and Steyvers, "Finding scientific topics", PNAS 101, 2004.
    """
    square = np.arange(25).reshape(5, 5)
    topics = np.zeros((10, 25))
    for number, line in enumerate([*square, *square.T]):
        topics[number, line] = 0.2
    random = np.random.default_rng(0)
    mixtures = random.dirichlet(np.full(10, 0.1), 2000)
    return topics, mixtures, np.stack([random.multinomial(80, m @ topics) for m in mixtures])


@pytest.fixture(scope="module")
def works(data: Dataset, bars: tuple[Any, Any, Any]) -> dict[str, Work]:
    train, test = data.part(0, 0.8).features, data.part(0.8, 1).features
    both = {"train": csv_input(train), "test": csv_input(test)}
    requests = [
        *asked_in_every_form(KEY, test[0]),
        *(csv_request(test[:1], accept) for accept in accepts(KEY)),
        csv_request(test[:1], "application/jsonlines"),
        csv_request(np.zeros((1, 64))),
        csv_request(-test[:1]),
        csv_request(test),
    ]
    bad = {
        "too wide": (TEN | {"feature_dim": 60}, both["train"]),
        "negative": (TEN, csv_input(train - 1)),
        "no words": (TEN, csv_input(train * 0)),
        "short documents": (TEN, csv_input(np.eye(64))),
        "no documents": (TEN, Input({"a.csv": b""}, "text/csv;label_size=0")),
    }
    return {
        "ten": Work(KEY, TEN, both, requests),
        "everything": Work(KEY, EVERYTHING, both, requests),
        "one topic": Work(KEY, TEN | {"num_topics": 1}, both),
        "more topics than words": Work(
            KEY,
            BARS | {"num_topics": 30, "max_iterations": 50},
            {"train": csv_input(bars[2][:300]), "test": csv_input(bars[2][:300])},
        ),
        "records": Work(KEY, TEN, {"train": record_input(train), "test": record_input(test)}),
        "sparse": Work(KEY, TEN, {"train": record_input(train, sparse=True)}),
        "bars": Work(KEY, BARS, {"train": csv_input(bars[2])}, [csv_request(bars[2][:200])]),
        **{name: Work(KEY, given, {"train": channel}) for name, (given, channel) in bad.items()},
    }


@pytest.fixture(scope="module")
def done(tabular: Container, works: dict[str, Work]) -> dict[str, Done]:
    return run_jobs(tabular, works)


def model(done: Done) -> dict[str, Any]:
    with np.load(done.model_dir / "model_algo-1", allow_pickle=False) as arrays:
        return dict(arrays)


def mixtures(done: Done) -> Any:
    answered = done.answers[-1].json["predictions"]
    return np.array([entry["topic_mixture"] for entry in answered])


def unigram(data: Dataset) -> float:
    """Log-likelihood of a word of the test documents, if all had the training words' shares."""
    train, test = data.part(0, 0.8).features, data.part(0.8, 1).features
    shares = (train.sum(axis=0) + 1) / (train.sum() + 64)
    return float((test * np.log(shares)).sum() / test.sum())


def test_topics_make_new_documents_likelier_than_the_words_own_shares(
    done: Mapping[str, Done], data: Dataset
) -> None:
    assert set(done["ten"].metrics) == {"test:pwll"}
    assert done["ten"].metrics["test:pwll"] > unigram(data) + 0.15
    assert done["one topic"].metrics["test:pwll"] == pytest.approx(unigram(data), abs=1e-3)


def test_the_bound_is_below_the_likelihood_with_the_answered_mixtures(
    done: Mapping[str, Done], data: Dataset
) -> None:
    test = data.part(0.8, 1).features
    words = mixtures(done["ten"]) @ model(done["ten"])["beta"]
    best = (test * np.log(words)).sum() / test.sum()

    assert best - 0.2 < done["ten"].metrics["test:pwll"] < best


def test_moments_alone_tell_independent_topics_apart(bars: tuple[Any, Any, Any]) -> None:
    topics = np.delete(bars[0], [4, 9], axis=0)  # all rows are as much as all columns
    random = np.random.default_rng(2)
    mixtures = random.dirichlet(np.full(8, 1 / 8), 2000)
    documents = csr_matrix([random.multinomial(80, m @ topics) for m in mixtures])

    found, weights = spectral.topics(
        documents, 8, 1.0, restarts=3, iterations=100, tolerance=1e-8, rng=random
    )

    # By the theory a row sums up to 2 / (alpha0 + 2).
    assert found.sum(axis=1) == pytest.approx(np.full(8, 2 / 3), rel=0.01)
    distances = np.abs(1.5 * found[:, None] - topics[None]).sum(axis=2)
    assert sorted(distances.argmin(axis=1)) == list(range(8))
    assert distances.min(axis=1).max() < 0.15
    assert weights / weights.sum() == pytest.approx(np.full(8, 1 / 8), rel=0.1)


def test_known_topics_and_mixtures_are_found_again(
    done: Mapping[str, Done], bars: tuple[Any, Any, Any]
) -> None:
    topics, true, _ = bars
    distances = np.abs(model(done["bars"])["beta"][:, None] - topics[None]).sum(axis=2)
    match = distances.argmin(axis=1)

    assert sorted(match) == list(range(10))
    assert distances.min(axis=1).max() < 0.15
    assert np.abs(mixtures(done["bars"]) - true[:200][:, match]).sum(axis=1).mean() < 0.2


def test_the_model_is_a_prior_and_the_topics_words(done: Mapping[str, Done]) -> None:
    found = model(done["ten"])

    assert (found["alpha"].shape, found["beta"].shape) == ((10,), (10, 64))
    assert found["beta"].sum(axis=1) == pytest.approx(np.ones(10))
    assert found["beta"].min() > 0
    assert found["alpha"].sum() == pytest.approx(1)
    assert model(done["everything"])["alpha"].sum() == pytest.approx(3)


def test_a_larger_alpha0_makes_more_even_mixtures(done: Mapping[str, Done]) -> None:
    assert (
        mixtures(done["everything"]).max(axis=1).mean() < mixtures(done["ten"]).max(axis=1).mean()
    )


def test_mixtures_sum_to_one_also_of_a_document_without_words(done: Mapping[str, Done]) -> None:
    [empty] = done["ten"].answers[-3].json["predictions"]
    alpha = model(done["ten"])["alpha"]

    assert mixtures(done["ten"]).sum(axis=1) == pytest.approx(np.ones(360), rel=1e-5)
    assert empty["topic_mixture"] == pytest.approx(alpha / alpha.sum(), rel=1e-5)


def test_more_topics_than_the_documents_tell_apart_still_make_a_model(
    done: Mapping[str, Done],
) -> None:
    assert "the rest begin at random" in done["more topics than words"].log
    assert model(done["more topics than words"])["beta"].shape == (30, 25)
    assert np.isfinite(done["more topics than words"].metrics["test:pwll"])


def test_every_form_of_a_request_gives_the_same_answer(done: Mapping[str, Done]) -> None:
    assert_all_the_same(done["ten"].answers[:6])


def test_every_accept_gives_the_documented_form_and_json_lines_is_none(
    done: Mapping[str, Done],
) -> None:
    *answers, lines = done["ten"].answers[6:9]

    assert_documented(answers, accepts(KEY))
    assert lines.status == 406


def test_a_negative_count_in_a_request_is_the_clients_error(done: Mapping[str, Done]) -> None:
    refused = done["ten"].answers[-2]

    assert refused.status == 400
    assert b"counts must be at least 0" in refused.body


def test_csv_and_records_dense_or_sparse_teach_the_same(done: Mapping[str, Done]) -> None:
    assert done["records"].metrics == done["ten"].metrics
    for name in ("records", "sparse"):
        assert np.array_equal(model(done[name])["beta"], model(done["ten"])["beta"])


def test_every_hyperparameter_is_used_or_named(
    works: dict[str, Work], done: Mapping[str, Done]
) -> None:
    assert not_accounted_for(KEY, works, done) == set()
    assert done["ten"].named_without_effect == {"mini_batch_size"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("too wide", "a row has 64 columns; it must have 60 features"),
        ("negative", "channel train has the word count -1; counts must be at least 0"),
        ("no words", "channel train has no word"),
        ("short documents", "no document of channel train has three words"),
        ("no documents", "channel train has no rows"),
    ],
)
def test_bad_data_is_the_clients_error(done: Mapping[str, Done], name: str, reason: str) -> None:
    assert_client_error(done[name], reason)
