"""Answers of an endpoint of Image Classification."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from flywheel.standins.codecs import json_lines
from flywheel.standins.codecs.responses import JSON, answer_form, plain
from flywheel.standins.contract import Predictor, Request, Response
from flywheel.standins.image_classification import model_files
from flywheel.standins.image_classification.pictures import Preparation, Shape, scaled
from flywheel.standins.vision.requests import check_content_type


def load(model_dir: Path) -> Predictor:
    """The model that the job wrote.

    Raises:
        RefusedError: another program wrote it.
    """
    description = model_files.describe(model_dir)
    net = model_files.load(model_dir, description).eval()
    shape = Shape.parse(description["image_shape"])
    return _Classifier(net, Preparation(shape), description["multi_label"])


class _Classifier:
    """Answers with the probability of each class."""

    def __init__(self, network: Any, preparation: Preparation, multi_label: bool) -> None:
        self._network = network
        self._preparation = preparation
        self._multi_label = multi_label

    def __call__(self, request: Request) -> Response:
        check_content_type("image_classification", request)
        form = answer_form(request.accept, JSON, (JSON, json_lines.CONTENT_TYPE))
        pixels = self._preparation.for_request(request.body)
        with torch.no_grad():
            logits = self._network(torch.from_numpy(scaled([pixels])))[0]
        shares = logits.sigmoid() if self._multi_label else logits.softmax(dim=0)
        answer = plain(shares.numpy())
        if form == json_lines.CONTENT_TYPE:
            return Response(f"{json.dumps({'prediction': answer})}\n".encode(), form)
        return Response(json.dumps(answer).encode(), form)
