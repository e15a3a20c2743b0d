"""Stand-in for K-Means: web-scale clustering into more centers than wanted, reduced by Lloyd's.

Source: Amazon SageMaker Developer Guide, "How K-Means Clustering Works".
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin, pairwise_distances_argmin_min

from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import Predictor, RefusedError, Request, Response
from flywheel.standins.job import Job
from flywheel.standins.metrics import report
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

KEY = "kmeans"
LIBRARY = "scikit-learn"
_AUTO_EXTRA_CENTERS = 10  # what Amazon's logs show for auto, of both
_AUTO_TRIALS = 10


def train(job: Job) -> None:
    """Find the k centers; report the mean or summed squared distance of the test rows to them."""
    limit_threads()
    rows = read_rows(job, "train").dense
    if len(rows) < job.hyperparameters["k"]:
        raise RefusedError(
            f"k is {job.hyperparameters['k']} and channel train has {len(rows)} rows; there must "
            "be a row for each cluster"
        )
    centers = _centers(job, rows)
    save_arrays(job.model_dir, {"centroids": centers})
    if "test" in job.channels:
        _evaluate(job, centers)


@dataclass(frozen=True)
class _Clusters:
    """Where the centers are."""

    centers: Array

    def nearest(self, rows: Array) -> tuple[Array, Array]:
        """Each row's nearest center and the Euclidean distance to it."""
        number, distance = pairwise_distances_argmin_min(rows, self.centers)
        return number, distance

    def __call__(self, request: Request) -> Response:
        rows = read_features(KEY, request, self.centers.shape[1]).dense
        numbers, distances = self.nearest(rows)
        predictions = [
            {"closest_cluster": float(number), "distance_to_cluster": distance}
            for number, distance in zip(numbers, distances.astype(np.float32), strict=True)
        ]
        return answer(KEY, predictions, request.accept)


def load(model_dir: Path) -> Predictor:
    """The centers."""
    limit_threads()
    return _Clusters(load_arrays(model_dir, ["centroids"])["centroids"])


def _centers(job: Job, rows: Array) -> Array:
    rng = np.random.default_rng(SEED)
    k, factor = job.hyperparameters["k"], job.get("extra_center_factor")
    wanted = k * (_AUTO_EXTRA_CENTERS if factor == "auto" else factor)
    num_centers = min(wanted, len(rows))
    if num_centers < wanted:
        log(f"the {len(rows)} rows allow {num_centers} centers instead of {wanted}")
    first = rows[rng.permutation(len(rows))[: max(job.get("mini_batch_size"), num_centers)]]
    centers, weights = _moved(job, rows, _chosen(job, first, num_centers, rng), rng)
    return centers if num_centers == k else _reduced(job, centers, weights)


def _chosen(job: Job, rows: Array, num_centers: int, rng: np.random.Generator) -> Array:
    """Rows to begin with."""
    if job.get("init_method") == "random":
        centers: Array = rows[rng.choice(len(rows), num_centers, replace=False)]
    else:
        centers, _ = kmeans_plusplus(rows, num_centers, random_state=SEED)
    return centers


def _moved(job: Job, rows: Array, centers: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """The centers after all epochs, and the weight of what each has seen."""
    half_life = job.get("half_life_time_size")
    weights = np.zeros(len(centers))
    for epoch in range(job.get("epochs")):
        order = rng.permutation(len(rows))
        for part in batches(len(rows), job.get("mini_batch_size")):
            batch = rows[order[part]]
            nearest = pairwise_distances_argmin(batch, centers)
            new = np.bincount(nearest, minlength=len(centers))
            weights *= 0.5 ** (len(batch) / half_life) if half_life else 1.0
            centers = _averaged(centers, weights, batch, nearest, new)
            weights = weights + new
        log(f"epoch {epoch + 1}: {len(centers)} centers have seen {len(rows)} rows")
    return centers, weights


def _averaged(centers: Array, weights: Array, batch: Array, nearest: Array, new: Array) -> Array:
    """Each center moved towards the mean of its new rows by their share of all that it has seen."""
    one_hot = csr_matrix(
        (np.ones(len(batch)), (nearest, np.arange(len(batch)))), (len(centers), len(batch))
    )
    moved: Array = centers.astype(np.float64)
    hit = new > 0
    means = (one_hot @ batch)[hit] / new[hit, None]
    moved[hit] += (new[hit] / (weights[hit] + new[hit]))[:, None] * (means - moved[hit])
    return moved.astype(np.float32)


def _reduced(job: Job, centers: Array, weights: Array) -> Array:
    """k centers of the centers, each of these counting as much as what it has seen."""
    k, trials = job.hyperparameters["k"], job.get("local_lloyd_num_trials")
    lloyd = KMeans(
        k,
        init={"random": "random", "kmeans++": "k-means++"}[job.get("local_lloyd_init_method")],
        n_init=_AUTO_TRIALS if trials == "auto" else trials,
        max_iter=job.get("local_lloyd_max_iter"),
        tol=job.get("local_lloyd_tol"),
        random_state=SEED,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters
        lloyd.fit(centers, sample_weight=weights + 1e-9)
    log(f"{len(centers)} centers reduced to {k}")
    reduced: Array = lloyd.cluster_centers_.astype(np.float32)
    return reduced


def _evaluate(job: Job, centers: Array) -> None:
    rows = read_rows(job, "test").dense
    squares: Array = _Clusters(centers).nearest(rows)[1] ** 2
    values = {"msd": squares.mean(), "ssd": squares.sum()}
    for name in job.get("eval_metrics"):
        report(f"test:{name}", values[name])
