"""A trained linear model, and its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flywheel.standins.codecs.wire import Array, Features
from flywheel.standins.linear_learner.losses import probabilities
from flywheel.standins.tabular import load_arrays, save_arrays

_ARRAYS = ("kind", "loss", "weights", "bias", "threshold")


@dataclass(frozen=True)
class Model:
    """One linear model for features as they come.

    Attributes:
        kind: the predictor_type.
        loss: what it was trained with.
        weights: features × outputs.
        bias: of every output.
        threshold: from which score on a row is of class 1, for two classes.
    """

    kind: str
    loss: str
    weights: Array
    bias: Array
    threshold: float

    def raw_scores(self, features: Features) -> Array:
        """Rows for one output, else rows × outputs."""
        scores: Array = np.asarray(features @ self.weights) + self.bias
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def scores(self, features: Features) -> Array:
        """What an endpoint answers: probabilities where the loss makes them such."""
        return probabilities(self.loss, self.raw_scores(features))


def save(model: Model, model_dir: Path) -> None:
    """Write the model file."""
    save_arrays(model_dir, {name: np.asarray(getattr(model, name)) for name in _ARRAYS})


def read(model_dir: Path) -> Model:
    """The model that `save` wrote."""
    arrays = load_arrays(model_dir, _ARRAYS)
    return Model(
        kind=str(arrays["kind"]),
        loss=str(arrays["loss"]),
        weights=arrays["weights"],
        bias=arrays["bias"],
        threshold=float(arrays["threshold"]),
    )
