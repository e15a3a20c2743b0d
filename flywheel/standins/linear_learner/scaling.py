"""Normalisation: features and labels with mean 0 and deviation 1 while the models learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse

from flywheel.standins.codecs.wire import Array, Features
from flywheel.standins.job import Job

_AUTO = "auto"


@dataclass(frozen=True)
class Scale:
    """What is subtracted from numbers, and what they are divided by then."""

    mean: Array
    deviation: Array

    def scaled(self, numbers: Features) -> Features:
        """The numbers as the models see them."""
        if issparse(numbers):
            return numbers.multiply(1 / self.deviation).tocsr()
        return (numbers - self.mean) / self.deviation


def feature_scale(job: Job, features: Features) -> Scale:
    """As the first rows ask for. Sparse features keep their zeros unless unbias_data is true."""
    sample = features[: job.hyperparameters["num_point_for_scaler"]]
    normalize = job.hyperparameters["normalize_data"] is not False
    unbias = job.hyperparameters["unbias_data"]
    if unbias == _AUTO:
        unbias = job.hyperparameters["use_bias"] and not issparse(features)
    width = features.shape[1]
    mean, deviation = _moments(sample)
    return Scale(mean if unbias else np.zeros(width), deviation if normalize else np.ones(width))


def label_scale(job: Job, labels: Array) -> Scale:
    """Of a regression; the labels of classes stay what they are."""
    if job.hyperparameters["predictor_type"] != "regressor":
        return Scale(np.zeros(1), np.ones(1))
    sample = labels[: job.hyperparameters["num_point_for_scaler"]].reshape(-1, 1)
    mean, deviation = _moments(sample)
    # auto is true for both, and without a bias nothing can be shifted back.
    unbias = job.hyperparameters["unbias_label"] is not False and job.hyperparameters["use_bias"]
    normalize = job.hyperparameters["normalize_label"] is not False
    return Scale(mean if unbias else np.zeros(1), deviation if normalize else np.ones(1))


def _moments(sample: Features) -> tuple[Array, Array]:
    """Mean and standard deviation of every column; 1 where a column is constant."""
    if issparse(sample):
        mean = np.asarray(sample.mean(axis=0), float).ravel()
        squares = np.asarray(sample.multiply(sample).mean(axis=0), float).ravel()
        deviation: Array = np.sqrt(np.maximum(squares - mean**2, 0))
    else:
        mean = sample.mean(axis=0, dtype=float)
        deviation = sample.std(axis=0, dtype=float)
    # A constant column of large numbers has a deviation of rounding errors.
    deviation[deviation <= 1e-7 * np.maximum(np.abs(mean), 1e-30)] = 1
    return mean, deviation
