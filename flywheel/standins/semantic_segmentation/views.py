"""How a picture and its mask become a square to train with."""

from __future__ import annotations

import numpy as np

from flywheel.standins.codecs import images
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError
from flywheel.standins.semantic_segmentation.masks import IGNORED

_SCALES = (0.5, 2.0)
_MULTIPLE = 8


def rounded_up(crop_size: int) -> int:
    """crop_size as a multiple of 8."""
    return -(-crop_size // _MULTIPLE) * _MULTIPLE


def read_pair(image: bytes, mask: Array, name: str) -> Array:
    """The pixels of the picture.

    Raises:
        RefusedError: it cannot be read, or the mask is not of its size.
    """
    pixels = images.read_image(image, name)
    if pixels.shape[:2] != mask.shape:
        raise RefusedError(
            f"{name} has {pixels.shape[1]} × {pixels.shape[0]} pixels, its mask {mask.shape[1]} × "
            f"{mask.shape[0]}; both must have as many"
        )
    return pixels


def random_view(
    pixels: Array, mask: Array, base_size: int, crop_size: int, random: np.random.Generator
) -> tuple[Array, Array]:
    """A random square of the picture, rescaled so that its long side is about base_size.

    What lies outside the picture is black and ignored.
    """
    scale = base_size * random.uniform(*_SCALES) / max(mask.shape)
    height, width = (max(round(side * scale), 1) for side in mask.shape)
    pixels, mask = images.resize(pixels, width, height), images.resize_mask(mask, width, height)
    if random.random() < 0.5:
        pixels, mask = images.flip(pixels), images.flip(mask)
    beyond = [(0, max(crop_size - side, 0)) for side in (height, width)]
    pixels = np.pad(pixels, [*beyond, (0, 0)])
    mask = np.pad(mask, beyond, constant_values=IGNORED)
    top = int(random.integers(0, mask.shape[0] - crop_size, endpoint=True))
    left = int(random.integers(0, mask.shape[1] - crop_size, endpoint=True))
    return (
        images.crop(pixels, left, top, crop_size, crop_size),
        images.crop(mask, left, top, crop_size, crop_size),
    )
