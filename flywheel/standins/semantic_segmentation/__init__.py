"""Stand-in for Semantic Segmentation: FCN, PSP and DeepLabV3 on ResNet-50 or ResNet-101.

The residual networks and the heads of FCN and DeepLabV3 are built from torchvision's parts. There
are no pretrained weights offline; where there are few pictures, the network has a quarter of its
channels.

Source: Amazon SageMaker Developer Guide, "Semantic Segmentation Algorithm".
"""

from __future__ import annotations

from pathlib import Path

from flywheel.standins.contract import Predictor
from flywheel.standins.job import Job

LIBRARY = "torchvision"


def train(job: Job) -> None:
    """Learn to name the class of each pixel."""
    # torch is in the image's environment only; reading the channels needs none.
    from flywheel.standins.semantic_segmentation import training  # noqa: PLC0415

    training.train(job)


def load(model_dir: Path) -> Predictor:
    """The model that `train` wrote."""
    from flywheel.standins.semantic_segmentation import serving  # noqa: PLC0415

    return serving.load(model_dir)
