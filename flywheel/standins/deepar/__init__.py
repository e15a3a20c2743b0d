"""Stand-in for DeepAR Forecasting, on the implementation of the same paper in GluonTS.

Source: Amazon SageMaker Developer Guide, "DeepAR Forecasting Algorithm"; Salinas et al.,
arXiv:1704.04110.
"""

from __future__ import annotations

from pathlib import Path

from flywheel.standins.contract import Predictor
from flywheel.standins.job import Job

LIBRARY = "GluonTS"


def train(job: Job) -> None:
    """Learn to continue time series."""
    # GluonTS is in the image's environment only; reading series needs none.
    from flywheel.standins.deepar import training  # noqa: PLC0415

    training.train(job)


def load(model_dir: Path) -> Predictor:
    """The model that `train` wrote."""
    from flywheel.standins.deepar import serving  # noqa: PLC0415

    return serving.load(model_dir)
