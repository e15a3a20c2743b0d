"""Residual networks by their depth."""

from __future__ import annotations

from typing import Any

from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from flywheel.standins.image_classification.pictures import Shape

_LARGE = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
    200: (Bottleneck, (3, 24, 36, 3)),
}
_SMALL_WIDTHS = (16, 32, 64)


def create(num_layers: int, shape: Shape, num_classes: int) -> Any:
    """The network of this depth, with random weights; its answers are logits."""
    if num_layers in _LARGE:
        block, units = _LARGE[num_layers]
        network = ResNet(block, list(units), num_classes=num_classes)
        if shape.channels != 3:
            network.conv1 = nn.Conv2d(shape.channels, 64, 7, stride=2, padding=3, bias=False)
    else:
        network = _small(num_layers, shape.channels, num_classes)
    return network


def _small(num_layers: int, channels: int, num_classes: int) -> Any:
    """For pictures of about 32 × 32 pixels: three stages of blocks with two layers each.

    Source: He et al., arXiv:1512.03385, section 4.2.
    """
    width = _SMALL_WIDTHS[0]
    layers: list[Any] = [
        nn.Conv2d(channels, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    ]
    for stage, planes in enumerate(_SMALL_WIDTHS):
        for unit in range((num_layers - 2) // 6):
            stride = 2 if stage and not unit else 1
            layers.append(_block(width, planes, stride))
            width = planes
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes)]
    network = nn.Sequential(*layers)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return network


def _block(width: int, planes: int, stride: int) -> Any:
    shortcut = None
    if stride != 1 or width != planes:
        shortcut = nn.Sequential(
            nn.Conv2d(width, planes, 1, stride=stride, bias=False), nn.BatchNorm2d(planes)
        )
    return BasicBlock(width, planes, stride, shortcut)
