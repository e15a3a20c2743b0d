"""What the model server runs for a built-in algorithm: answers from the model of its stand-in."""

from __future__ import annotations

import json
from pathlib import Path

from flywheel.standins.contract import Predictor, Request
from flywheel.standins.job import split_content_type
from flywheel.standins.remarks import log, mark_output
from flywheel.standins.train import STAMP, notice, stand_in


def model_fn(model_dir: str) -> Predictor:
    """The loaded model; the stand-in that wrote it loads it."""
    mark_output()
    folder = Path(model_dir)
    key = str(json.loads((folder / STAMP).read_text(encoding="utf-8"))["key"])
    module = stand_in(key)
    log(notice(key, module.LIBRARY))
    return module.load(folder)


def transform_fn(
    model: Predictor, body: bytes, content_type: str, accept: str | None
) -> tuple[bytes, str]:
    """Answer one request: the body and its content type."""
    kind, parameters = split_content_type(content_type)
    answer = model(Request(body, kind, parameters, _accepted(accept)))
    return answer.body, answer.content_type


def _accepted(accept: str | None) -> str | None:
    text = (accept or "").strip().lower()
    return None if text in ("", "*/*") else text
