"""Stand-in for Factorization Machines: mini-batches and Adam, in numpy and scipy.

A row's score is the bias, the sum of its linear terms, and for each pair of its features the inner
product of their factors. Only the weights of features that a batch has are touched, so very wide
sparse data is cheap.

Source: Rendle, "Factorization machines", ICDM 2010; Amazon SageMaker Developer Guide, "How
Factorization Machines Work". Amazon does not name its optimizer: that it has rescale_grad,
clip_gradient and an eps against division by zero speaks for MXNet's Adam, whose update this is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import expit

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

KEY = "factorization_machines"
LIBRARY = "numpy and scipy"
_FIRST_DECAY, _SECOND_DECAY = 0.9, 0.999
_EPS = 1e-8
_MAX_LOGGED_EPOCHS = 10


def train(job: Job) -> None:
    """Learn bias, linear terms and factors; report the metrics of the test rows."""
    limit_threads()
    rows, labels = _read(job, "train")
    with np.errstate(over="ignore", invalid="ignore"):  # weights that grow are refused
        weights = _learned(job, rows, labels)
    save_arrays(job.model_dir, weights | {"classifies": np.array(_classifies(job))})
    if "test" in job.channels:
        _evaluate(job, weights)


@dataclass(frozen=True)
class _Machine:
    weights: Mapping[str, Array]
    classifies: bool

    def __call__(self, request: Request) -> Response:
        rows = read_features(KEY, request, len(self.weights["v"])).features
        scores = _scores(self.weights, csr_matrix(rows))
        if not self.classifies:
            return answer(KEY, [{"score": s} for s in scores.astype(np.float32)], request.accept)
        predictions = [
            {"score": score, "predicted_label": int(score > 0.5)}
            for score in expit(scores).astype(np.float32)
        ]
        return answer(KEY, predictions, request.accept)


def load(model_dir: Path) -> Predictor:
    """The weights, by the names that Amazon's models give them."""
    limit_threads()
    arrays = load_arrays(model_dir, ["w0_weight", "w1_weight", "v", "classifies"])
    return _Machine(arrays, bool(arrays.pop("classifies")))


def _classifies(job: Job) -> bool:
    return bool(job.get("predictor_type") == "binary_classifier")


def _read(job: Job, channel: str) -> tuple[csr_matrix, Array]:
    table = read_rows(job, channel, label_size=1)
    if _classifies(job) and not np.isin(table.label, (0, 1)).all():
        wrong = table.label[~np.isin(table.label, (0, 1))][0]
        raise RefusedError(
            f"a label of channel {channel} is {wrong:g}; predictor_type binary_classifier takes "
            "0 and 1"
        )
    return csr_matrix(table.features), table.label


def _learned(job: Job, rows: csr_matrix, labels: Array) -> dict[str, Array]:
    rng = np.random.default_rng(SEED)
    weights = _initial(job, rng)
    adam = _Adam(job, weights)
    epochs = job.get("epochs")
    for epoch in range(1, epochs + 1):
        order = rng.permutation(len(labels))
        loss = 0.0
        for part in batches(len(labels), job.get("mini_batch_size")):
            loss += _step(adam, rows[order[part]], labels[order[part]], _classifies(job))
        if not np.isfinite(loss):
            raise RefusedError(
                f"the weights grew beyond all bounds in epoch {epoch}; bias_lr, linear_lr or "
                "factors_lr is too large for this data"
            )
        if epoch % -(-epochs // _MAX_LOGGED_EPOCHS) == 0:
            name = "cross entropy" if _classifies(job) else "squared error"
            log(f"epoch {epoch} of {epochs}: mean {name} {loss / len(labels):.6g}")
    return weights


def _initial(job: Job, rng: np.random.Generator) -> dict[str, Array]:
    width, num_factors = job.hyperparameters["feature_dim"], job.hyperparameters["num_factors"]
    shapes = {"bias": (1,), "linear": (width,), "factors": (width, num_factors)}
    drawn = {name: _drawn(job, name, shape, rng) for name, shape in shapes.items()}
    return {"w0_weight": drawn["bias"], "w1_weight": drawn["linear"], "v": drawn["factors"]}


def _drawn(job: Job, name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    method = job.get(f"{name}_init_method")
    if method == "normal":
        drawn: Array = rng.normal(0, job.get(f"{name}_init_sigma"), shape)
    elif method == "uniform":
        scale = job.get(f"{name}_init_scale", 0.0)  # it has no default, nor has a constant's value
        drawn = rng.uniform(-scale, scale, shape)
    else:
        drawn = np.full(shape, job.get(f"{name}_init_value", 0.0))
    return drawn.astype(np.float32)


def _scores(weights: Mapping[str, Array], rows: csr_matrix) -> Array:
    sums = rows @ weights["v"]
    squares = rows.multiply(rows) @ (weights["v"] ** 2)
    pairs = 0.5 * (sums**2 - squares).sum(axis=1)
    scores: Array = weights["w0_weight"][0] + rows @ weights["w1_weight"] + pairs
    return scores


def _step(adam: _Adam, rows: csr_matrix, labels: Array, classifies: bool) -> float:
    """One update from one batch; returns the batch's summed loss before it."""
    used, columns = np.unique(rows.indices, return_inverse=True)
    rows = csr_matrix((rows.data, columns, rows.indptr), (rows.shape[0], len(used)))
    bias, linear, factors = adam.weights.values()
    local = {"w0_weight": bias, "w1_weight": linear[used], "v": factors[used]}
    scores = _scores(local, rows)
    errors = (expit(scores) if classifies else scores) - labels
    squared_rows = rows.multiply(rows)
    gradients = {
        "w0_weight": errors.sum(keepdims=True),
        "w1_weight": rows.T @ errors,
        "v": rows.T @ (errors[:, None] * (rows @ local["v"]))
        - (squared_rows.T @ errors)[:, None] * local["v"],
    }
    adam.update(gradients, {"w0_weight": np.array([0]), "w1_weight": used, "v": used})
    return float((np.logaddexp(0, scores) - labels * scores if classifies else errors**2).sum())


class _Adam:
    """MXNet's Adam: weight decay is part of the gradient, and idle weights stay as they are."""

    def __init__(self, job: Job, weights: dict[str, Array]) -> None:
        groups = dict(zip(weights, ("bias", "linear", "factors"), strict=True))
        self.weights = weights
        self._rates = {name: job.get(f"{group}_lr") for name, group in groups.items()}
        self._decays = {name: job.get(f"{group}_wd") for name, group in groups.items()}
        self._scale = job.get("rescale_grad", 1 / job.get("mini_batch_size"))
        self._clip = job.get("clip_gradient", 0.0)
        self._eps = job.get("eps", _EPS)
        self._means = {name: np.zeros_like(array) for name, array in weights.items()}
        self._squares = {name: np.zeros_like(array) for name, array in weights.items()}
        self._steps = 0

    def update(self, gradients: Mapping[str, Array], used: Mapping[str, Array]) -> None:
        """Move the used rows of every group against their gradient."""
        self._steps += 1
        correction = np.sqrt(1 - _SECOND_DECAY**self._steps) / (1 - _FIRST_DECAY**self._steps)
        for name, array in self.weights.items():
            at = used[name]
            gradient = self._scale * gradients[name] + self._decays[name] * array[at]
            if self._clip > 0:
                gradient = np.clip(gradient, -self._clip, self._clip)
            mean = _FIRST_DECAY * self._means[name][at] + (1 - _FIRST_DECAY) * gradient
            square = _SECOND_DECAY * self._squares[name][at] + (1 - _SECOND_DECAY) * gradient**2
            self._means[name][at], self._squares[name][at] = mean, square
            step = self._rates[name] * correction * mean / (np.sqrt(square) + self._eps)
            array[at] -= step.astype(np.float32)


def _evaluate(job: Job, weights: Mapping[str, Array]) -> None:
    rows, labels = _read(job, "test")
    scores = _scores(weights, rows)
    if not _classifies(job):
        report("test:rmse", np.sqrt(((scores - labels) ** 2).mean()))
        return
    found, actual = scores > 0, labels == 1
    right = int((found & actual).sum())
    report("test:binary_classification_accuracy", (found == actual).mean())
    report(
        "test:binary_classification_cross_entropy",
        (np.logaddexp(0, scores) - labels * scores).mean(),
    )
    report("test:binary_f_beta", 2 * right / max(int(found.sum()) + int(actual.sum()), 1))
