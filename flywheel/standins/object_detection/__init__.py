"""Stand-in for Object Detection: torchvision's single shot detector on VGG-16 or ResNet-50.

There are no pretrained weights offline, so the base networks have batch normalisation, with which
they learn from random weights, and an eighth of their channels where there are few pictures.

Source: Amazon SageMaker Developer Guide, "Object Detection"; Liu et al., arXiv:1512.02325.
"""

from __future__ import annotations

from pathlib import Path

from flywheel.standins.contract import Predictor
from flywheel.standins.job import Job

LIBRARY = "torchvision"


def train(job: Job) -> None:
    """Learn to find objects and name their classes."""
    # torch is in the image's environment only; reading the channels needs none.
    from flywheel.standins.object_detection import training  # noqa: PLC0415

    training.train(job)


def load(model_dir: Path) -> Predictor:
    """The model that `train` wrote."""
    from flywheel.standins.object_detection import serving  # noqa: PLC0415

    return serving.load(model_dir)
