"""Answers from a model of fastText's: vectors of words, or labels of sentences."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fasttext

from flywheel.standins.blazingtext import sentences, words
from flywheel.standins.blazingtext.requests import Text, read_texts, write_answers
from flywheel.standins.contract import Predictor, RefusedError, Request, Response


class WordVectors:
    """`[{"vector": […], "word": "word1"}]`; a word that the model does not know is all zeros."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, request: Request) -> Response:
        rows = [
            {"vector": self._model.get_word_vector(asked.text), "word": asked.text}
            for asked in read_texts(request)
        ]
        return write_answers(rows, request)


class Labels:
    """`[{"label": ["__label__1"], "prob": [0.9]}]`, the k most probable first."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, request: Request) -> Response:
        return write_answers([self._row(asked) for asked in read_texts(request)], request)

    def _row(self, asked: Text) -> Mapping[str, list[Any]]:
        # fastText takes one line at a time, and rounds to a little more than 1.
        labels, probabilities = self._model.predict(" ".join(asked.text.split()), k=asked.k)
        shown = [min(float(str(value)), 1.0) for value in probabilities]
        return {"label": list(labels), "prob": shown}


def load(model_dir: Path) -> Predictor:
    """The model file in the folder, whichever of the two it is.

    Raises:
        RefusedError: there is none.
    """
    for name in (sentences.MODEL_FILE, words.MODEL_FILE):
        if (path := model_dir / name).is_file():
            # It warns of a change of its own interface, on standard error, at each load.
            fasttext.FastText.eprint = lambda *_, **__: None
            model = fasttext.load_model(str(path))
            supervised = "supervised" in str(model.f.getArgs().model)
            return Labels(model) if supervised else WordVectors(model)
    raise RefusedError(f"the model has neither {sentences.MODEL_FILE} nor {words.MODEL_FILE}")
