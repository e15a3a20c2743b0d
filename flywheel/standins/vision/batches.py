"""Which examples are in which batch."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from flywheel.standins.codecs.wire import Array


def num_batches(num_examples: int, size: int) -> int:
    """Of one pass over the examples."""
    return math.ceil(num_examples / _size(num_examples, size))


def shuffled(num_examples: int, size: int, random: np.random.Generator) -> Iterator[Array]:
    """The indices of one pass, batch by batch, in random order.

    The last batch is filled up from the beginning, as MXNet's iterators do: batch normalisation
    has nothing to normalise over in a batch of one.
    """
    order = random.permutation(num_examples)
    total = num_batches(num_examples, size) * _size(num_examples, size)
    return iter(np.resize(order, total).reshape(-1, _size(num_examples, size)))


def _size(num_examples: int, size: int) -> int:
    return max(min(size, num_examples), 2)
