"""Answers of an endpoint of Semantic Segmentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from flywheel.standins.codecs import images, records
from flywheel.standins.codecs.records import Record, Tensor, write_records
from flywheel.standins.codecs.responses import answer_form
from flywheel.standins.contract import Predictor, Request, Response
from flywheel.standins.semantic_segmentation import model_files, network
from flywheel.standins.vision.requests import check_content_type

_PNG = "image/png"
_PROTOBUF = "application/x-protobuf"
"""The name that AWS's example gives application/x-recordio-protobuf."""


def load(model_dir: Path) -> Predictor:
    """The model that the job wrote.

    Raises:
        RefusedError: another program wrote it.
    """
    described = model_files.describe(model_dir)
    return _Segmenter(model_files.load(model_dir, described).eval())


class _Segmenter:
    """Answers with a mask, or with the probability of each class at each pixel."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def __call__(self, request: Request) -> Response:
        check_content_type("semantic_segmentation", request, ("application/x-image",))
        form = answer_form(request.accept, _PNG, (_PNG, records.CONTENT_TYPE, _PROTOBUF))
        pixels = images.read_image(request.body)
        with torch.no_grad():
            logits = self._network(network.scaled(torch.from_numpy(pixels.copy())[None]))
        if form == _PNG:
            return Response(images.write_mask(logits[0].argmax(dim=0).numpy()), form)
        shares = logits.softmax(dim=1).numpy()  # 1 × classes × height × width
        record = Record(
            {
                "target": Tensor(shares.ravel()),
                "shape": Tensor(np.array(shares.shape, np.int32)),
            }
        )
        return Response(write_records([record]), form)
