"""Answers to requests."""

from __future__ import annotations

import json
from pathlib import Path

from flywheel.standins.contract import RefusedError, Request, Response
from flywheel.standins.seq2seq import CONFIG_FILE, MODEL_FILE
from flywheel.standins.seq2seq.beam import search
from flywheel.standins.seq2seq.network import Translator
from flywheel.standins.seq2seq.pairs import read_request, write_answers
from flywheel.standins.seq2seq.training import symbols_of
from flywheel.standins.seq2seq.vocabulary import (
    SOURCE_FILE,
    TARGET_FILE,
    Vocabulary,
    read_vocabulary,
)
from flywheel.standins.torch_training import prepare, read


class Translations:
    """`{"target": "target tokens"}` for each source, in the request's own content type.

    Another Accept is passed over. The guide says so of BlazingText; here it wants both to be the
    same, and leaves open what happens otherwise.
    """

    def __init__(self, network: Translator, source: Vocabulary, target: Vocabulary) -> None:
        self._network = network
        self._source = source
        self._target = target
        self._symbols = symbols_of(source, target)

    def __call__(self, request: Request) -> Response:
        asked = read_request(request, self._source)
        answers = search(
            self._network,
            self._symbols,
            [one.numbers for one in asked],
            self._network.config["beam_size"],
        )
        return write_answers(asked, answers, self._target, request.content_type)


def load(model_dir: Path) -> Translations:
    """The network and the vocabularies of a model.

    Raises:
        RefusedError: a file is missing or is not a stand-in's.
    """
    prepare()
    _, parameters = read(model_dir / MODEL_FILE)
    try:
        network = Translator(json.loads((model_dir / CONFIG_FILE).read_text()))
    except (FileNotFoundError, ValueError, KeyError) as error:
        raise RefusedError(f"the model's file {CONFIG_FILE} is missing or no stand-in's") from error
    network.load_state_dict(parameters)
    vocabularies = [read_vocabulary(model_dir / name) for name in (SOURCE_FILE, TARGET_FILE)]
    return Translations(network.eval(), *vocabularies)
