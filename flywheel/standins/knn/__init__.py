"""Stand-in for K-Nearest Neighbors, on faiss, which Amazon's index types are named after.

The model has the three files that AWS documents: the index, the labels as float32, and a JSON file
whose `k` and `predictor_type` may be edited.

Source: Amazon SageMaker Developer Guide, "How the k-NN Algorithm Works".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import Predictor, RefusedError, Request, Response
from flywheel.standins.job import Job, split_content_type
from flywheel.standins.knn.index import IVF_PQ, Reduction, build, num_parts, search
from flywheel.standins.metrics import report
from flywheel.standins.remarks import log
from flywheel.standins.tabular import (
    MODEL_FILE,
    SEED,
    answer,
    batches,
    limit_threads,
    read_features,
    read_rows,
)

KEY = "knn"
LIBRARY = "faiss"


def train(job: Job) -> None:
    """Index a sample of the rows; report how well their neighbours tell the test rows' labels."""
    limit_threads()
    table = read_rows(job, "train", label_size=1)
    rows, labels = _sampled(table.dense, table.label.astype(np.float32), job)
    reduction, parts = _reduction(job)
    index = build(
        job.get("index_type"),
        reduction.of(rows),
        inner_product=job.get("index_metric") != "L2",
        lists=_num_lists(job, len(rows)),
        parts=parts,
    )
    settings = _settings(job, reduction)
    _save(job.model_dir, index, labels, settings)
    if "test" in job.channels:
        _evaluate(job, _Neighbours(index, labels, reduction, settings))


@dataclass(frozen=True)
class _Neighbours:
    """An index, the labels of its rows, and how a prediction is made of them."""

    index: Any
    labels: Array
    reduction: Reduction
    settings: Mapping[str, Any]

    def of(self, rows: Array) -> tuple[Array, Array, Array]:
        """Predictions, and of the k nearest the distances and the labels, n × k."""
        distances, found = search(self.index, self.reduction.of(rows), self.settings["k"])
        labels: Array = self.labels[found]
        if self.settings["predictor_type"] == "regressor":
            return labels.mean(axis=1), distances, labels
        return _most_frequent(labels), distances, labels

    def __call__(self, request: Request) -> Response:
        rows = read_features(KEY, request, self.reduction.input_dim).dense
        predicted, distances, labels = self.of(rows)
        fields = {"predicted_label": predicted}
        if _is_verbose(request.accept):
            fields |= {"distances": distances, "labels": labels}
        predictions = [
            dict(zip(fields, row, strict=True)) for row in zip(*fields.values(), strict=True)
        ]
        return answer(KEY, predictions, request.accept)


def load(model_dir: Path) -> Predictor:
    """The index with its labels.

    Raises:
        RefusedError: a file is missing, or k is more than the index holds.
    """
    limit_threads()
    path = model_dir / MODEL_FILE
    try:
        settings = json.loads(Path(f"{path}.json").read_text(encoding="utf-8"))
        labels: Array = np.fromfile(f"{path}.labels", np.float32)
        index = faiss.read_index(str(path))
        reduction = _saved_reduction(settings, index.d)
        _check_k(settings["k"], index.ntotal)
    except FileNotFoundError as error:
        raise RefusedError(f"the model has no file {Path(error.filename).name}") from error
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise RefusedError(f"the model cannot be read: {error}") from error
    return _Neighbours(index, labels, reduction, settings)


def _sampled(rows: Array, labels: Array, job: Job) -> tuple[Array, Array]:
    size = min(job.get("sample_size"), len(rows))
    _check_k(job.get("k"), size)
    chosen = np.sort(np.random.default_rng(SEED).choice(len(rows), size, replace=False))
    log(f"the sample has {size} of {len(rows)} rows")
    return rows[chosen], labels[chosen]


def _check_k(k: int, num_rows: int) -> None:
    if not 0 < k <= num_rows:
        raise RefusedError(
            f"k is {k} and the sample has {num_rows} rows; k must be from 1 to {num_rows}"
        )


def _num_lists(job: Job, num_rows: int) -> int:
    asked = job.get("faiss_index_ivf_nlists", "auto")
    return int(np.sqrt(num_rows)) if asked == "auto" else asked


def _reduction(job: Job) -> tuple[Reduction, int]:
    """The reduction, and the parts of product quantization, which must divide its result."""
    kind, dim = job.get("dimension_reduction_type"), job.hyperparameters["feature_dim"]
    target = job.hyperparameters["dimension_reduction_target"] if kind else dim
    parts = 1
    index_dim = target
    if job.get("index_type") == IVF_PQ:
        parts = num_parts(job.get("faiss_index_pq_m"), target)
        index_dim = -(-target // parts) * parts
        target = min(index_dim, dim) if kind else target
    if index_dim != target:
        log(f"zeros are appended up to dimension {index_dim}, which faiss_index_pq_m divides")
    return Reduction(dim, kind, target, index_dim, job.get("index_metric") == "COSINE", SEED), parts


def _settings(job: Job, reduction: Reduction) -> dict[str, Any]:
    reduced = {
        "type": reduction.kind,
        "seed": reduction.seed,
        "target_dim": reduction.target_dim,
        "input_dim": reduction.input_dim,
    }
    return {
        "k": job.hyperparameters["k"],
        "predictor_type": job.hyperparameters["predictor_type"],
        "dimension_reduction": reduced if reduction.kind else None,
        "normalize": reduction.normalize,
        "version": "1.0",
        "feature_dim": reduction.input_dim,
    }


def _saved_reduction(settings: Mapping[str, Any], index_dim: int) -> Reduction:
    reduced = settings["dimension_reduction"] or {}
    dim = settings["feature_dim"]
    return Reduction(
        input_dim=dim,
        kind=reduced.get("type"),
        target_dim=reduced.get("target_dim", dim),
        index_dim=index_dim,
        normalize=settings["normalize"],
        seed=reduced.get("seed", SEED),
    )


def _save(model_dir: Path, index: Any, labels: Array, settings: Mapping[str, Any]) -> None:
    path = model_dir / MODEL_FILE
    faiss.write_index(index, str(path))
    labels.tofile(f"{path}.labels")
    Path(f"{path}.json").write_text(json.dumps(settings), encoding="utf-8")


def _most_frequent(labels: Array) -> Array:
    """Of each row; of several as frequent, the one whose neighbour is nearest."""
    classes, codes = np.unique(labels, return_inverse=True)
    codes = codes.reshape(labels.shape)
    row = np.arange(len(labels))[:, None]
    counts: Array = np.zeros((len(labels), len(classes)), int)
    np.add.at(counts, (row, codes), 1)
    nearest = counts[row, codes].argmax(axis=1)
    winners: Array = classes[codes[row[:, 0], nearest]]
    return winners


def _is_verbose(accept: str | None) -> bool:
    return split_content_type(accept or "")[1].get("verbose") == "true"


def _evaluate(job: Job, neighbours: _Neighbours) -> None:
    test = read_rows(job, "test", label_size=1)
    rows = test.dense
    parts = batches(len(rows), job.get("mini_batch_size"))
    predicted = np.concatenate([neighbours.of(rows[part])[0] for part in parts])
    if job.get("predictor_type") == "classifier":
        report("test:accuracy", (predicted == test.label).mean())
    else:
        report("test:mse", ((predicted - test.label) ** 2).mean())
