"""Recurrent encoder and decoder.

Source: Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and
translate", ICLR 2015; Luong et al. 2015 for the context that is fed back to the next step; Wu et
al., "Google's neural machine translation system", 2016, for attention in the upper layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from flywheel.standins.seq2seq.attention import Attention

State = tuple[Tensor, ...]


class RnnEncoder(nn.Module):  # type: ignore[misc]  # mypy has no torch
    """A layer in both directions, then layers in one."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__()
        hidden = settings["rnn_num_hidden"]
        kind = nn.LSTM if settings["rnn_cell_type"] == "lstm" else nn.GRU
        self.size = hidden
        self.residual_from = _residual_from(settings)
        self.embedding = nn.Embedding(settings["source_size"], settings["num_embed_source"])
        self.dropout = nn.Dropout(settings["embed_dropout_source"])
        layers = [
            kind(settings["num_embed_source"], hidden // 2, batch_first=True, bidirectional=True)
        ]
        layers += [
            kind(hidden, hidden, batch_first=True)
            for _ in range(settings["num_layers_encoder"] - 1)
        ]
        self.layers = nn.ModuleList(layers)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """n × time to n × time × size."""
        values: Tensor = self.dropout(self.embedding(tokens))
        for number, layer in enumerate(self.layers, start=1):
            lengths = mask.sum(1)
            packed = pack_padded_sequence(values, lengths, batch_first=True, enforce_sorted=False)
            states, _ = pad_packed_sequence(
                layer(packed)[0], batch_first=True, total_length=tokens.shape[1]
            )
            values = states + values if number >= self.residual_from else states
        return values


class RnnDecoder(nn.Module):  # type: ignore[misc]
    """Layers of cells; the attended context goes into the output and into the next step."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__()
        hidden = settings["rnn_num_hidden"]
        embed = settings["num_embed_target"]
        number = settings["num_layers_decoder"]
        self.is_lstm = settings["rnn_cell_type"] == "lstm"
        self.size = hidden
        self.state_from = settings["rnn_decoder_state_init"]
        self.attends_above = settings["rnn_attention_in_upper_layers"] and number > 1
        self.residual_from = _residual_from(settings)
        kind = nn.LSTMCell if self.is_lstm else nn.GRUCell
        above = 2 * hidden if self.attends_above else hidden
        self.embedding = nn.Embedding(settings["target_size"], embed)
        self.dropout = nn.Dropout(settings["embed_dropout_target"])
        self.cells = nn.ModuleList(
            [kind(embed + hidden, hidden), *(kind(above, hidden) for _ in range(number - 1))]
        )
        self.starts = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(number))
        self.attention = Attention(
            settings["rnn_attention_type"], hidden, settings["rnn_attention_num_hidden"]
        )
        self.combine = nn.Linear(2 * hidden, hidden)
        self.hidden_dropout = nn.Dropout(settings["rnn_decoder_hidden_dropout"])
        self.output = nn.Linear(hidden, settings["target_size"])

    def start(self, states: Tensor, mask: Tensor) -> State:
        """What the first step begins with: the context fed back, then each layer's state."""
        zero = states.new_zeros(len(states), self.size)
        if self.state_from == "zero":
            firsts = [zero for _ in self.cells]
        else:
            summary = _last(states, mask) if self.state_from == "last" else _mean(states, mask)
            firsts = [torch.tanh(start(summary)) for start in self.starts]
        return (zero, *firsts, *([zero] * len(firsts) if self.is_lstm else []))

    def step(
        self, tokens: Tensor, state: State, states: Tensor, keys: Tensor, mask: Tensor
    ) -> tuple[Tensor, State, Tensor]:
        """One token each: n to n × words, the next state, and the weights of the source."""
        state, weights = self._advance(self.embedding(tokens), state, states, keys, mask)
        return self.output(state[0]), state, weights

    def forward(self, targets: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """n × time, each token known, to n × time × words."""
        keys, state = self.attention.prepare(states), self.start(states, mask)
        combined = []
        for vectors in self.dropout(self.embedding(targets)).unbind(1):
            state, _ = self._advance(vectors, state, states, keys, mask)
            combined.append(state[0])
        scores: Tensor = self.output(torch.stack(combined, 1))
        return scores

    def _advance(
        self, vectors: Tensor, state: State, states: Tensor, keys: Tensor, mask: Tensor
    ) -> tuple[State, Tensor]:
        """The next state, whose first part is what the words' scores come from."""
        number = len(self.cells)
        fed, hidden, memory = state[0], state[1 : 1 + number], list(state[1 + number :])
        values = torch.cat([vectors, fed], 1)
        after: list[Tensor] = []
        context = weights = None
        for place, cell in enumerate(self.cells):
            if self.is_lstm:
                out, memory[place] = cell(values, (hidden[place], memory[place]))
            else:
                out = cell(values, hidden[place])
            after.append(out)
            if place + 1 >= self.residual_from:
                out = out + values[:, : self.size]
            if context is None and (self.attends_above or place == number - 1):
                context, weights = self.attention(out, keys, states, mask)
            values = torch.cat([out, context], 1) if self.attends_above else out
        top = values[:, : self.size]
        combined = self.hidden_dropout(torch.tanh(self.combine(torch.cat([top, context], 1))))
        return (combined, *after, *memory), weights


def _residual_from(settings: Mapping[str, Any]) -> float:
    """The first layer, counted from 1, to whose output its input is added."""
    if not settings["rnn_residual_connections"]:
        return float("inf")
    first: int = settings["rnn_first_residual_layer"]
    return max(2, first)


def _last(states: Tensor, mask: Tensor) -> Tensor:
    return states[torch.arange(len(states)), mask.sum(1) - 1]


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    shares = mask.float() / mask.sum(1, keepdim=True)
    return torch.bmm(shares.unsqueeze(1), states)[:, 0]
