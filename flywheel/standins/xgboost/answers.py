"""Answers of a model: scores, or what SAGEMAKER_INFERENCE_OUTPUT selects."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb

from flywheel.standins.codecs.responses import FORMS, answer_form, write_predictions
from flywheel.standins.contract import Predictor, RefusedError, Request, Response
from flywheel.standins.xgboost.data import first_line, request_matrix
from flywheel.standins.xgboost.training import MODEL_FILE

CSV = "text/csv"
_DEFAULT_ACCEPT = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"
_SELECTED = "SAGEMAKER_INFERENCE_OUTPUT"
_BATCH = "SAGEMAKER_BATCH"
"""SageMaker sets it in the containers of transform jobs."""


def load(model_dir: Path) -> Predictor:
    """The model that `train` wrote."""
    booster = xgb.Booster(model_file=model_dir / MODEL_FILE)
    booster.set_param("nthread", 1)
    learner = json.loads(booster.save_config())["learner"]
    return _Model(
        booster=booster,
        objective=learner["objective"]["name"],
        num_class=int(learner["learner_model_param"]["num_class"]),
        settings=dict(os.environ),
    )


@dataclass(frozen=True)
class _Model:
    """A loaded model; the environment says how it answers."""

    booster: Any
    objective: str
    num_class: int
    settings: Mapping[str, str]

    def __call__(self, request: Request) -> Response:
        """Scores of the rows."""
        matrix = request_matrix(request)
        form = answer_form(request.accept, self.settings.get(_DEFAULT_ACCEPT, CSV), FORMS)
        try:
            scores = self.booster.predict(matrix, validate_features=False)
        except xgb.core.XGBoostError as error:
            raise RefusedError(f"the rows cannot be evaluated: {first_line(error)}") from error
        if selected := self.settings.get(_SELECTED, "").replace(" ", "").lower():
            return self._selected(scores, selected.split(","), form)
        if _BATCH in self.settings:
            return Response("".join(f"{score}\n" for score in scores.tolist()).encode(), form)
        return write_predictions([{"score": score} for score in scores.tolist()], form)

    def _selected(self, scores: Any, keys: Sequence[str], form: str) -> Response:
        taken = _OUTPUTS.get(self.objective)
        if taken is None:
            raise RuntimeError(f"{_SELECTED} does not go with objective {self.objective}")
        rows = [
            {key: taken[key](self, score) if key in taken else math.nan for key in keys}
            for score in scores
        ]
        if form != CSV:
            return write_predictions(rows, form)
        lines = (",".join(map(_csv_cell, row.values())) for row in rows)
        return Response(("\n".join(lines) + "\n" * (_BATCH in self.settings)).encode(), form)


def _csv_cell(value: Any) -> str:
    return f'"{value}"' if isinstance(value, list) else str(value)


_Output = Callable[[_Model, Any], Any]


def _item(_: _Model, score: Any) -> Any:
    return score.item()


def _both(_: _Model, score: Any) -> list[float]:
    return [1.0 - score.item(), score.item()]


def _all(_: _Model, score: Any) -> list[float]:
    return list(score.tolist())


def _highest(_: _Model, score: Any) -> float:
    return float(max(score).item())


def _two(_: _Model, __: Any) -> list[int]:
    return [0, 1]


def _classes(model: _Model, _: Any) -> list[int]:
    return list(range(model.num_class))


def _above(threshold: float) -> _Output:
    return lambda _, score: int(score > threshold)


_SCORE: Mapping[str, _Output] = {"predicted_score": _item}
_RAW: Mapping[str, _Output] = {"labels": _two, "raw_score": _item, "raw_scores": _both}
_OUTPUTS: Mapping[str, Mapping[str, _Output]] = {
    "reg:squarederror": _SCORE,
    "reg:logistic": _SCORE,
    "reg:gamma": _SCORE,
    "reg:absoluteerror": _SCORE,
    "reg:tweedie": _SCORE,
    "binary:logistic": {
        **_RAW,
        "predicted_label": _above(0.5),
        "probability": _item,
        "probabilities": _both,
    },
    "binary:logitraw": {**_RAW, "predicted_label": _above(0)},
    "binary:hinge": {**_RAW, "predicted_label": _item},
    "multi:softmax": {**_RAW, "labels": _classes, "predicted_label": _item},
    "multi:softprob": {
        "predicted_label": lambda _, score: int(np.argmax(score)),
        "labels": _classes,
        "probability": _highest,
        "probabilities": _all,
        "raw_score": _highest,
        "raw_scores": _all,
    },
}
"""What can be selected, by objective. Source: algorithm_mode/serve_utils.py."""
