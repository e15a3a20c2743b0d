"""Topics from the moments of word counts, by a tensor's decomposition.

The second moments of the words give a whitening matrix, in whose space the third moments are a
small k × k × k tensor; alternating least squares decompose it, and its components, unwhitened, are
the topics.

Source: Anandkumar, Ge, Hsu, Kakade and Telgarsky, "Tensor decompositions for learning latent
variable models", JMLR 15, 2014; Amazon SageMaker Developer Guide, "How LDA Works".
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import LinearOperator, eigsh

from flywheel.standins.codecs.wire import Array

_SMALLEST_SHARE = 1e-9  # of the largest eigenvalue: what is less is noise
_GOOD_FIT = 0.02  # of the tensor's norm: no restart would find better topics
_DOCUMENTS_AT_ONCE = 512
_MIN_WORDS = 3  # third moments are of triples of a document's words


def enough_words(documents: csr_matrix) -> Array:
    """Which documents have the three words that a third moment is made of."""
    enough: Array = np.asarray(documents.sum(axis=1)).ravel() >= _MIN_WORDS
    return enough


def topics(
    documents: csr_matrix,
    num_topics: int,
    alpha0: float,
    *,
    restarts: int,
    iterations: int,
    tolerance: float,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Topics as rows that may have negative numbers, and their prior's weight, largest first.

    There may be fewer than num_topics where the documents do not tell so many apart.

    Args:
        documents: n × vocabulary, at least three words each.
        num_topics: how many to look for.
        alpha0: sum of the Dirichlet prior's elements.
        restarts: of the alternating least squares, at most.
        iterations: of each restart, at most.
        tolerance: a restart ends when the relative error gets better by less.
        rng: where they start.
    """
    moments = _Moments(documents, alpha0)
    values, vectors = moments.leading(num_topics)
    whitening, unwhitening = vectors / np.sqrt(values), vectors * np.sqrt(values)
    tensor = moments.third(whitening)
    components = _decomposed(tensor, restarts, iterations, tolerance, rng)
    sizes = np.einsum("abc,ar,br,cr->r", tensor, *[components] * 3, optimize=True)
    sizes, components = np.maximum(np.abs(sizes), 1e-12), components * np.sign(sizes)
    weights = 1 / sizes**2
    order = np.argsort(-weights)
    return (unwhitening @ components * sizes).T[order], weights[order]


class _Moments:
    """Expected products of the words of a document, less what the prior alone explains."""

    def __init__(self, documents: csr_matrix, alpha0: float) -> None:
        self._documents = documents.astype(np.float64)
        self._alpha0 = alpha0
        lengths = np.asarray(self._documents.sum(axis=1)).ravel()
        self._pairs = 1 / (lengths * (lengths - 1))
        self._triples = self._pairs / (lengths - 2)
        self._first = np.asarray((diags(1 / lengths) @ self._documents).mean(axis=0)).ravel()
        # A word does not pair with itself, so the diagonal has each count once too often.
        self._once = np.asarray((diags(self._pairs) @ self._documents).sum(axis=0)).ravel()

    def leading(self, count: int) -> tuple[Array, Array]:
        """The largest eigenvalues of the second moment and their vectors."""
        width = len(self._first)
        if count >= width - 1:
            values, vectors = np.linalg.eigh(self._second(np.eye(width)))
        else:
            operator = LinearOperator((width, width), matvec=self._second, matmat=self._second)
            values, vectors = eigsh(operator, count, v0=np.ones(width))
        kept = np.argsort(-values)[:count]
        kept = kept[values[kept] > _SMALLEST_SHARE * values.max()]
        return values[kept], vectors[:, kept]

    def _second(self, vectors: Array) -> Array:
        share = self._alpha0 / (self._alpha0 + 1)
        first = self._first
        mean = np.multiply.outer(first, first @ vectors)
        product: Array = self._uncentered(vectors) - share * mean.reshape(np.shape(vectors))
        return product

    def _uncentered(self, vectors: Array) -> Array:
        columns = vectors.reshape(len(vectors), -1)
        products = self._documents.T @ (self._pairs[:, None] * (self._documents @ columns))
        products -= self._once[:, None] * columns
        product: Array = (products / self._documents.shape[0]).reshape(np.shape(vectors))
        return product

    def third(self, whitening: Array) -> Array:
        """The third moment in the space of the whitening matrix, k × k × k."""
        raw = self._raw_third(whitening)
        first = whitening.T @ self._first
        second = whitening.T @ self._uncentered(whitening)
        crossed = _symmetric(np.multiply.outer(second, first))
        cube = np.einsum("a,b,c->abc", first, first, first)
        a = self._alpha0
        third: Array = raw - a / (a + 2) * crossed + 2 * a**2 / ((a + 1) * (a + 2)) * cube
        return third

    def _raw_third(self, whitening: Array) -> Array:
        size = whitening.shape[1]
        total = np.zeros((size, size * size))
        once = np.zeros_like(whitening)
        for start in range(0, self._documents.shape[0], _DOCUMENTS_AT_ONCE):
            part = slice(start, start + _DOCUMENTS_AT_ONCE)
            seen = self._documents[part] @ whitening
            weighted = self._triples[part, None] * seen
            squares = (seen[:, :, None] * seen[:, None, :]).reshape(len(seen), -1)
            total += weighted.T @ squares
            once += self._documents[part].T @ weighted
        twice = np.asarray((diags(self._triples) @ self._documents).sum(axis=0)).ravel()
        squares = (whitening[:, :, None] * whitening[:, None, :]).reshape(len(whitening), -1)
        repeated = (squares.T @ once).reshape(size, size, size)
        alone = ((twice[:, None] * whitening).T @ squares).reshape(size, size, size)
        cube = total.reshape(size, size, size) - _symmetric(repeated) + 2 * alone
        third: Array = cube / self._documents.shape[0]
        return third


def _symmetric(cube: Array) -> Array:
    """The sum over the three places of the last axis, of a cube symmetric in the first two."""
    summed: Array = cube + cube.transpose(0, 2, 1) + cube.transpose(2, 1, 0)
    return summed


def _decomposed(
    tensor: Array, restarts: int, iterations: int, tolerance: float, rng: np.random.Generator
) -> Array:
    """Unit vectors whose cubes sum up to the tensor, as columns: the best of the restarts."""
    best, best_error = np.empty(0), np.inf
    for _ in range(restarts):
        found, error = _alternated(tensor, iterations, tolerance, rng)
        if error < best_error:
            best, best_error = found, error
        if error < _GOOD_FIT:
            break
    return best


def _alternated(
    tensor: Array, iterations: int, tolerance: float, rng: np.random.Generator
) -> tuple[Array, float]:
    size = len(tensor)
    flat = tensor.reshape(size, -1)  # the tensor is symmetric: any unfolding is this one
    norm = float(np.linalg.norm(tensor)) or 1.0
    # The eigenvectors of any mixture of its slices would do, if the tensor had no noise.
    factors = [np.linalg.eigh(tensor @ rng.normal(size=size))[1]] * 3
    error = np.inf
    for _ in range(iterations):
        for turn in range(3):
            second, third = factors[turn - 2], factors[turn - 1]
            crossed = (second[:, None, :] * third[None, :, :]).reshape(-1, size)
            gram = (second.T @ second) * (third.T @ third)
            projected = flat @ crossed
            solved = projected @ np.linalg.pinv(gram, hermitian=True)
            lengths = np.linalg.norm(solved, axis=0)
            factors[turn] = solved / np.where(lengths == 0, 1, lengths)
        square = norm**2 - 2 * (solved * projected).sum() + (gram * (solved.T @ solved)).sum()
        before, error = error, float(np.sqrt(max(square, 0.0))) / norm
        if before - error < tolerance:
            break
    return factors[0], error
