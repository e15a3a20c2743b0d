"""Encoder and decoder together, and how their parameters begin."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from flywheel.standins.seq2seq.convolutional import CnnDecoder, CnnEncoder
from flywheel.standins.seq2seq.recurrent import RnnDecoder, RnnEncoder


class Translator(nn.Module):  # type: ignore[misc]  # mypy has no torch
    """From a source to the scores of a target's tokens.

    Args:
        settings: hyperparameters, and source_size and target_size of the vocabularies.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = dict(settings)
        self.encoder = (CnnEncoder if settings["encoder_type"] == "cnn" else RnnEncoder)(settings)
        self.decoder = (CnnDecoder if settings["decoder_type"] == "cnn" else RnnDecoder)(settings)
        same = self.encoder.size == self.decoder.size
        self.bridge = nn.Identity() if same else nn.Linear(self.encoder.size, self.decoder.size)

    def encode(self, sources: Tensor, mask: Tensor) -> Tensor:
        """n × time to n × time × size of the decoder."""
        states: Tensor = self.bridge(self.encoder(sources, mask))
        return states

    def forward(self, sources: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
        """The scores of each next token, all earlier ones known: n × time × words."""
        scores: Tensor = self.decoder(targets, self.encode(sources, mask), mask)
        return scores


def initialize(network: nn.Module, kind: str, scale: float, factor_type: str) -> None:
    """Draw the weights; biases are 0.

    Source: Apache MXNet, "Initializer API": Xavier draws from ± sqrt(scale / n), n being the inputs
    of a weight, its outputs or their mean; Uniform from ± scale.
    """
    for parameter in network.parameters():
        if parameter.dim() < 2:
            nn.init.zeros_(parameter)
            continue
        area = math.prod(parameter.shape[2:])
        into, out = parameter.shape[1] * area, parameter.shape[0] * area
        number = {"in": into, "out": out, "avg": (into + out) / 2}[factor_type]
        bound = math.sqrt(scale / number) if kind == "xavier" else abs(scale)
        nn.init.uniform_(parameter, -bound, bound)
