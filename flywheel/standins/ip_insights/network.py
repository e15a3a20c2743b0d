"""The vectors of entities and of the prefixes of addresses, and the layers on top of these.

An address is the sum of the vectors of its prefixes, so that one that was never seen is near its
neighbours; the fully connected layers follow, each adding to what comes in. Only entities and
prefixes of the training data have a vector; the others' is zero, and an unknown entity's score too.
A prefix that was seen once tells of no neighbour and has none either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from flywheel.standins.ip_insights.events import Events
from flywheel.standins.ranking import Array

PREFIX_LENGTHS = (4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 28, 32)
MIN_SEEN = 2


@dataclass
class Network:
    """What is learned.

    Attributes:
        num_entity_vectors: what the entities' hashes are taken modulo of.
        entity_keys, prefix_keys: which vectors there are, sorted.
        entities, prefixes: the vectors; one more row of each is zero and belongs to all others.
        weights, biases: of the layers, layers × d × d and layers × d.
    """

    num_entity_vectors: int
    entity_keys: Array
    prefix_keys: Array
    entities: Array
    prefixes: Array
    weights: Array
    biases: Array

    @classmethod
    def initial(
        cls,
        events: Events,
        *,
        num_entity_vectors: int,
        vector_dim: int,
        num_layers: int,
        random: np.random.Generator,
    ) -> Network:
        """A network for these events, before it has learned anything."""
        entity_keys = np.unique(events.entities.astype(np.int64) % num_entity_vectors)
        keys, counts = np.unique(_prefix_keys(events.addresses), return_counts=True)
        prefix_keys = keys[counts >= MIN_SEEN]
        scale = 1 / np.sqrt(vector_dim)

        def drawn(*shape: int) -> Array:
            values: Array = random.normal(0, scale, shape).astype(np.float32)
            return values

        return cls(
            num_entity_vectors,
            entity_keys,
            prefix_keys,
            drawn(len(entity_keys), vector_dim),
            drawn(len(prefix_keys), vector_dim) / len(PREFIX_LENGTHS),
            drawn(num_layers, vector_dim, vector_dim) / 10,
            np.zeros((num_layers, vector_dim), np.float32),
        )

    def entity_choice(self, entities: Array) -> csr_matrix:
        """n × vectors with a 1 at each entity's own, if it has one."""
        keys: Array = entities.astype(np.int64) % self.num_entity_vectors
        return _choice(keys[:, None], self.entity_keys)

    def prefix_choice(self, addresses: Array) -> csr_matrix:
        """n × vectors with a 1 at each prefix of the address that has one."""
        return _choice(_prefix_keys(addresses), self.prefix_keys)

    def encode_entities(self, entities: Array) -> Array:
        """Their vectors, n × d."""
        vectors: Array = self.entity_choice(entities) @ self.entities
        return vectors

    def encode_addresses(self, addresses: Array) -> Array:
        """Their vectors, n × d."""
        return self.layers(self.prefix_choice(addresses) @ self.prefixes)[-1]

    def layers(self, inputs: Array) -> list[Array]:
        """What goes into each layer, and what comes out of the last one."""
        values = [inputs]
        for weight, bias in zip(self.weights, self.biases, strict=True):
            values.append(values[-1] + np.tanh(values[-1] @ weight + bias))
        return values

    def score(self, entities: Array, addresses: Array) -> Array:
        """The dot products of the vectors."""
        pairs = self.encode_entities(entities) * self.encode_addresses(addresses)
        scores: Array = pairs.sum(1)
        return scores

    def arrays(self) -> dict[str, Array]:
        """All of it, for a file."""
        return {name: np.asarray(getattr(self, name)) for name in self.names()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Network:
        """What `arrays` gave."""
        vectors = {name: array for name, array in arrays.items() if name != "num_entity_vectors"}
        return cls(num_entity_vectors=int(arrays["num_entity_vectors"]), **vectors)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names of the arrays."""
        return tuple(cls.__dataclass_fields__)


def _prefix_keys(addresses: Array) -> Array:
    """n × lengths: the prefix, and its length above it."""
    lengths = np.array(PREFIX_LENGTHS, np.int64)
    keys: Array = (addresses.astype(np.int64)[:, None] >> (32 - lengths)) | lengths << 32
    return keys


def _choice(keys: Array, known: Array) -> csr_matrix:
    places: Array = np.asarray(np.searchsorted(known, keys))
    places[places == len(known)] = 0
    found = known[places] == keys if len(known) else np.zeros(keys.shape, bool)
    starts = np.concatenate([[0], np.cumsum(found.sum(1))])
    columns = places[found]
    ones: Array = np.ones(len(columns), np.float32)
    return csr_matrix((ones, columns, starts), (len(keys), len(known)))
