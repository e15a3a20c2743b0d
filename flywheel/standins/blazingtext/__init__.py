"""Stand-in for BlazingText, both of its rows, on fastText, whose model files it shares.

Modes `skipgram`, `cbow` and `batch_skipgram` learn vectors of words, `supervised` learns to label
sentences.

Source: Amazon SageMaker Developer Guide, "BlazingText algorithm": binaries of BlazingText and
fastText are interchangeable.
"""

from __future__ import annotations

from pathlib import Path

from flywheel.standins.contract import Predictor
from flywheel.standins.job import Job

LIBRARY = "fastText"


def train(job: Job) -> None:
    """Learn word vectors, or a text classifier, as the mode says."""
    # fastText is in the image's environment only; reading text and requests needs none.
    from flywheel.standins.blazingtext import sentences, words  # noqa: PLC0415

    if job.get("mode") == "supervised":
        sentences.train(job)
    else:
        words.train(job)


def load(model_dir: Path) -> Predictor:
    """The model of either row, or one that fastText itself wrote."""
    from flywheel.standins.blazingtext import served  # noqa: PLC0415

    return served.load(model_dir)
