"""Asks the network what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from flywheel.standins.codecs.wire import Array


def picture(pixels: Array) -> Any:
    """Pixels as the network takes them: 3 × height × width from 0 to 1."""
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float() / 255


def find(network: Any, pictures: Sequence[Array]) -> list[Array]:
    """The objects in square pictures, the surest first.

    Returns:
        Of each picture n × 6: class, score, left, top, right and bottom, as shares.
    """
    size = pictures[0].shape[0]
    with torch.no_grad():
        answers = network([picture(pixels) for pixels in pictures])
    return [
        torch.cat(
            [
                (answer["labels"][:, None] - 1).float(),
                answer["scores"][:, None],
                answer["boxes"] / size,
            ],
            dim=1,
        ).numpy()
        for answer in answers
    ]
