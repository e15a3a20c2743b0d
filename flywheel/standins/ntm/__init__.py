"""Stand-in for the Neural Topic Model on torch: a variational autoencoder of word counts.

Source: Miao, Yu and Blunsom, "Neural variational inference for text processing", ICML 2016, which
Amazon SageMaker Developer Guide, "Neural Topic Model (NTM) Algorithm", names.
"""

from __future__ import annotations

from pathlib import Path

from flywheel.standins.contract import Predictor
from flywheel.standins.job import Job

LIBRARY = "torch"
MODEL_FILE = "model_algo-1"


def train(job: Job) -> None:
    """Learn the topics, say their top words, write the network."""
    # torch is in the image's environment only; the vocabulary and the topics' words need none.
    from flywheel.standins.ntm import training  # noqa: PLC0415

    training.train(job)


def load(model_dir: Path) -> Predictor:
    """The network that `train` wrote."""
    from flywheel.standins.ntm import served  # noqa: PLC0415

    return served.load(model_dir / MODEL_FILE)
