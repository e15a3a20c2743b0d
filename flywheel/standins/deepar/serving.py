"""Answers of an endpoint of DeepAR."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flywheel.standins.codecs.responses import write_predictions
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import Predictor, Request, Response
from flywheel.standins.deepar import model as models
from flywheel.standins.deepar.model import Model, quantile
from flywheel.standins.deepar.requests import (
    CONTENT_TYPES,
    Configuration,
    parse_configuration,
    read_request,
)

CONFIGURATION = "DEEPAR_INFERENCE_CONFIG"


def load(model_dir: Path) -> Predictor:
    """The model that the job wrote.

    Raises:
        RefusedError: another program wrote it, or the environment's configuration is none.
    """
    text = os.environ.get(CONFIGURATION)
    default = parse_configuration(text) if text else Configuration()
    return _Forecaster(models.load(model_dir), default)


class _Forecaster:
    """Answers with how each series may go on."""

    def __init__(self, model: Model, default: Configuration) -> None:
        self._model = model
        self._default = default

    def __call__(self, request: Request) -> Response:
        series, configuration = read_request(request, self._default)
        schema = self._model.settings.schema
        for entry in series:
            schema.check(entry, beyond=schema.prediction_length)
        samples = self._model.samples(series, configuration.num_samples)
        return write_predictions(
            [_prediction(paths, configuration) for paths in samples],
            request.accept,
            default=request.content_type,
            accepts=CONTENT_TYPES,
        )


def _prediction(paths: Array, configuration: Configuration) -> dict[str, Any]:
    """One answer, of num_samples × prediction_length."""
    known: dict[str, Callable[[], Any]] = {
        "quantiles": lambda: {
            name: quantile(paths, float(name)) for name in configuration.quantiles
        },
        "samples": lambda: paths,
        "mean": lambda: paths.mean(axis=0),
    }
    return {name: known[name]() for name in known if name in configuration.output_types}
