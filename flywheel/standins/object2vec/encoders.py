"""Encoders of token sequences: mean of embeddings, hierarchical CNN, bidirectional LSTM.

Source: Conneau et al., "Supervised learning of universal sentence representations from natural
language inference data", EMNLP 2017, for what the hierarchical CNN and the BiLSTM do: the maximum
over time of each layer, and of the last layer.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that torch code uses everywhere
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from flywheel.standins.object2vec.settings import EncoderSettings


def embedding(vocab_size: int, dim: int) -> nn.Embedding:
    """A vector for each token, and one of zeros, the last, for what only fills up."""
    return nn.Embedding(vocab_size + 1, dim, padding_idx=vocab_size)


class PooledEmbedding(nn.Module):  # type: ignore[misc]  # mypy has no torch
    """The mean of the tokens' vectors."""

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """n × time × d, n × time to n × d."""
        total: Tensor = (vectors * mask.unsqueeze(2)).sum(1)
        return total / mask.sum(1, keepdim=True)


class HierarchicalCnn(nn.Module):  # type: ignore[misc]
    """Convolutions on top of each other; the encoding is the maximum over time of each of them."""

    def __init__(self, settings: EncoderSettings) -> None:
        super().__init__()
        share, rest = divmod(settings.dim, settings.layers)
        widths = [share] * (settings.layers - 1) + [share + rest]
        sizes = zip([settings.token_dim, *widths], widths, strict=False)
        # As long after a convolution as before it, also with an even width.
        self.margins = ((settings.filter_width - 1) // 2, settings.filter_width // 2)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(before, after, settings.filter_width) for before, after in sizes
        )

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """n × time × d, n × time to n × dim."""
        inside = mask.unsqueeze(1)
        values = (vectors * mask.unsqueeze(2)).transpose(1, 2)
        maxima = []
        for convolution in self.convolutions:
            # After relu nothing is below 0, which is what fills up.
            values = torch.relu(convolution(F.pad(values, self.margins))) * inside
            maxima.append(values.amax(2))
        return torch.cat(maxima, 1)


class BiLstm(nn.Module):  # type: ignore[misc]
    """Layers of LSTM in both directions; the encoding is the maximum over time."""

    def __init__(self, settings: EncoderSettings) -> None:
        super().__init__()
        self.dim = settings.dim
        self.lstm = nn.LSTM(
            settings.token_dim,
            (settings.dim + 1) // 2,
            settings.layers,
            batch_first=True,
            bidirectional=True,
        )

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """n × time × d, n × time to n × dim."""
        lengths = mask.sum(1).long()
        packed = pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False)
        lowest = torch.finfo(vectors.dtype).min
        states, _ = pad_packed_sequence(
            self.lstm(packed)[0],
            batch_first=True,
            padding_value=lowest,
            total_length=vectors.shape[1],
        )
        encoded: Tensor = states.amax(1)[:, : self.dim]
        return encoded


def encoder(settings: EncoderSettings) -> Any:
    """The network of these settings."""
    if settings.network == "hcnn":
        return HierarchicalCnn(settings)
    return BiLstm(settings) if settings.network == "bilstm" else PooledEmbedding()
