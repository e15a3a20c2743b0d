"""A training job of DeepAR."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from gluonts.transform import ExpectedNumInstanceSampler

from flywheel.standins import metrics, torch_training
from flywheel.standins.contract import RefusedError
from flywheel.standins.deepar import accuracy
from flywheel.standins.deepar.model import Model, Settings, quantile
from flywheel.standins.deepar.schema import Schema
from flywheel.standins.deepar.series import Series, read_channel
from flywheel.standins.job import Job
from flywheel.standins.remarks import log

MAX_GRADIENT = 10.0
"""Longest gradient. Source: GluonTS, DeepAREstimator."""


def train(job: Job) -> None:
    """Read the channels, train, test, write the model.

    Raises:
        RefusedError: the data or the settings are the sender's mistake.
    """
    _check(job)
    series = read_channel(job.channels["train"])
    schema = Schema.of(job, series)
    schema.check_all(series)
    test = _test_series(job, schema)
    if job.get("dropout_rate") and "dropout_rate" in job.written:
        log("dropout_rate: outputs between layers are dropped; Amazon's zoneout keeps states")
    long_enough = [entry for entry in series if len(entry.target) >= schema.prediction_length]
    model = _learn(job, Settings.of(job, schema, long_enough), long_enough)
    if test:
        _report_accuracy(job, model, test)
    model.save(job.model_dir)


def _check(job: Job) -> None:
    """What the catalogue's rules leave open and nothing can be computed with."""
    rules: dict[str, Callable[[Any], bool]] = {
        "learning_rate": lambda value: value > 0,
        "dropout_rate": lambda value: 0 <= value < 1,
        "num_eval_samples": lambda value: value >= 1,
        "early_stopping_patience": lambda value: value is None or value >= 1,
    }
    said = {"learning_rate": "above 0", "dropout_rate": "from 0 to below 1"}
    for name, rule in rules.items():
        if not rule(job.get(name)):
            raise RefusedError(
                f"{name} is {job.get(name)}; it must be {said.get(name, 'at least 1')}"
            )


def _test_series(job: Job, schema: Schema) -> list[Series]:
    channel = job.channels.get("test")
    if channel is None:
        return []
    series = read_channel(channel)
    for entry in series:
        schema.check(entry)
        if len(entry.target) < schema.prediction_length:
            raise RefusedError(
                f"{entry.name} has {len(entry.target)} values; a test series must have more than "
                f"prediction_length, {schema.prediction_length}"
            )
    return series


def _learn(job: Job, settings: Settings, series: Sequence[Series]) -> Model:
    """The model of the epoch with the lowest loss."""
    np.random.seed(torch_training.SEED)  # which GluonTS draws its windows with
    windows = sum(len(entry.target) // settings.prediction_length for entry in series)
    size = min(job.get("mini_batch_size"), windows)
    model = Model(
        settings,
        lr=job.get("learning_rate"),
        batch_size=size,
        num_batches_per_epoch=math.ceil(windows / size),
        train_sampler=ExpectedNumInstanceSampler(
            num_instances=windows / len(series), min_future=settings.prediction_length
        ),
    )
    epochs = _Epochs(model, _inputs(model, series), job.get("epochs"))
    patience = job.get("early_stopping_patience")
    best, best_loss, best_epoch = epochs.weights(), math.inf, 0
    for number in range(1, job.get("epochs") + 1):
        began = time.monotonic()
        loss = epochs.next()
        log(f"epoch {number}: train loss {loss:.5f}, {time.monotonic() - began:.1f} seconds")
        if loss < best_loss:
            best, best_loss, best_epoch = epochs.weights(), loss, number
        elif patience and number - best_epoch >= patience:
            log(f"no progress for {patience} epochs: training ends.")
            break
    if not math.isfinite(best_loss):
        raise RefusedError("the loss is no number in any epoch; give a smaller learning_rate")
    log(f"the model is that of epoch {best_epoch}, the one with the lowest loss.")
    metrics.report("train:final_loss", best_loss)
    model.network.load_state_dict(best)
    model.network.eval()
    return model


def _inputs(model: Model, series: Sequence[Series]) -> list[Any]:
    """The series with their derived features, which are the same in every epoch."""
    entries = []
    for each in series:
        features = each.dynamic_feat
        if features is not None:
            features = features[:, : len(each.target)]
        entries.append(model.entry(each, features))
    return list(model.transformation.apply(entries, is_train=True))


class _Epochs:
    """Training, epoch by epoch."""

    def __init__(self, model: Model, inputs: list[Any], num_epochs: int) -> None:
        self._network = model.network.model
        self._whole = model.network
        self._loader = model.estimator.create_training_data_loader(inputs, model.network)
        self._optimizer = torch.optim.Adam(
            self._network.parameters(), lr=model.estimator.lr, weight_decay=1e-8
        )
        # Steps that become smaller: what a few windows teach at the end is not kept.
        self._rates = torch.optim.lr_scheduler.CosineAnnealingLR(self._optimizer, num_epochs)
        self._names = list(self._network.describe_inputs().keys())

    def next(self) -> float:
        """One epoch; returns the mean loss of its batches."""
        self._whole.train()
        losses = [self._step(batch) for batch in self._loader]
        self._rates.step()
        return float(np.mean(losses))

    def weights(self) -> dict[str, Any]:
        """A copy of the weights."""
        return {name: value.clone() for name, value in self._whole.state_dict().items()}

    def _step(self, batch: Mapping[str, Any]) -> float:
        loss = self._network.loss(
            **{name: batch[name] for name in self._names},
            future_target=batch["future_target"],
            future_observed_values=batch["future_observed_values"],
        ).mean()
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), MAX_GRADIENT)
        self._optimizer.step()
        return float(loss.detach())


def _report_accuracy(job: Job, model: Model, test: Sequence[Series]) -> None:
    """Predict the end of each test series from what comes before."""
    length = model.settings.prediction_length
    known = [
        replace(
            each,
            target=each.target[:-length],
            dynamic_feat=None
            if each.dynamic_feat is None
            else each.dynamic_feat[:, : len(each.target)],
        )
        for each in test
    ]
    samples = model.samples(known, job.get("num_eval_samples"))
    truths = [each.target[-length:] for each in test]
    means = [paths.mean(axis=0) for paths in samples]
    shares = job.get("test_quantiles")
    losses = accuracy.weighted_quantile_losses(
        truths, {share: [quantile(paths, share) for paths in samples] for share in shares}
    )
    for share, loss in losses.items():
        log(f"test: weighted quantile loss of {share}: {loss:.5f}")
    metrics.report("test:RMSE", accuracy.root_mean_square_error(truths, means))
    metrics.report("test:mean_wQuantileLoss", float(np.mean(list(losses.values()))))
