"""Answers of an endpoint of Object Detection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flywheel.standins.codecs import images
from flywheel.standins.codecs.responses import JSON, answer_form, plain
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import Predictor, Request, Response
from flywheel.standins.job import split_content_type
from flywheel.standins.object_detection import detector, model_files
from flywheel.standins.vision.requests import check_content_type


def load(model_dir: Path) -> Predictor:
    """The model that the job wrote.

    Raises:
        RefusedError: another program wrote it.
    """
    described = model_files.describe(model_dir)
    return _Detector(model_files.load(model_dir, described).eval(), described["image_shape"])


class _Detector:
    """Answers with the objects of the picture, the unlikely ones too."""

    def __init__(self, network: Any, size: int) -> None:
        self._network = network
        self._size = size

    def __call__(self, request: Request) -> Response:
        check_content_type("object_detection", request)
        form = answer_form(request.accept, JSON, (JSON,))
        pixels = images.read_image(request.body)
        height, width = pixels.shape[:2]
        found = detector.find(self._network, [images.resize(pixels, self._size, self._size)])[0]
        if split_content_type(request.accept or "")[1].get("annotation") == "1":
            return Response(json.dumps(_annotation(found, width, height)).encode(), form)
        return Response(json.dumps({"prediction": plain(found)}).encode(), form)


def _annotation(found: Array, width: int, height: int) -> dict[str, Any]:
    """What was found in the form that training takes, in pixels."""
    boxes = (found[:, 2:] * (width, height, width, height)).round().astype(int)
    return {
        "image_size": [{"width": width, "height": height, "depth": 3}],
        "annotations": [
            {
                "class_id": int(kind),
                "score": plain(score),
                "left": int(left),
                "top": int(top),
                "width": int(right - left),
                "height": int(bottom - top),
            }
            for (kind, score), (left, top, right, bottom) in zip(found[:, :2], boxes, strict=True)
        ],
    }
