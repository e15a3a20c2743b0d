"""Answers of a model: the score of every row, and for classes the label that it means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flywheel.standins.codecs.responses import Row
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import Predictor, Request, Response
from flywheel.standins.linear_learner.model import Model, read
from flywheel.standins.tabular import answer, limit_threads, read_features


def load(model_dir: Path) -> Predictor:
    """The model that `train` wrote."""
    limit_threads()
    return _Predictor(read(model_dir))


@dataclass(frozen=True)
class _Predictor:
    """A loaded model."""

    model: Model

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        key = f"linear_learner_{'regression' if self._is_regression else 'classification'}"
        rows = read_features(key, request, len(self.model.weights))
        scores = self.model.scores(rows.features)
        return answer(key, self._rows(scores), request.accept)

    @property
    def _is_regression(self) -> bool:
        return self.model.kind == "regressor"

    def _rows(self, scores: Array) -> list[Row]:
        given: Array = scores.astype(np.float32)
        if self._is_regression:
            return [{"score": score} for score in given]
        if self.model.kind == "binary_classifier":
            labels = scores >= self.model.threshold
        else:
            labels = scores.argmax(axis=1)
        pairs = zip(given, labels.astype(int).tolist(), strict=True)
        return [{"score": score, "predicted_label": label} for score, label in pairs]
