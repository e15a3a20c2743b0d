"""Variational inference for topic models: mixtures of documents, and topics from mixtures.

Source: Blei, Ng and Jordan, "Latent Dirichlet allocation", JMLR 3, 2003.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import digamma, gammaln

from flywheel.standins.codecs.wire import Array

_MAX_STEPS = 200
_TOLERANCE = 1e-4  # mean change of a document's topic counts
_NUMBERS_AT_ONCE = 4_000_000
_TINY = 1e-100


@dataclass(frozen=True)
class Topics:
    """A topic model.

    Attributes:
        alpha: of the Dirichlet prior of a document's mixture, k numbers.
        beta: the words' probabilities in each topic, k × vocabulary.
    """

    alpha: Array
    beta: Array

    def mixtures(self, documents: csr_matrix) -> Array:
        """The expected topic mixture of each document, n × k; rows sum to 1."""
        counts = np.concatenate([self._fitted(part) for part in self._parts(documents)])
        shares: Array = counts / counts.sum(axis=1, keepdims=True)
        return shares

    def log_likelihood(self, documents: csr_matrix) -> float:
        """The variational lower bound of the documents' log-likelihood."""
        return sum(self._bound(part, self._fitted(part)) for part in self._parts(documents))

    def improved(self, documents: csr_matrix, counts: Array) -> tuple[Topics, Array]:
        """The model after one step of expectation maximization.

        Args:
            documents: to learn from.
            counts: the documents' topic counts before the step, n × k.
        """
        after = np.empty_like(counts)
        words = np.zeros_like(self.beta)
        row = 0
        for part in self._parts(documents):
            rows = slice(row, row + part.shape[0])
            weights = _weights(counts[rows])
            ratios = self._ratios(part, weights)
            after[rows] = self.alpha + weights * (ratios @ self.beta.T)
            words += (ratios.T @ weights).T
            row = rows.stop
        shares = (after / after.sum(axis=1, keepdims=True)).mean(axis=0)
        beta = self.beta * words + 1 / self.beta.shape[1]
        return Topics(self.alpha.sum() * shares, beta / beta.sum(axis=1, keepdims=True)), after

    def first_counts(self, documents: csr_matrix) -> Array:
        """Each document's words spread evenly over the topics, n × k."""
        lengths = np.asarray(documents.sum(axis=1), np.float64).ravel()
        counts: Array = self.alpha + lengths[:, None] / len(self.alpha)
        return counts

    def _parts(self, documents: csr_matrix) -> Iterator[csr_matrix]:
        per_document = max(1, documents.nnz // max(1, documents.shape[0])) * len(self.alpha)
        size = max(1, _NUMBERS_AT_ONCE // per_document)
        return (documents[i : i + size] for i in range(0, documents.shape[0], size))

    def _fitted(self, documents: csr_matrix) -> Array:
        counts = self.first_counts(documents)
        for _ in range(_MAX_STEPS):
            before, weights = counts, _weights(counts)
            counts = self.alpha + weights * (self._ratios(documents, weights) @ self.beta.T)
            if np.abs(counts - before).mean() < _TOLERANCE:
                break
        return counts

    def _ratios(self, documents: csr_matrix, weights: Array) -> csr_matrix:
        """Each word's count over its probability in its document."""
        values = documents.data / self._probabilities(documents, weights)
        return csr_matrix((values, documents.indices, documents.indptr), documents.shape)

    def _probabilities(self, documents: csr_matrix, weights: Array) -> Array:
        row: Array = np.repeat(np.arange(documents.shape[0]), np.diff(documents.indptr))
        of_word: Array = np.ascontiguousarray(self.beta.T)[documents.indices]
        probabilities: Array = np.einsum("ik,ik->i", weights[row], of_word) + _TINY
        return probabilities

    def _bound(self, documents: csr_matrix, counts: Array) -> float:
        logs = digamma(counts) - digamma(counts.sum(axis=1, keepdims=True))
        words = documents.data @ np.log(self._probabilities(documents, np.exp(logs)))
        prior = gammaln(self.alpha.sum()) - gammaln(self.alpha).sum()
        mixtures = ((self.alpha - counts) * logs + gammaln(counts)).sum(axis=1)
        return float(words + (prior + mixtures - gammaln(counts.sum(axis=1))).sum())


def _weights(counts: Array) -> Array:
    weights: Array = np.exp(digamma(counts) - digamma(counts.sum(axis=1, keepdims=True)))
    return weights
