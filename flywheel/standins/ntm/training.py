"""Learning the topics of a channel's documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix

from flywheel.standins import metrics
from flywheel.standins.codecs.matrix import read_channel
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Job
from flywheel.standins.ntm import MODEL_FILE
from flywheel.standins.ntm.network import TopicModel
from flywheel.standins.ntm.topics import described, read_vocabulary
from flywheel.standins.remarks import log, log_without_effect
from flywheel.standins.torch_training import (
    EarlyStopping,
    fit,
    limit_gradients,
    prepare,
    save,
)

TOP_WORDS = 10
EVALUATION_ROWS = 1000


def train(job: Job) -> None:
    """Learn until the loss falls no more; what is written is the network at its smallest loss."""
    random = prepare()
    counts = {
        name: _read(job, name) for name in ("train", "validation", "test") if name in job.channels
    }
    vocabulary = (
        read_vocabulary(job.channels["auxiliary"], job.get("feature_dim"))
        if "auxiliary" in job.channels
        else None
    )
    if job.get("optimizer") == "adadelta":
        log_without_effect(job, {"learning_rate": "adadelta has none"})
    model = TopicModel(
        feature_dim=job.get("feature_dim"),
        num_topics=job.get("num_topics"),
        layers=_layers(job),
        activation=job.get("encoder_layers_activation"),
        batch_norm=job.get("batch_norm"),
    )
    _fit(job, model, counts, random)
    model.eval()
    for line in described(model.top_words(TOP_WORDS), vocabulary):
        log(line)
    if vocabulary:
        log("no WETC score: it needs word vectors that Amazon's container has")
    for name in ("validation", "test"):
        if name in counts:
            metrics.report(f"{name}:total_loss", evaluate(model, counts[name]))
    save(job.model_dir / MODEL_FILE, model.config, model)


def evaluate(model: TopicModel, counts: csr_matrix) -> float:
    """The mean total loss, with each document's most likely topics."""
    model.eval()
    with torch.inference_mode():
        parts = [
            model.losses(_tensor(counts[start : start + EVALUATION_ROWS]))
            for start in range(0, counts.shape[0], EVALUATION_ROWS)
        ]
    return float(torch.cat(parts).mean())


def _fit(
    job: Job, model: TopicModel, counts: dict[str, csr_matrix], random: np.random.Generator
) -> None:
    def train(learner: Any) -> float:
        return _epoch(job, model, learner, counts["train"], random)

    def validate() -> float | None:
        if "validation" not in counts:
            return None
        loss = evaluate(model, counts["validation"])
        metrics.report("validation:total_loss", loss)
        return loss

    stopping = EarlyStopping(job.get("num_patience_epochs"), job.get("tolerance"))
    fit(job, model, stopping, train=train, validate=validate, loss_name="total_loss")


def _epoch(
    job: Job, model: TopicModel, learner: Any, counts: csr_matrix, random: np.random.Generator
) -> float:
    model.train()
    size = job.get("mini_batch_size")
    order = random.permutation(counts.shape[0])
    order = order[: max(1, round(job.get("sub_sample") * len(order)))]
    total = 0.0
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        if job.get("batch_norm") and len(chosen) == 1 and start:
            continue  # a batch of one has no variance
        losses = model.losses(_tensor(counts[chosen]))
        learner.zero_grad()
        losses.mean().backward()
        limit_gradients(model.parameters(), rescale=job.get("rescale_gradient"), clip=_clip(job))
        learner.step()
        total += losses.detach().sum().item()
    return total / len(order)


def _read(job: Job, name: str) -> csr_matrix:
    matrix = csr_matrix(
        read_channel(job.channels[name], feature_dim=job.get("feature_dim")).features
    )
    matrix.resize(matrix.shape[0], job.get("feature_dim"))
    if matrix.nnz and matrix.data.min() < 0:
        raise RefusedError(f"channel {name} has a negative count; counts must be at least 0")
    return matrix


def _tensor(counts: csr_matrix) -> torch.Tensor:
    return torch.from_numpy(counts.toarray())


def _layers(job: Job) -> Sequence[int]:
    layers = job.get("encoder_layers")
    if layers == "auto":
        return (3 * job.get("num_topics"), 2 * job.get("num_topics"))
    return list(layers)


def _clip(job: Job) -> float | None:
    clip = job.get("clip_gradient")
    return None if clip == "Infinity" else float(clip)
