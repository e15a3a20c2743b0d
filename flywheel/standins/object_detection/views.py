"""How a picture becomes what the network sees: flipped, cut out and in other light to train."""

from __future__ import annotations

import numpy as np

from flywheel.standins.codecs import images
from flywheel.standins.codecs.wire import Array

MIN_SHARE = 0.6
"""Of the picture's width and height that a view has."""
MAX_LIGHT = 32
"""Of 255, that a view is lighter or darker."""


def square(image: bytes, name: str, size: int) -> Array:
    """The picture in the network's size.

    Raises:
        RefusedError: it cannot be read.
    """
    return images.resize(images.read_image(image, name), size, size)


def random_view(
    image: bytes, name: str, objects: Array, size: int, random: np.random.Generator
) -> tuple[Array, Array]:
    """A view in the network's size, and the objects whose centre is in it.

    Raises:
        RefusedError: the picture cannot be read.
    """
    pixels = images.read_image(image, name)
    if random.random() < 0.5:
        pixels, objects = images.flip(pixels), _flipped(objects)
    if random.random() < 0.5:
        pixels, objects = _cut(pixels, objects, random)
    light = random.uniform(-MAX_LIGHT, MAX_LIGHT)
    lit = np.clip(pixels + np.float32(light), 0, 255).astype(np.uint8)
    return images.resize(lit, size, size), objects


def _flipped(objects: Array) -> Array:
    flipped = objects.copy()
    flipped[:, 1], flipped[:, 3] = 1 - objects[:, 3], 1 - objects[:, 1]
    return flipped


def _cut(pixels: Array, objects: Array, random: np.random.Generator) -> tuple[Array, Array]:
    """A part of the picture; the whole one where no object would be left."""
    height, width = pixels.shape[:2]
    part = np.maximum(random.uniform(MIN_SHARE, 1, 2) * (width, height), 1).astype(int)
    left, top = (int(random.integers(0, limit, endpoint=True)) for limit in (width, height) - part)
    scale = np.array([width, height, width, height]) / np.tile(part, 2)
    offset = np.array([left, top, left, top]) / np.tile(part, 2)
    cut = objects.copy()
    cut[:, 1:] = objects[:, 1:] * scale - offset
    centers = (cut[:, 1:3] + cut[:, 3:5]) / 2
    cut = cut[((centers > 0) & (centers < 1)).all(axis=1)]
    if len(objects) and not len(cut):
        return pixels, objects
    cut[:, 1:] = np.clip(cut[:, 1:], 0, 1)
    return images.crop(pixels, left, top, int(part[0]), int(part[1])), cut
