"""Learning from pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 - the name that torch code uses everywhere

from flywheel.standins import metrics
from flywheel.standins.job import Job
from flywheel.standins.object2vec import MODEL_FILE
from flywheel.standins.object2vec.network import PairNetwork, encoder_config
from flywheel.standins.object2vec.pairs import Pairs, read_pairs
from flywheel.standins.object2vec.pretrained import read_vectors
from flywheel.standins.object2vec.settings import encoder_settings
from flywheel.standins.remarks import log, log_without_effect
from flywheel.standins.torch_training import (
    EarlyStopping,
    batches,
    fit,
    prepare,
    save,
)

EVALUATION_ROWS = 512


def train(job: Job) -> None:
    """Learn until the loss falls no more; what is written is the network at its smallest loss."""
    random = prepare()
    log_without_effect(job, {"token_embedding_storage_type": "all vectors are dense"})
    if job.get("optimizer") == "adadelta":
        log_without_effect(job, {"learning_rate": "adadelta has none"})
    encoders = encoder_settings(job)
    num_classes = job.get("num_classes") if job.get("output_layer") == "softmax" else None
    sizes = (encoders[0].vocab_size, encoders[1].vocab_size)
    pairs = {
        name: read_pairs(job.channels[name], sizes, num_classes)
        for name in ("train", "validation", "test")
        if name in job.channels
    }
    network = PairNetwork(
        encoders=[encoder_config(each) for each in encoders],
        tied=job.get("tied_token_embedding_weight"),
        comparators=job.get("comparator_list"),
        mlp={
            "layers": job.get("mlp_layers"),
            "dim": job.get("mlp_dim"),
            "activation": job.get("mlp_activation"),
        },
        dropout=job.get("dropout"),
        num_classes=num_classes,
    )
    _use_vectors(job, network)
    _fit(job, network, pairs, random)
    for name in ("validation", "test"):
        if name in pairs:
            _report(name, evaluate(network, pairs[name]))
    save(job.model_dir / MODEL_FILE, network.config, network)


def evaluate(network: PairNetwork, pairs: Pairs) -> dict[str, float]:
    """Accuracy and cross entropy of classes, or the mean squared error of scores."""
    network.eval()
    with torch.inference_mode():
        parts = [
            network(*pairs.chosen(range(start, min(start + EVALUATION_ROWS, len(pairs)))).tokens)
            for start in range(0, len(pairs), EVALUATION_ROWS)
        ]
        outputs, labels = torch.cat(parts), torch.tensor(pairs.labels)
        if network.num_classes is None:
            return {
                "mean_squared_error": F.mse_loss(outputs[:, 0].double(), labels.double()).item()
            }
        return {
            "accuracy": (outputs.argmax(1) == labels).double().mean().item(),
            "cross_entropy": F.cross_entropy(outputs.double(), labels.long()).item(),
        }


def with_negatives(pairs: Pairs, batch: Pairs, rate: int, random: np.random.Generator) -> Pairs:
    """The batch, and for each positive pair in it `rate` negative ones: in1 of any other pair."""
    positives = [place for place, label in enumerate(batch.labels) if label > 0] * rate
    others = random.integers(0, len(pairs), len(positives))
    return Pairs(
        (
            batch.tokens[0] + [batch.tokens[0][place] for place in positives],
            batch.tokens[1] + [pairs.tokens[1][other] for other in others],
        ),
        batch.labels + [0.0] * len(positives),
    )


def _fit(
    job: Job, network: PairNetwork, pairs: dict[str, Pairs], random: np.random.Generator
) -> None:
    def train(learner: Any) -> float:
        return _epoch(job, network, learner, pairs["train"], random)

    def validate() -> float | None:
        if "validation" not in pairs:
            return None
        found = evaluate(network, pairs["validation"])
        _report("validation", found)
        return found.get("cross_entropy", found.get("mean_squared_error"))

    patience, tolerance = job.get("early_stopping_patience"), job.get("early_stopping_tolerance")
    stopping = EarlyStopping(patience, tolerance)
    fit(job, network, stopping, train=train, validate=validate, loss_name="loss")


def _epoch(
    job: Job, network: PairNetwork, learner: Any, pairs: Pairs, random: np.random.Generator
) -> float:
    network.train()
    losses = []
    for places in batches(
        pairs.lengths(), job.get("mini_batch_size"), job.get("bucket_width"), random
    ):
        batch = with_negatives(
            pairs, pairs.chosen(places), job.get("negative_sampling_rate"), random
        )
        outputs, labels = network(*batch.tokens), torch.tensor(batch.labels)
        loss = (
            F.mse_loss(outputs[:, 0], labels.float())
            if network.num_classes is None
            else F.cross_entropy(outputs, labels.long())
        )
        learner.zero_grad()
        loss.backward()
        learner.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def _report(channel: str, found: dict[str, float]) -> None:
    for name, value in found.items():
        metrics.report(f"{channel}:{name}", value)


def _use_vectors(job: Job, network: PairNetwork) -> None:
    """Begin with vectors of the auxiliary channel, where it has some."""
    for side, settings in enumerate(network.settings):
        vectors = read_vectors(job, settings)
        if not vectors:
            continue
        table = network.embeddings[side].weight
        with torch.no_grad():
            for token, vector in vectors.items():
                table[token] = torch.from_numpy(vector)
        table.requires_grad_(not settings.frozen)
        log(f"enc{side}: {len(vectors)} of {settings.vocab_size} tokens have a pretrained vector")
