"""Learning to tell observed pairs from negative samples, by gradient descent (Adam)."""

from __future__ import annotations

import time

import numpy as np
from scipy.sparse import csr_matrix

from flywheel.standins.ip_insights.events import Events
from flywheel.standins.ip_insights.network import Network
from flywheel.standins.ip_insights.sampling import Batch, with_negatives
from flywheel.standins.job import Job
from flywheel.standins.ranking import Array
from flywheel.standins.remarks import log

SEED = 0
DROPPED_PREFIXES = 0.1
"""The share of a pair's prefixes that is left out in training, as if it had not been seen."""


def fit(job: Job, events: Events) -> Network:
    """Learn from the events, mini batch by mini batch."""
    random = np.random.default_rng(SEED)
    network = Network.initial(
        events,
        num_entity_vectors=job.get("num_entity_vectors"),
        vector_dim=job.get("vector_dim"),
        num_layers=job.get("num_ip_encoder_layers"),
        random=random,
    )
    trainer = Trainer(network, job.get("learning_rate"), job.get("weight_decay"))
    size = job.get("mini_batch_size")
    num_batches, last_time = 0, time.perf_counter()
    interval = job.get("batch_metrics_publish_interval")
    for epoch in range(1, job.get("epochs") + 1):
        order = random.permutation(len(events))
        losses = []
        for start in range(0, len(events), size):
            chosen = order[start : start + size]
            batch = with_negatives(
                Events(events.entities[chosen], events.addresses[chosen]),
                num_random=job.get("random_negative_sampling_rate"),
                num_shuffled=job.get("shuffled_negative_sampling_rate"),
                random=random,
            )
            losses.append(trainer.step(batch, random))
            num_batches += 1
            if num_batches % interval == 0:
                now = time.perf_counter()
                speed = interval * size / (now - last_time)
                log(f"epoch {epoch}, batch {num_batches}: {speed:.0f} samples/second")
                last_time = now
        log(f"epoch {epoch}: cross entropy {np.mean(losses):.4f}")
    return network


class Adam:
    """Adaptive moments, with weight decay in the gradient; other rows than a batch's stay.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    """

    FIRST, SECOND = 0.9, 0.999

    def __init__(self, parameter: Array, learning_rate: float, weight_decay: float) -> None:
        self._parameter = parameter
        self._rate = learning_rate
        self._decay = weight_decay
        self._first = np.zeros_like(parameter)
        self._second = np.zeros_like(parameter)
        self._steps = 0

    def step(self, gradient: Array, rows: Array | slice = slice(None)) -> None:
        """Move these rows of the parameter, in place, along their gradient."""
        self._steps += 1
        total = gradient + self._decay * self._parameter[rows]
        first = self._first[rows] * self.FIRST + (1 - self.FIRST) * total
        second = self._second[rows] * self.SECOND + (1 - self.SECOND) * total * total
        self._first[rows], self._second[rows] = first, second
        mean = first / (1 - self.FIRST**self._steps)
        spread = np.sqrt(second / (1 - self.SECOND**self._steps)) + 1e-8
        self._parameter[rows] -= self._rate * mean / spread


class Trainer:
    """A network and the moments of its parameters."""

    def __init__(self, network: Network, learning_rate: float, weight_decay: float) -> None:
        self._network = network
        self._entities, self._prefixes, self._weights, self._biases = (
            Adam(parameter, learning_rate, weight_decay)
            for parameter in (network.entities, network.prefixes, network.weights, network.biases)
        )

    def step(self, batch: Batch, random: np.random.Generator) -> float:
        """One mini batch; returns its cross entropy before the step."""
        network = self._network
        entity_rows, entity_choice = _used(network.entity_choice(batch.entities))
        prefix_rows, prefix_choice = _used(network.prefix_choice(batch.addresses))
        prefix_choice.data *= random.random(len(prefix_choice.data)) >= DROPPED_PREFIXES
        entities = entity_choice @ network.entities[entity_rows]
        values = network.layers(prefix_choice @ network.prefixes[prefix_rows])
        scores = (entities * values[-1]).sum(1)
        by_score = ((_sigmoid(scores) - batch.labels) / len(scores))[:, None]
        self._entities.step(entity_choice.T @ (by_score * values[-1]), entity_rows)
        by_values = self._step_layers(values, by_score * entities)
        self._prefixes.step(prefix_choice.T @ by_values, prefix_rows)
        return float(np.mean(np.logaddexp(0, scores) - batch.labels * scores))

    def _step_layers(self, values: list[Array], by_values: Array) -> Array:
        """Returns the gradient of what goes into the first layer."""
        weights = self._network.weights
        by_weights, by_biases = np.empty_like(weights), np.empty_like(self._network.biases)
        for layer in reversed(range(len(weights))):
            added = values[layer + 1] - values[layer]
            by_sum = by_values * (1 - added * added)
            by_weights[layer] = values[layer].T @ by_sum
            by_biases[layer] = by_sum.sum(0)
            by_values = by_values + by_sum @ weights[layer].T
        self._weights.step(by_weights)
        self._biases.step(by_biases)
        return by_values


def _used(choice: csr_matrix) -> tuple[Array, csr_matrix]:
    """The columns that have an entry, and the matrix of these."""
    columns, places = np.unique(choice.indices, return_inverse=True)
    shape = (choice.shape[0], len(columns))
    return columns, csr_matrix((choice.data, places, choice.indptr), shape)


def _sigmoid(scores: Array) -> Array:
    probabilities: Array = 1 / (1 + np.exp(-np.clip(scores, -60, 60)))
    return probabilities
