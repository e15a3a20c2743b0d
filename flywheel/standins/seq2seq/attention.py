"""Where the decoder looks in the source.

Source: Luong, Pham and Manning, "Effective approaches to attention-based neural machine
translation", EMNLP 2015: dot, bilinear (there: general), mlp (there: concat).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

LOWEST = -1e9


class Attention(nn.Module):  # type: ignore[misc]  # mypy has no torch
    """Weights over the source's states, and their weighted mean.

    Args:
        kind: dot, mlp, bilinear, or fixed: the last state alone.
        size: of the states and of the query.
        hidden: of mlp.
    """

    def __init__(self, kind: str, size: int, hidden: int) -> None:
        super().__init__()
        self.kind = kind
        if kind == "bilinear":
            self.between = nn.Linear(size, size, bias=False)
        elif kind == "mlp":
            self.of_query = nn.Linear(size, hidden)
            self.of_states = nn.Linear(size, hidden, bias=False)
            self.score = nn.Linear(hidden, 1, bias=False)

    def prepare(self, states: Tensor) -> Tensor:
        """What depends on the states alone, once for all steps."""
        if self.kind == "mlp":
            keys: Tensor = self.of_states(states)
            return keys
        return self.between(states) if self.kind == "bilinear" else states

    def forward(
        self, query: Tensor, keys: Tensor, states: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """n × size, n × time × keys, n × time × size, n × time to n × size and n × time."""
        if self.kind == "fixed":
            places = torch.arange(mask.shape[1]).expand_as(mask)
            weights = (places == mask.sum(1, keepdim=True) - 1).float()
        else:
            if self.kind == "mlp":
                scores = self.score(torch.tanh(keys + self.of_query(query).unsqueeze(1)))[:, :, 0]
            else:
                scores = torch.bmm(keys, query.unsqueeze(2))[:, :, 0]
            weights = torch.softmax(scores.masked_fill(~mask, LOWEST), 1)
        return torch.bmm(weights.unsqueeze(1), states)[:, 0], weights
