"""The whole network: embeddings, encoders, comparator, perceptron, output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from flywheel.standins.object2vec.encoders import embedding, encoder
from flywheel.standins.object2vec.settings import EncoderSettings
from flywheel.standins.torch_training import pad

_ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "linear": nn.Identity}


class PairNetwork(nn.Module):  # type: ignore[misc]  # mypy has no torch
    """Scores of pairs, and encodings of either side.

    Args:
        encoders: of in0 and in1.
        tied: whether both share the tokens' vectors.
        comparators: hadamard, concat, abs_diff, in the order of their parts.
        mlp: layers, dim and activation of the perceptron.
        dropout: of the tokens' vectors and of the perceptron.
        num_classes: None: one score.
    """

    def __init__(
        self,
        *,
        encoders: Sequence[Mapping[str, Any]],
        tied: bool,
        comparators: Sequence[str],
        mlp: Mapping[str, Any],
        dropout: float,
        num_classes: int | None,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "encoders": [dict(settings) for settings in encoders],
            "tied": tied,
            "comparators": list(comparators),
            "mlp": dict(mlp),
            "dropout": dropout,
            "num_classes": num_classes,
        }
        self.settings = tuple(EncoderSettings(**settings) for settings in encoders)
        self.num_classes = num_classes
        tables = [embedding(each.vocab_size, each.token_dim) for each in self.settings]
        self.embeddings = nn.ModuleList([tables[0], tables[0] if tied else tables[1]])
        self.encoders = nn.ModuleList(encoder(each) for each in self.settings)
        self.dropout = nn.Dropout(dropout)
        self.comparators = tuple(comparators)
        size = self.settings[0].dim * sum(2 if c == "concat" else 1 for c in comparators)
        stages: list[nn.Module] = []
        for _ in range(mlp["layers"]):
            stages += [
                nn.Linear(size, mlp["dim"]),
                _ACTIVATIONS[mlp["activation"]](),
                nn.Dropout(dropout),
            ]
            size = mlp["dim"]
        self.perceptron = nn.Sequential(*stages, nn.Linear(size, num_classes or 1))

    def encode(self, side: int, sequences: Sequence[Sequence[int]], max_length: int) -> Tensor:
        """n × dim; what is longer is cut off."""
        filler = self.settings[side].vocab_size
        tokens = pad([sequence[:max_length] for sequence in sequences], filler)
        mask = (tokens != filler).float()
        encoded: Tensor = self.encoders[side](self.dropout(self.embeddings[side](tokens)), mask)
        return encoded

    def forward(
        self,
        first: Sequence[Sequence[int]],
        second: Sequence[Sequence[int]],
        max_lengths: tuple[int, int] | None = None,
    ) -> Tensor:
        """n × classes before softmax, or n × 1."""
        lengths = max_lengths or (self.settings[0].max_seq_len, self.settings[1].max_seq_len)
        a, b = self.encode(0, first, lengths[0]), self.encode(1, second, lengths[1])
        scores: Tensor = self.perceptron(compare(a, b, self.comparators))
        return scores


def compare(a: Tensor, b: Tensor, comparators: Sequence[str]) -> Tensor:
    """The parts of each comparator, one after the other."""
    parts = {
        "hadamard": lambda: a * b,
        "concat": lambda: torch.cat([a, b], 1),
        "abs_diff": (a - b).abs,
    }
    return torch.cat([parts[name]() for name in comparators], 1)


def encoder_config(settings: EncoderSettings) -> dict[str, Any]:
    """The settings as plain values, for a file."""
    return asdict(settings)
