"""How a picture becomes what the network sees, in training, in validation and in a request."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flywheel.standins.codecs import images
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError

MAX_HUE, MAX_SATURATION, MAX_BRIGHTNESS = 36, 50, 50
MAX_DEGREES, MAX_SHEAR, MAX_ASPECT = 10, 0.1, 0.25
"""Source: Amazon SageMaker Developer Guide, "Image Classification Hyperparameters",
augmentation_type; brightness stands in the place of lightness."""


@dataclass(frozen=True)
class Shape:
    """Channels, height and width, as image_shape has them."""

    channels: int
    height: int
    width: int

    @staticmethod
    def parse(text: str) -> Shape:
        """`3,224,224` as a shape.

        Raises:
            RefusedError: there are neither one nor three channels, or there is no pixel.
        """
        channels, height, width = (int(part) for part in text.split(","))
        if channels not in (1, 3) or not height or not width:
            raise RefusedError(
                f"image_shape is {text}; it must be channels, height and width, with 1 or 3 "
                "channels and at least one pixel"
            )
        return Shape(channels, height, width)


@dataclass(frozen=True)
class Preparation:
    """What happens to a training or validation picture.

    Attributes:
        shape: of the result.
        resize: the shorter side before anything is cut off; None: as it is.
        augmentation: augmentation_type.
    """

    shape: Shape
    resize: int | None = None
    augmentation: str | None = None

    def for_training(self, image: bytes, name: str, random: np.random.Generator) -> Array:
        """One view of the picture, another one each time where there is an augmentation.

        Raises:
            RefusedError: it cannot be read, or is too small.
        """
        pixels = self._read(image, name)
        if self.augmentation is None:
            return images.crop_center(pixels, self.shape.width, self.shape.height)
        if self.augmentation == "crop_color_transform":
            pixels = images.distort(
                pixels,
                random.uniform(-MAX_DEGREES, MAX_DEGREES),
                random.uniform(-MAX_SHEAR, MAX_SHEAR),
                1 + random.uniform(-MAX_ASPECT, MAX_ASPECT),
            )
        pixels = self._random_crop(pixels, random)
        if self.augmentation != "crop":
            pixels = images.shift_colors(
                np.ascontiguousarray(pixels),
                random.uniform(-MAX_HUE, MAX_HUE),
                random.uniform(-MAX_SATURATION, MAX_SATURATION),
                random.uniform(-MAX_BRIGHTNESS, MAX_BRIGHTNESS),
            )
        return images.flip(pixels) if random.random() < 0.5 else pixels

    def for_validation(self, image: bytes, name: str) -> Array:
        """The middle of the picture.

        Raises:
            RefusedError: it cannot be read, or is too small.
        """
        return images.crop_center(self._read(image, name), self.shape.width, self.shape.height)

    def for_request(self, image: bytes) -> Array:
        """The whole picture in the network's size; its own shape is not kept.

        Raises:
            RefusedError: it cannot be read.
        """
        pixels = images.read_image(image, channels=self.shape.channels)
        return images.resize(pixels, self.shape.width, self.shape.height)

    def _read(self, image: bytes, name: str) -> Array:
        pixels = images.read_image(image, name, channels=self.shape.channels)
        if self.resize is not None:
            pixels = images.resize_shorter(pixels, self.resize)
        height, width = pixels.shape[:2]
        if height < self.shape.height or width < self.shape.width:
            raise RefusedError(
                f"{name} has {width} × {height} pixels, fewer than image_shape wants "
                f"({self.shape.width} × {self.shape.height}); give a larger resize or a smaller "
                "image_shape"
            )
        return pixels

    def _random_crop(self, pixels: Array, random: np.random.Generator) -> Array:
        top = random.integers(0, pixels.shape[0] - self.shape.height, endpoint=True)
        left = random.integers(0, pixels.shape[1] - self.shape.width, endpoint=True)
        return images.crop(pixels, int(left), int(top), self.shape.width, self.shape.height)


def scaled(pictures: list[Array]) -> Array:
    """Pictures as the network takes them: n × channels × height × width, around 0."""
    stacked = np.stack(pictures).transpose(0, 3, 1, 2)
    return (stacked.astype(np.float32) - 127.5) / 64
