"""Stand-in for Image Classification: torchvision's residual networks, trained from random weights.

The depths 20, 32, 44, 56 and 110 are the networks for small pictures of the ResNet paper, 18 to 200
those for large ones.

Source: Amazon SageMaker Developer Guide, "Image Classification"; He et al., arXiv:1512.03385.
"""

from __future__ import annotations

from pathlib import Path

from flywheel.standins.contract import Predictor
from flywheel.standins.job import Job

LIBRARY = "torchvision"


def train(job: Job) -> None:
    """Learn to name the class of a picture, or its classes."""
    # torch is in the image's environment only; reading the channels needs none.
    from flywheel.standins.image_classification import training  # noqa: PLC0415

    training.train(job)


def load(model_dir: Path) -> Predictor:
    """The model that `train` wrote."""
    from flywheel.standins.image_classification import serving  # noqa: PLC0415

    return serving.load(model_dir)
