"""Text classification: labels for sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import fasttext

from flywheel.standins import metrics
from flywheel.standins.blazingtext import fasttext_training
from flywheel.standins.blazingtext.text import labels_of, read_labelled, without_labels
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Job
from flywheel.standins.remarks import log

MODEL_FILE = "model.bin"


def train(job: Job) -> None:
    """Write model.bin, a model of fastText's."""
    lines = read_labelled(job.channels["train"])
    validation = job.channels.get("validation")
    held_out = read_labelled(validation) if validation else []
    if job.get("early_stopping"):
        if not held_out:
            raise RefusedError("early_stopping is True; it needs the channel validation")
        model = _train_until_no_better(job, lines, held_out)
    else:
        model = _train(job, lines, job.get("epochs"))
    model.save_model(str(job.model_dir / MODEL_FILE))
    if held_out:
        metrics.report("validation:accuracy", accuracy(model, held_out))


def accuracy(model: Any, lines: Sequence[str]) -> float:
    """The share of the labelled sentences whose most probable label is one of their own."""
    labelled = [line for line in lines if labels_of(line)]
    found, _ = model.predict([without_labels(line) for line in labelled], k=1)
    hits = sum(
        bool(labels) and labels[0] in labels_of(line)
        for labels, line in zip(found, labelled, strict=True)
    )
    return hits / len(labelled)


def _train(job: Job, lines: Sequence[str], epochs: int) -> Any:
    return fasttext_training.run(
        fasttext.train_supervised,
        lines,
        lr=job.get("learning_rate"),
        dim=job.get("vector_dim"),
        epoch=epochs,
        minCount=job.get("min_count"),
        wordNgrams=job.get("word_ngrams"),
        bucket=job.get("buckets") if job.get("word_ngrams") > 1 else 0,
    )


def _train_until_no_better(job: Job, lines: Sequence[str], held_out: Sequence[str]) -> Any:
    """The best of 1, 2, 3 … epochs; fastText cannot go on with a model, so each starts anew.

    Up to min_epochs nothing is judged; then it ends after `patience` epochs that are no better.
    """
    last = job.get("epochs")
    first = min(job.get("min_epochs"), last)
    best, best_accuracy, best_epoch = None, -1.0, first
    for epochs in range(first, last + 1):
        model = _train(job, lines, epochs)
        reached = accuracy(model, held_out)
        log(f"{epochs} epochs: validation accuracy {reached:.4f}")
        if reached > best_accuracy:
            best, best_accuracy, best_epoch = model, reached, epochs
        if epochs - best_epoch >= job.get("patience"):
            log(f"stopped early; the best had {best_epoch} epochs")
            break
    return best
