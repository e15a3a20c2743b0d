"""A job from its channels to the model file: scale, train many models, keep the best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse

from flywheel.standins.codecs.matrix import Matrix, read_channel
from flywheel.standins.codecs.wire import Array, Features
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Job
from flywheel.standins.linear_learner import measures
from flywheel.standins.linear_learner.candidates import Candidates, candidates
from flywheel.standins.linear_learner.fitting import Data, Weights, epochs
from flywheel.standins.linear_learner.losses import (
    Loss,
    label_power,
    loss_named,
    probabilities,
)
from flywheel.standins.linear_learner.model import Model, save
from flywheel.standins.linear_learner.scaling import Scale, feature_scale, label_scale
from flywheel.standins.linear_learner.thresholds import LOSSES, best_cut
from flywheel.standins.metrics import report
from flywheel.standins.remarks import log
from flywheel.standins.tabular import limit_threads

_DEFAULT_LOSSES = {
    "binary_classifier": "logistic",
    "multiclass_classifier": "softmax_loss",
    "regressor": "squared_loss",
}


def train(job: Job) -> None:
    """Train; report the losses and metrics of validation and test; write the model."""
    rows = {
        name: _read(job, name) for name in ("train", "validation", "test") if name in job.channels
    }
    _check_widths(rows)
    limit_threads()
    learner = _Learner.of(job, rows["train"])
    judge = rows.get("validation", rows["train"])
    model = learner.best(judge, report_loss="validation" in rows)
    save(model, job.model_dir)
    for name, matrix in rows.items():
        if name != "train":
            _report(job, model, learner, name, matrix)


@dataclass
class _Learner:
    """What the epochs need."""

    job: Job
    kind: str
    loss_name: str
    loss: Loss
    of_features: Scale
    of_labels: Scale
    models: Candidates
    data: Data

    @classmethod
    def of(cls, job: Job, rows: Matrix) -> _Learner:
        kind = job.hyperparameters["predictor_type"]
        name = job.hyperparameters["loss"]
        name = _DEFAULT_LOSSES[kind] if name == "auto" else name
        features = rows.features
        if issparse(features) and job.hyperparameters["unbias_data"] is True:
            log("unbias_data makes the sparse features dense")
            features = rows.dense
        of_features, of_labels = feature_scale(job, features), label_scale(job, rows.label)
        labels = of_labels.scaled(rows.label)
        data = Data(of_features.scaled(features), labels, _row_weights(job, rows.label))
        width = features.shape[1] * job.get("num_classes", 1)
        models = candidates(job, width, rows.label)
        loss = loss_named(name, job.hyperparameters)
        return cls(job, kind, name, loss, of_features, of_labels, models, data)

    def best(self, judge: Matrix, *, report_loss: bool) -> Model:
        """Train until nothing improves, and choose among the models of the best epoch."""
        features, labels = self.scaled(judge)
        kept, lowest, waited = None, np.inf, 0
        job, outputs = self.job, self.job.get("num_classes", 1)
        for epoch, weights in enumerate(epochs(job, self.data, self.loss, self.models, outputs)):
            losses = self.losses(weights, features, labels)
            smallest = float(losses.min())
            log(f"epoch {epoch}: loss {self.in_units(smallest):g}")
            if report_loss:
                report("validation:objective_loss", self.in_units(smallest))
            gain = (lowest - smallest) / max(abs(lowest), 1e-12) if np.isfinite(lowest) else 1.0
            if kept is None or smallest < lowest:
                kept, lowest = weights.copy(), smallest
            waited = 0 if gain >= job.hyperparameters["early_stopping_tolerance"] else waited + 1
            if waited >= job.hyperparameters["early_stopping_patience"]:
                break
        if kept is None or not np.isfinite(lowest):
            raise RefusedError("no model has a finite loss; a smaller learning_rate may help")
        return self._chosen(kept, features, labels)

    def losses(self, weights: Weights, features: Features, labels: Array) -> Array:
        """The mean loss of every model; infinite where it is no number."""
        with np.errstate(all="ignore"):
            mean: Array = self.loss(weights.scores(features), labels)[0].mean(axis=0)
        mean[~np.isfinite(mean)] = np.inf
        return mean

    def scaled(self, rows: Matrix) -> tuple[Features, Array]:
        """Features and labels as the models see them."""
        sparse = issparse(self.data.features)
        features = rows.features if sparse else rows.dense
        return self.of_features.scaled(features), self.of_labels.scaled(rows.label)

    def in_units(self, loss: float) -> float:
        """A loss of scaled labels as one of the labels themselves."""
        if self.kind != "regressor":
            return loss
        return loss * float(self.of_labels.deviation[0]) ** label_power(self.loss_name)

    def _chosen(self, weights: Weights, features: Features, labels: Array) -> Model:
        losses = self.losses(weights, features, labels)
        thresholds = np.full(len(self.models), 0.5 if self.loss_name == "logistic" else 0.0)
        order = losses
        criterion = self.job.get("binary_classifier_model_selection_criteria")
        if self.kind == "binary_classifier" and criterion not in LOSSES:
            thresholds, values = self._calibrated(weights, features, labels)
            order = np.where(np.isfinite(losses), -values, np.inf)
        # Of those that meet the criterion equally well, the one with the smallest loss.
        best = min(range(len(self.models)), key=lambda model: (order[model], losses[model]))
        log(f"the best of {len(self.models)} models has {self.models.described(best)}")
        return self._model(weights, best, float(thresholds[best]))

    def _calibrated(
        self, weights: Weights, features: Features, labels: Array
    ) -> tuple[Array, Array]:
        """The best threshold of every model, and how well it meets the criterion."""
        count = self.job.hyperparameters["num_calibration_samples"]
        count = len(labels) if count == "auto" else count
        with np.errstate(all="ignore"):
            scores = probabilities(self.loss_name, weights.scores(features[:count]))
        found = [
            best_cut(column, labels[:count], self.job.hyperparameters)
            if np.isfinite(column).all()
            else (0.0, -np.inf)
            for column in scores.T
        ]
        thresholds, values = np.array(found).T
        return thresholds, values

    def _model(self, weights: Weights, best: int, threshold: float) -> Model:
        """One model, for features and labels as they come."""
        scale = self.of_labels.deviation[0]
        own = weights.weights[:, best, :] / self.of_features.deviation[:, None]
        mean = np.zeros_like(self.of_features.mean) if self._keeps_zeros else self.of_features.mean
        bias = weights.bias[best] - mean @ own
        return Model(
            kind=self.kind,
            loss=self.loss_name,
            weights=own * scale,
            bias=bias * scale + self.of_labels.mean[0],
            threshold=threshold,
        )

    @property
    def _keeps_zeros(self) -> bool:
        return bool(issparse(self.data.features))


def _read(job: Job, name: str) -> Matrix:
    width = job.hyperparameters["feature_dim"]
    rows = read_channel(
        job.channels[name], label_size=1, feature_dim=None if width == "auto" else width
    )
    if rows.labels is None:
        raise RefusedError(f"the rows of channel {name} have no label; each must have one")
    _check_labels(job, name, rows.label)
    return rows


def _check_labels(job: Job, channel: str, labels: Array) -> None:
    kind = job.hyperparameters["predictor_type"]
    if kind == "regressor":
        return
    classes = job.get("num_classes", 2) if kind == "multiclass_classifier" else 2
    wrong = labels[(labels < 0) | (labels >= classes) | (labels != np.floor(labels))]
    if wrong.size:
        allowed = "0 or 1" if kind == "binary_classifier" else f"from 0 to {classes - 1}"
        raise RefusedError(
            f"channel {channel} has the label {wrong[0]:g}; with predictor_type {kind} labels must "
            f"be {allowed}"
        )


def _check_widths(rows: dict[str, Matrix]) -> None:
    widths = {name: matrix.features.shape[1] for name, matrix in rows.items()}
    for name, width in widths.items():
        if width != widths["train"]:
            raise RefusedError(
                f"channel {name} has {width} features and channel train {widths['train']}; they "
                "must have as many. feature_dim says how many where sparse data does not"
            )


def _row_weights(job: Job, labels: Array) -> Array:
    """What each row counts: with balanced classes, each class as much as any other."""
    if not job.get("balance_multiclass_weights", False):
        return np.ones(len(labels))
    counts = np.bincount(labels.astype(int))
    weights: Array = len(labels) / (np.count_nonzero(counts) * counts[labels.astype(int)])
    return weights


def _report(job: Job, model: Model, learner: _Learner, name: str, rows: Matrix) -> None:
    scores = model.scores(rows.features)
    labels, given = rows.label, job.hyperparameters
    if model.kind == "binary_classifier":
        found = measures.binary(scores, model.threshold, labels, given["f_beta"])
    elif model.kind == "multiclass_classifier":
        found = measures.multiclass(scores, labels, given)
    else:
        found = measures.regression(scores, labels)
    raw = learner.of_labels.scaled(model.raw_scores(rows.features))
    raw = raw[:, None] if raw.ndim == 1 else raw[:, None, :]
    costs = learner.loss(raw, learner.of_labels.scaled(labels))[0]
    found["objective_loss"] = learner.in_units(float(costs.mean()))
    for metric, value in found.items():
        report(f"{name}:{metric}", value)
