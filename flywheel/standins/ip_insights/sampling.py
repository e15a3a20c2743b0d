"""Negative samples: pairs that were not observed.

Source: Amazon SageMaker Developer Guide, "IP Insights Hyperparameters"; AWS's example notebook: the
octets of a random address are uniform, shuffled samples permute the entities of a mini batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flywheel.standins.ip_insights.events import Events
from flywheel.standins.ranking import Array


@dataclass(frozen=True)
class Batch:
    """Observed pairs, labelled 1, and negative samples, labelled 0."""

    entities: Array
    addresses: Array
    labels: Array


def with_negatives(
    events: Events, *, num_random: int, num_shuffled: int, random: np.random.Generator
) -> Batch:
    """The events, and so many negative samples of either kind for each."""
    size = len(events)
    entities = [events.entities]
    addresses = [events.addresses]
    for _ in range(num_random):
        entities.append(events.entities)
        addresses.append(random_addresses(size, random))
    for _ in range(num_shuffled):
        entities.append(random.permutation(events.entities))
        addresses.append(events.addresses)
    labels: Array = np.zeros(size * len(entities), np.float32)
    labels[:size] = 1
    return Batch(np.concatenate(entities), np.concatenate(addresses), labels)


def random_addresses(number: int, random: np.random.Generator) -> Array:
    """Any IPv4 addresses."""
    drawn: Array = random.integers(0, 1 << 32, number, np.uint32)
    return drawn
