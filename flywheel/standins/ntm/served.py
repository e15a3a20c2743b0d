"""Answers to requests."""

from __future__ import annotations

from pathlib import Path

import torch

from flywheel.standins.codecs import json_lines, records
from flywheel.standins.codecs.requests import JSON, read_request
from flywheel.standins.codecs.responses import write_predictions
from flywheel.standins.contract import RefusedError, Request, Response
from flywheel.standins.ntm.network import TopicModel
from flywheel.standins.torch_training import prepare, read

ACCEPTS = (JSON, json_lines.CONTENT_TYPE, records.CONTENT_TYPE)


class TopicWeights:
    """`{"topic_weights": [0.02, 0.1]}` a document."""

    def __init__(self, model: TopicModel) -> None:
        self._model = model

    def __call__(self, request: Request) -> Response:
        counts = read_request(request, feature_dim=self._model.config["feature_dim"]).dense
        if counts.size and counts.min() < 0:
            raise RefusedError("a count is negative; counts must be at least 0")
        with torch.inference_mode():
            weights = self._model.topic_weights(torch.from_numpy(counts.astype("float32")))
        rows = [{"topic_weights": row} for row in weights.numpy()]
        return write_predictions(rows, request.accept, accepts=ACCEPTS)


def load(path: Path) -> TopicWeights:
    """The network of a model file."""
    prepare()
    config, parameters = read(path)
    model = TopicModel(**config)
    model.load_state_dict(parameters)
    return TopicWeights(model.eval())
