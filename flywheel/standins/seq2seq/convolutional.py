"""Convolutional encoder and decoder.

Source: Gehring, Auli, Grangier, Yarats and Dauphin, "Convolutional sequence to sequence learning",
ICML 2017: positions are embedded too, each layer adds to its input, each of the decoder's attends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that torch code uses everywhere

from flywheel.standins.seq2seq.attention import Attention
from flywheel.standins.seq2seq.recurrent import State

ACTIVATIONS = {
    "glu": nn.GLU(1),
    "relu": nn.ReLU(),
    "softrelu": nn.Softplus(),
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
}


class Positioned(nn.Module):  # type: ignore[misc]  # mypy has no torch
    """Tokens and their places, as vectors of the layers' size."""

    def __init__(
        self, num_tokens: int, max_length: int, embed: int, size: int, dropout: float
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(num_tokens, embed)
        self.places = nn.Embedding(max_length, embed)
        self.dropout = nn.Dropout(dropout)
        self.resize = nn.Linear(embed, size)

    def forward(self, tokens: Tensor) -> Tensor:
        """n × time to n × time × size."""
        vectors = self.tokens(tokens) + self.places(torch.arange(tokens.shape[1]))
        resized: Tensor = self.resize(self.dropout(vectors))
        return resized


class Block(nn.Module):  # type: ignore[misc]
    """One convolution with its activation."""

    def __init__(self, settings: Mapping[str, Any], width: int, *, causal: bool) -> None:
        super().__init__()
        size = settings["cnn_num_hidden"]
        kind = settings["cnn_activation_type"]
        # Causal: a place sees itself and what is before it.
        self.margins = (width - 1, 0) if causal else ((width - 1) // 2, width // 2)
        self.dropout = nn.Dropout(settings["cnn_hidden_dropout"])
        self.convolution = nn.Conv1d(size, 2 * size if kind == "glu" else size, width)
        self.activation = ACTIVATIONS[kind]

    def forward(self, values: Tensor) -> Tensor:
        """n × time × size to the same."""
        turned = F.pad(self.dropout(values).transpose(1, 2), self.margins)
        out: Tensor = self.activation(self.convolution(turned)).transpose(1, 2)
        return out


class CnnEncoder(nn.Module):  # type: ignore[misc]
    """Convolutions over the whole source."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__()
        self.size = settings["cnn_num_hidden"]
        self.embed = Positioned(
            settings["source_size"],
            settings["max_seq_len_source"],
            settings["num_embed_source"],
            self.size,
            settings["embed_dropout_source"],
        )
        self.blocks = nn.ModuleList(
            Block(settings, settings["cnn_kernel_width_encoder"], causal=False)
            for _ in range(settings["num_layers_encoder"])
        )

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """n × time to n × time × size."""
        inside = mask.unsqueeze(2)
        values = self.embed(tokens) * inside
        for block in self.blocks:
            values = (values + block(values)) * inside
        return values


class CnnDecoder(nn.Module):  # type: ignore[misc]
    """Convolutions over what is written so far; its state is that."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__()
        self.size = settings["cnn_num_hidden"]
        self.embed = Positioned(
            settings["target_size"],
            settings["max_seq_len_target"] + 1,
            settings["num_embed_target"],
            self.size,
            settings["embed_dropout_target"],
        )
        self.blocks = nn.ModuleList(
            Block(settings, settings["cnn_kernel_width_decoder"], causal=True)
            for _ in range(settings["num_layers_decoder"])
        )
        self.queries = nn.ModuleList(nn.Linear(self.size, self.size) for _ in self.blocks)
        self.attention = Attention("dot", self.size, self.size)
        self.output = nn.Linear(self.size, settings["target_size"])

    def start(self, states: Tensor, mask: Tensor) -> State:
        """Nothing is written yet."""
        del mask
        return (torch.zeros(len(states), 0, dtype=torch.long),)

    def step(
        self, tokens: Tensor, state: State, states: Tensor, keys: Tensor, mask: Tensor
    ) -> tuple[Tensor, State, Tensor]:
        """One token each: n to n × words, the next state, and the weights of the source."""
        written = torch.cat([state[0], tokens.unsqueeze(1)], 1)
        scores, weights = self._run(written, states, keys, mask)
        return scores[:, -1], (written,), weights[:, -1]

    def forward(self, targets: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """n × time, each token known, to n × time × words."""
        return self._run(targets, states, self.attention.prepare(states), mask)[0]

    def _run(
        self, tokens: Tensor, states: Tensor, keys: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        embedded = self.embed(tokens)
        values, weights = embedded, embedded
        for block, query in zip(self.blocks, self.queries, strict=True):
            out = block(values)
            asked = query(out) + embedded
            scores = torch.bmm(asked, keys.transpose(1, 2))
            weights = torch.softmax(scores.masked_fill(~mask.unsqueeze(1), -1e9), 2)
            values = values + out + torch.bmm(weights, states)
        return self.output(values), weights
