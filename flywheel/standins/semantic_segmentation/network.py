"""The networks: a residual one without its last two reductions, and a head for each algorithm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torchvision.models.segmentation.deeplabv3 import DeepLabHead
from torchvision.models.segmentation.fcn import FCNHead

from flywheel.standins.remarks import log
from flywheel.standins.vision.residual import WHOLE_WIDTH, ResidualFeatures

NARROW_WIDTH = 16
FEW_PICTURES = 1000
"""Below this number of training pictures the network is narrow."""
AUXILIARY_WEIGHT = 0.5
"""Of the loss at the third stage. Source: GluonCV, the training of its segmentation networks."""

_POOLED_SIZES = (1, 2, 3, 6)
"""Source: Zhao et al., arXiv:1612.01105."""


def choose_width(num_pictures: int, backbone: str) -> int:
    """The channels of the first layer, with a line in the log where they are not all."""
    if num_pictures >= FEW_PICTURES:
        return WHOLE_WIDTH
    log(
        f"{backbone} has {NARROW_WIDTH} of {WHOLE_WIDTH} channels: from random weights all of them "
        f"learn little from {num_pictures} pictures, fewer than {FEW_PICTURES}."
    )
    return NARROW_WIDTH


class Segmenter(nn.Module):  # type: ignore[misc]
    """Turns pictures, n × 3 × h × w, into logits, n × classes × h × w.

    In training it returns those of an auxiliary head at the third stage, too.
    """

    def __init__(self, algorithm: str, backbone: str, width: int, num_classes: int) -> None:
        super().__init__()
        self.features = ResidualFeatures(backbone, width, num_dilated=2)
        *_, third, last = self.features.out_channels
        self.head = _HEADS[algorithm](last, num_classes)
        self.auxiliary = FCNHead(third, num_classes)

    def forward(self, pictures: Any) -> Any:
        """The logits; in training a pair."""
        *_, third, last = self.features(pictures)
        size = pictures.shape[-2:]
        logits = _enlarged(self.head(last), size)
        return (logits, _enlarged(self.auxiliary(third), size)) if self.training else logits


class _PyramidHead(nn.Module):  # type: ignore[misc]
    """Looks at the whole, its halves, thirds and sixths besides each place itself."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        part = max(channels // len(_POOLED_SIZES), 1)
        self.parts = nn.ModuleList(
            nn.Sequential(
                nn.AdaptiveAvgPool2d(size),
                nn.Conv2d(channels, part, 1, bias=False),
                nn.BatchNorm2d(part),
                nn.ReLU(inplace=True),
            )
            for size in _POOLED_SIZES
        )
        self.head = FCNHead(channels + part * len(_POOLED_SIZES), num_classes)

    def forward(self, features: Any) -> Any:
        """The logits at the size of the features."""
        size = features.shape[-2:]
        parts = [_enlarged(part(features), size) for part in self.parts]
        return self.head(torch.cat([features, *parts], dim=1))


_HEADS: Mapping[str, Callable[[int, int], Any]] = {
    "fcn": FCNHead,
    "psp": _PyramidHead,
    "deeplab": DeepLabHead,
}


def _enlarged(features: Any, size: Any) -> Any:
    return functional.interpolate(features, size=size, mode="bilinear", align_corners=False)


def scaled(pictures: Any) -> Any:
    """Pixels, n × h × w × 3 uint8, as the network takes them."""
    return (pictures.permute(0, 3, 1, 2).float() - 127.5) / 64
