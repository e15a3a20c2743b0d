"""Stand-in for Object2Vec on torch: two encoders, a comparator and a perceptron on top.

Source: Amazon SageMaker Developer Guide, "How Object2Vec Works". The inner sizes of Amazon's
encoders are not public; `encoders.py` says what stands for them.
"""

from __future__ import annotations

from pathlib import Path

from flywheel.standins.contract import Predictor
from flywheel.standins.job import Job

LIBRARY = "torch"
MODEL_FILE = "model_algo-1"


def train(job: Job) -> None:
    """Learn from the pairs, write the network."""
    # torch is in the image's environment only; settings and pairs need none.
    from flywheel.standins.object2vec import training  # noqa: PLC0415

    training.train(job)


def load(model_dir: Path) -> Predictor:
    """The network that `train` wrote."""
    from flywheel.standins.object2vec import served  # noqa: PLC0415

    return served.load(model_dir / MODEL_FILE)
