"""The single shot detector on its base networks."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import OrderedDict
from typing import Any

from torch import nn
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD

from flywheel.standins.contract import RefusedError
from flywheel.standins.remarks import log
from flywheel.standins.vision.residual import ResidualFeatures

WHOLE_WIDTH = 64
NARROW_WIDTH = 8
FEW_PICTURES = 1000
"""Below this number of training pictures the network is narrow."""

_VGG = (2, 2, 3, 3, 3)  # layers of the stages of VGG-16
_ASPECT_RATIOS = [[2], [2, 3], [2, 3], [2, 3], [2], [2]]
_SCALES = {
    "vgg-16": [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05],
    "resnet-50": [0.1, 0.2, 0.37, 0.54, 0.71, 0.88, 1.05],
}
_NUM_MAPS = len(_ASPECT_RATIOS)
_MEAN, _DEVIATION = [0.5] * 3, [0.25] * 3


def choose_width(num_pictures: int, base_network: str) -> int:
    """The channels of the first layer, with a line in the log where they are not all."""
    if num_pictures >= FEW_PICTURES:
        return WHOLE_WIDTH
    log(
        f"{base_network} has {NARROW_WIDTH} of {WHOLE_WIDTH} channels: from random weights all of "
        f"them learn little from {num_pictures} pictures, fewer than {FEW_PICTURES}."
    )
    return NARROW_WIDTH


def create(base_network: str, width: int, size: int, num_classes: int, nms_threshold: float) -> Any:
    """The detector for square pictures of this size, with random weights.

    In training it returns the losses of pictures and boxes, otherwise what it finds. Class 0 is the
    background.
    """
    base = _Vgg(width) if base_network == "vgg-16" else _Residual(width)
    return SSD(
        base,
        DefaultBoxGenerator(_ASPECT_RATIOS, scales=_SCALES[base_network]),
        (size, size),
        num_classes + 1,
        image_mean=_MEAN,
        image_std=_DEVIATION,
        nms_thresh=nms_threshold,
    )


def freeze(detector: Any, pattern: str | None) -> None:
    """Keep the weights of the base network's layers whose name in MXNet begins like the pattern.

    Raises:
        RefusedError: it is no regular expression.
    """
    if pattern is None:
        return
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise RefusedError(
            f"freeze_layer_pattern is {pattern}; it must be a regular expression: {error}"
        ) from error
    frozen = 0
    for name, weight in detector.backbone.base.named_parameters():
        if expression.match(detector.backbone.layer_name(name)):
            weight.requires_grad = False
            frozen += 1
    log(f"freeze_layer_pattern: {frozen} weights of the base network stay as they are.")


class _Maps(nn.Module, ABC):  # type: ignore[misc]
    """Feature maps that become smaller and smaller: two of a base network, then further ones."""

    def __init__(self, base: Any, channels: list[int]) -> None:
        super().__init__()
        self.base = base
        self.extra = nn.ModuleList()
        self.out_channels = list(channels)
        while len(self.out_channels) < _NUM_MAPS:
            before = self.out_channels[-1]
            after = max(before // 2, channels[0] // 2)
            self.extra.append(
                nn.Sequential(_layer(before, after // 2, 1), _layer(after // 2, after, 3, stride=2))
            )
            self.out_channels.append(after)

    def forward(self, pictures: Any) -> OrderedDict[str, Any]:
        """The maps, the largest first."""
        maps = self._maps(pictures)
        for layer in self.extra:
            maps.append(layer(maps[-1]))
        return OrderedDict((str(index), features) for index, features in enumerate(maps))

    @abstractmethod
    def _maps(self, pictures: Any) -> list[Any]:
        """The two maps of the base network, the larger first."""


class _Vgg(_Maps):
    """VGG-16 with batch normalisation; the narrow one begins at half the resolution."""

    def __init__(self, width: int) -> None:
        base = nn.ModuleDict()
        channels = 3
        for stage, num_layers in enumerate(_VGG, start=1):
            after = min(width << stage - 1, width * 8)
            layers = []
            for number in range(1, num_layers + 1):
                halves = width != WHOLE_WIDTH and stage == number == 1
                layers.append((str(number), _layer(channels, after, 3, stride=1 + halves)))
                channels = after
            base[f"conv{stage}"] = nn.Sequential(OrderedDict(layers))
        super().__init__(base, [channels, channels])
        self._pooled = 1 if width != WHOLE_WIDTH else 0

    def _maps(self, pictures: Any) -> list[Any]:
        current, maps = pictures, []
        for stage, layers in enumerate(self.base.values()):
            if stage > self._pooled:
                current = nn.functional.max_pool2d(current, 2, ceil_mode=True)
            current = layers(current)
            maps.append(current)
        return maps[-2:]

    @staticmethod
    def layer_name(parameter: str) -> str:
        """The name in MXNet's vgg16: conv1_1_weight."""
        stage, number, *_, kind = parameter.split(".")
        return f"{stage}_{number}_{kind}"


class _Residual(_Maps):
    """ResNet-50, whose last two stages are the first two maps."""

    layer_name = staticmethod(ResidualFeatures.layer_name)

    def __init__(self, width: int) -> None:
        base = ResidualFeatures("resnet-50", width)
        super().__init__(base, base.out_channels[-2:])

    def _maps(self, pictures: Any) -> list[Any]:
        maps: list[Any] = self.base(pictures)[-2:]
        return maps


def _layer(channels: int, after: int, kernel: int, stride: int = 1) -> Any:
    return nn.Sequential(
        nn.Conv2d(channels, after, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )
