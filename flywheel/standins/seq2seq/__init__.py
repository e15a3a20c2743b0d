"""Stand-in for Sequence-to-Sequence on torch: encoder, decoder with attention, beam search.

Recurrent and convolutional networks, as Amazon SageMaker Developer Guide, "Sequence-to-Sequence
Hyperparameters", describes them after Sockeye, on which Amazon's container is built.
"""

from __future__ import annotations

from pathlib import Path

from flywheel.standins.contract import Predictor
from flywheel.standins.job import Job

LIBRARY = "torch"
MODEL_FILE = "model.best"
CONFIG_FILE = "config"


def train(job: Job) -> None:
    """Learn from the pairs, write the best network, its config and the vocabularies."""
    # torch is in the image's environment only; vocabularies, pairs and BLEU need none.
    from flywheel.standins.seq2seq import training  # noqa: PLC0415

    training.train(job)


def load(model_dir: Path) -> Predictor:
    """The network that `train` wrote."""
    from flywheel.standins.seq2seq import served  # noqa: PLC0415

    return served.load(model_dir)
