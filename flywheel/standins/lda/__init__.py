"""Stand-in for Latent Dirichlet Allocation: the tensor method that AWS describes, then refined.

As in Amazon's, a quarter more topics are computed than asked for and the heaviest are kept. Topics
from the moments of a few thousand documents are rough, so that some steps of expectation
maximization follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import Predictor, RefusedError, Request, Response
from flywheel.standins.job import Job
from flywheel.standins.lda import spectral
from flywheel.standins.lda.topics import Topics
from flywheel.standins.metrics import report
from flywheel.standins.remarks import log, log_without_effect
from flywheel.standins.tabular import (
    SEED,
    answer,
    limit_threads,
    load_arrays,
    read_features,
    read_rows,
    save_arrays,
)

KEY = "lda"
LIBRARY = "numpy and scipy"
_EXTRA_TOPICS = 1.25
_REFINEMENTS = 60
_SMOOTHING = 0.3  # share of the words' own frequencies in a topic before it is refined


def train(job: Job) -> None:
    """Find the topics; report how likely they make the words of the test documents."""
    limit_threads()
    log_without_effect(job, {"mini_batch_size": "all documents are read at once"})
    documents = _read(job, "train")
    topics = _refined(_first_topics(job, documents), documents)
    save_arrays(job.model_dir, {"alpha": topics.alpha, "beta": topics.beta})
    if "test" in job.channels:
        test = _read(job, "test")
        report("test:pwll", topics.log_likelihood(test) / test.sum())


@dataclass(frozen=True)
class _Mixer:
    topics: Topics

    def __call__(self, request: Request) -> Response:
        rows = read_features(KEY, request, self.topics.beta.shape[1]).features
        mixtures = self.topics.mixtures(_counts(csr_matrix(rows), "the request"))
        predictions = [{"topic_mixture": row} for row in mixtures.astype(np.float32)]
        return answer(KEY, predictions, request.accept)


def load(model_dir: Path) -> Predictor:
    """The topics."""
    limit_threads()
    arrays = load_arrays(model_dir, ["alpha", "beta"])
    return _Mixer(Topics(arrays["alpha"], arrays["beta"]))


def _read(job: Job, channel: str) -> csr_matrix:
    documents = _counts(csr_matrix(read_rows(job, channel).features), f"channel {channel}")
    if not documents.sum():
        raise RefusedError(f"channel {channel} has no word; a document is a row of word counts")
    return documents


def _counts(documents: csr_matrix, where: str) -> csr_matrix:
    if documents.nnz and documents.data.min() < 0:
        raise RefusedError(
            f"{where} has the word count {documents.data.min():g}; counts must be at least 0"
        )
    documents.eliminate_zeros()
    return documents.astype(np.float64)


def _first_topics(job: Job, documents: csr_matrix) -> Topics:
    rng = np.random.default_rng(SEED)
    num_topics, alpha0 = job.hyperparameters["num_topics"], job.get("alpha0")
    usable = documents[np.flatnonzero(spectral.enough_words(documents))]
    if not usable.shape[0]:
        raise RefusedError("no document of channel train has three words; the topics need such")
    found, _ = spectral.topics(
        usable,
        int(np.ceil(num_topics * _EXTRA_TOPICS)),
        alpha0,
        restarts=job.get("max_restarts"),
        iterations=job.get("max_iterations"),
        tolerance=job.get("tol"),
        rng=rng,
    )
    found = found[:num_topics]
    if len(found) < num_topics:
        log(f"the documents tell {len(found)} topics apart; the rest begin at random")
    return Topics(
        np.full(num_topics, alpha0 / num_topics), _smoothed(found, num_topics, usable, rng)
    )


def _smoothed(
    found: Array, num_topics: int, documents: csr_matrix, rng: np.random.Generator
) -> Array:
    """Probabilities of words: no negative number, no zero, one row for each topic."""
    frequencies = np.asarray(documents.sum(axis=0)).ravel() + 1.0
    random = rng.gamma(1.0, 1.0, (num_topics - len(found), len(frequencies))) * frequencies
    beta = np.vstack([np.maximum(found, 0), random])
    sums = beta.sum(axis=1, keepdims=True)
    beta = beta / np.where(sums == 0, 1, sums)
    beta = (1 - _SMOOTHING) * beta + _SMOOTHING * frequencies / frequencies.sum()
    probabilities: Array = beta / beta.sum(axis=1, keepdims=True)
    return probabilities


def _refined(topics: Topics, documents: csr_matrix) -> Topics:
    counts = topics.first_counts(documents)
    for _ in range(_REFINEMENTS):
        topics, counts = topics.improved(documents, counts)
    return topics
