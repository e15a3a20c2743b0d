"""Answers to requests: scores of pairs, embeddings of one side."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from flywheel.standins.codecs import json_lines
from flywheel.standins.codecs.requests import JSON
from flywheel.standins.codecs.responses import write_predictions
from flywheel.standins.contract import Request, Response
from flywheel.standins.object2vec.network import PairNetwork
from flywheel.standins.object2vec.pairs import max_lengths, read_request
from flywheel.standins.remarks import log
from flywheel.standins.torch_training import prepare, read

ACCEPTS = (JSON, json_lines.CONTENT_TYPE)
MODE_VARIABLE = "INFERENCE_PREFERRED_MODE"
ROWS_AT_ONCE = 512


class PairScores:
    """`{"scores": [0.6, 0.4]}` for in0 with in1, `{"embeddings": [0.1]}` for one of them."""

    def __init__(self, network: PairNetwork) -> None:
        self._network = network
        first, second = network.settings
        self._vocab_sizes = (first.vocab_size, second.vocab_size)
        self._lengths = (first.max_seq_len, second.max_seq_len)

    def __call__(self, request: Request) -> Response:
        sides = read_request(request, self._vocab_sizes)
        lengths = max_lengths(request, self._lengths)
        first, second = sides
        with torch.inference_mode():
            if first is not None and second is not None:
                values = _in_parts(
                    len(first), lambda part: self._network(first[part], second[part], lengths)
                )
                if self._network.num_classes is not None:
                    values = torch.softmax(values, 1)
                rows = [{"scores": row} for row in values.numpy()]
            else:
                side = 0 if first is not None else 1
                sequences = sides[side] or []
                values = _in_parts(
                    len(sequences),
                    lambda part: self._network.encode(side, sequences[part], lengths[side]),
                )
                rows = [{"embeddings": row} for row in values.numpy()]
        return write_predictions(rows, request.accept, accepts=ACCEPTS)


def load(path: Path) -> PairScores:
    """The network of a model file."""
    prepare()
    if mode := os.environ.get(MODE_VARIABLE):
        log(f"{MODE_VARIABLE} = {mode} has no effect here: there is no GPU whose memory it saves")
    config, parameters = read(path)
    network = PairNetwork(**config)
    network.load_state_dict(parameters)
    return PairScores(network.eval())


def _in_parts(number: int, compute: Callable[[slice], Any]) -> Any:
    starts = range(0, number, ROWS_AT_ONCE)
    return torch.cat([compute(slice(start, start + ROWS_AT_ONCE)) for start in starts])
