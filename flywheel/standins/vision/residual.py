"""The stages of a residual network with bottlenecks, at any width, as features for other networks.

At the width 64 they are those of torchvision's resnet50 and resnet101.
"""

from __future__ import annotations

from typing import Any

from torch import nn
from torchvision.models.resnet import Bottleneck

NUM_UNITS = {"resnet-50": (3, 4, 6, 3), "resnet-101": (3, 4, 23, 3)}
WHOLE_WIDTH = 64


class ResidualFeatures(nn.Module):  # type: ignore[misc]
    """Turns pictures, n × 3 × h × w, into the outputs of the four stages.

    Attributes:
        out_channels: of each stage.
    """

    def __init__(self, name: str, width: int, *, num_dilated: int = 0) -> None:
        """Random weights.

        Args:
            name: resnet-50 or resnet-101.
            width: channels of the first layer, 64 in the whole network.
            num_dilated: how many stages, from the last one, keep the size and see further instead.
        """
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.stages = nn.ModuleList()
        self.out_channels: list[int] = []
        channels, dilation = width, 1
        for stage, num_units in enumerate(NUM_UNITS[name]):
            planes = width << stage
            stride = 1 if stage == 0 else 2
            if stage >= len(NUM_UNITS[name]) - num_dilated:
                stride, dilation = 1, dilation * 2
            units = [_unit(channels, planes, stride, dilation)]
            channels = planes * Bottleneck.expansion
            units += [_unit(channels, planes, 1, dilation) for _ in range(num_units - 1)]
            self.stages.append(nn.Sequential(*units))
            self.out_channels.append(channels)

    def forward(self, pictures: Any) -> list[Any]:
        """The outputs of the stages, each n × out_channels × h′ × w′."""
        outputs, current = [], self.stem(pictures)
        for stage in self.stages:
            current = stage(current)
            outputs.append(current)
        return outputs

    @staticmethod
    def layer_name(parameter: str) -> str:
        """The name of a parameter's layer in MXNet's resnet-50: stage1_unit1_conv1_weight."""
        place, *rest = parameter.split(".")
        kind = rest[-1]
        if place == "stem":
            return f"{'conv0' if rest[0] == '0' else 'bn0'}_{kind}"
        unit = f"stage{int(rest[0]) + 1}_unit{int(rest[1]) + 1}"
        layer = "sc" if rest[2] == "downsample" else rest[2]
        return f"{unit}_{layer}_{kind}"


def _unit(channels: int, planes: int, stride: int, dilation: int) -> Any:
    out = planes * Bottleneck.expansion
    shortcut = None
    if stride != 1 or channels != out:
        shortcut = nn.Sequential(
            nn.Conv2d(channels, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out)
        )
    return Bottleneck(channels, planes, stride, shortcut, dilation=dilation)
