"""The autoencoder: a document's counts, its topic weights, and the words that these expect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that torch code uses everywhere

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}


class TopicModel(nn.Module):  # type: ignore[misc]  # mypy has no torch
    """Encoder layers, the mean and variance of a normal distribution, softmax, words.

    Args:
        feature_dim: words of the vocabulary.
        num_topics: topics.
        layers: sizes of the encoder's layers.
        activation: after each of them: sigmoid, tanh or relu.
        batch_norm: whether each layer, and the words' scores, are normalized over the batch.
    """

    def __init__(
        self,
        *,
        feature_dim: int,
        num_topics: int,
        layers: Sequence[int],
        activation: str,
        batch_norm: bool,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "feature_dim": feature_dim,
            "num_topics": num_topics,
            "layers": list(layers),
            "activation": activation,
            "batch_norm": batch_norm,
        }
        stages: list[nn.Module] = []
        size = feature_dim
        for width in layers:
            stages.append(nn.Linear(size, width))
            if batch_norm:
                stages.append(nn.BatchNorm1d(width))
            stages.append(ACTIVATIONS[activation]())
            size = width
        self.encoder = nn.Sequential(*stages)
        self.mean = nn.Linear(size, num_topics)
        self.log_variance = nn.Linear(size, num_topics)
        self.words = nn.Linear(num_topics, feature_dim)
        self.words_norm = nn.BatchNorm1d(feature_dim) if batch_norm else nn.Identity()

    def topic_weights(self, counts: Tensor) -> Tensor:
        """n × topics; each row sums to 1."""
        weights: Tensor = torch.softmax(self.mean(self.encoder(torch.log1p(counts))), 1)
        return weights

    def losses(self, counts: Tensor) -> Tensor:
        """The total loss of each document, divided by its number of words.

        The sum of the reconstruction loss (minus the log probability of its words) and of the
        Kullback-Leibler divergence of its topics from a standard normal distribution.
        """
        encoded = self.encoder(torch.log1p(counts))
        mean, log_variance = self.mean(encoded), self.log_variance(encoded).clamp(-10, 10)
        noise = torch.randn_like(mean) if self.training else torch.zeros_like(mean)
        topics = torch.softmax(mean + noise * torch.exp(log_variance / 2), 1)
        log_words = F.log_softmax(self.words_norm(self.words(topics)), 1)
        reconstruction = -(counts * log_words).sum(1)
        divergence = (mean**2 + log_variance.exp() - 1 - log_variance).sum(1) / 2
        return (reconstruction + divergence) / counts.sum(1).clamp_min(1)

    def top_words(self, number: int) -> list[list[int]]:
        """The columns of the words that each topic makes most likely."""
        found: Any = self.words.weight.T.topk(min(number, self.words.out_features)).indices
        columns: list[list[int]] = found.tolist()
        return columns
