"""Stand-in for Principal Component Analysis, by the sums that Amazon's guide describes.

As in Amazon's models and answers the components come in the order of their singular values, the
largest last. Source: Amazon SageMaker Developer Guide, "How PCA Works"; for the order and for the
arrays of the model, AWS's blog "Analyze US census data for population segmentation".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.linalg import eigh, svd
from scipy.sparse import issparse

from flywheel.standins.codecs.wire import Array, Features
from flywheel.standins.contract import Predictor, RefusedError, Request, Response
from flywheel.standins.job import Job
from flywheel.standins.remarks import log
from flywheel.standins.tabular import (
    SEED,
    answer,
    batches,
    limit_threads,
    load_arrays,
    read_features,
    read_rows,
    save_arrays,
)

KEY = "pca"
LIBRARY = "numpy and scipy"
_MAX_REGULAR_DIM = 20_000  # 3 GB for the matrix of sums


def train(job: Job) -> None:
    """Find the components, and log how much of the test rows' variation they keep."""
    limit_threads()
    rows = read_rows(job, "train").features
    randomized = job.get("algorithm_mode") == "randomized"
    means, values, vectors = (_randomized if randomized else _regular)(job, rows)
    arrays = {"s": values, "v": vectors}
    if job.get("subtract_mean"):
        arrays["mean"] = means[None, :]
    save_arrays(job.model_dir, {n: a.astype(np.float32) for n, a in arrays.items()})
    if "test" in job.channels:
        _log_kept(read_rows(job, "test").features, _Projection(vectors, means))


@dataclass(frozen=True)
class _Projection:
    """Vectors are d × components; means are zeros where they are not subtracted."""

    vectors: Array
    means: Array

    def of(self, rows: Features) -> Array:
        """The coordinates of rows, n × components."""
        coordinates: Array = rows @ self.vectors - self.means @ self.vectors
        return coordinates

    def __call__(self, request: Request) -> Response:
        rows = read_features(KEY, request, len(self.vectors)).features
        projections = [{"projection": row} for row in self.of(rows).astype(np.float32)]
        return answer(KEY, projections, request.accept, json_key="projections")


def load(model_dir: Path) -> Predictor:
    """The components."""
    limit_threads()
    arrays = load_arrays(model_dir, ["v"], optional=["mean"])
    vectors: Array = arrays["v"].astype(np.float64)
    mean: Array = arrays.get("mean", np.zeros((1, len(vectors))))
    return _Projection(vectors, mean[0].astype(np.float64))


def _regular(job: Job, rows: Features) -> tuple[Array, Array, Array]:
    """From the sum of the rows' outer products."""
    num_rows, dim = rows.shape
    if dim > _MAX_REGULAR_DIM:
        raise RefusedError(
            f"feature_dim is {dim}; algorithm_mode regular takes at most {_MAX_REGULAR_DIM} here. "
            "Use randomized"
        )
    products, sums = np.zeros((dim, dim)), np.zeros(dim)
    for part in batches(num_rows, job.get("mini_batch_size")):
        batch = _as_float64(rows[part])
        products += batch.T @ batch
        sums += batch.sum(axis=0)
    means = sums / num_rows if job.get("subtract_mean") else np.zeros(dim)
    products -= num_rows * np.outer(means, means)
    first = dim - job.get("num_components")
    squares, vectors = eigh(products, subset_by_index=(first, dim - 1))
    return means, np.sqrt(np.maximum(squares, 0)), vectors


def _randomized(job: Job, rows: Features) -> tuple[Array, Array, Array]:
    """From random sums of the rows with signs, in one pass: rough, but no d × d matrix."""
    rng = np.random.default_rng(SEED)
    num_rows, dim = rows.shape
    wanted, extra = job.get("num_components"), job.get("extra_components")
    size = wanted + (max(10, wanted) if extra == -1 else extra)
    sketch, signs_sum, sums = np.zeros((size, dim)), np.zeros(size), np.zeros(dim)
    for part in batches(num_rows, job.get("mini_batch_size")):
        batch = _as_float64(rows[part])
        signs = rng.choice([-1.0, 1.0], (size, len(batch)))
        sketch += signs @ batch
        signs_sum += signs.sum(axis=1)
        sums += batch.sum(axis=0)
    means = sums / num_rows if job.get("subtract_mean") else np.zeros(dim)
    sketch -= np.outer(signs_sum, means)
    _, values, vectors = svd(sketch / np.sqrt(size), full_matrices=False)
    return means, values[:wanted][::-1], vectors[:wanted][::-1].T


def _as_float64(rows: Features) -> Array:
    dense: Array = rows.toarray() if issparse(rows) else rows
    return dense.astype(np.float64)


def _log_kept(rows: Features, projection: _Projection) -> None:
    centered = _as_float64(rows) - projection.means
    total = float((centered**2).sum())
    if total:
        kept = float((projection.of(rows) ** 2).sum()) / total
        log(f"the components keep {kept:.4f} of the variation of channel test")
