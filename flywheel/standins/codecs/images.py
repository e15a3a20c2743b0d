"""Pictures: what channels and requests hold, cut and scaled, and the masks that are answered.

Pixels are uint8, height × width × 3 (red, green, blue) or × 1 (grey); a mask is height × width, one
number a pixel.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError

MAX_PIXELS = 50_000_000
"""Of one picture: a small file can claim to be a huge one."""

_FORMATS = ("JPEG", "PNG")
_MARKS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_MODES = {1: "L", 3: "RGB"}
_MASK_MODES = ("1", "L", "P")


def is_image(data: bytes) -> bool:
    """Whether the bytes begin as a JPEG or PNG file does."""
    return data.startswith(_MARKS)


def read_image(data: bytes, name: str = "the body", *, channels: int = 3) -> Array:
    """The pixels of a JPEG or PNG file.

    Args:
        data: the file.
        name: what it is called in the error.
        channels: 3 for colours, 1 for grey.

    Raises:
        RefusedError: it cannot be read, or has more than MAX_PIXELS pixels.
    """
    picture = _opened(data, name)
    pixels = np.asarray(picture.convert(_MODES[channels]))
    return pixels.reshape(*pixels.shape[:2], channels)


def read_mask(data: bytes, name: str) -> Array:
    """The numbers of a PNG file with one number a pixel; the colours of a palette do not matter.

    Raises:
        RefusedError: it is no such file.
    """
    picture = _opened(data, name)
    if picture.format != "PNG" or picture.mode not in _MASK_MODES:
        raise RefusedError(
            f"{name} is a {picture.format} of mode {picture.mode}; a mask must be a PNG with one "
            "channel of 8 bits: grey, or a palette"
        )
    return np.asarray(picture).astype(np.uint8)


def write_mask(mask: Array) -> bytes:
    """A mask as a grey PNG file."""
    body = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8)).save(body, "PNG")
    return body.getvalue()


def resize(pixels: Array, width: int, height: int) -> Array:
    """The picture in another size; its shape is not kept."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return _array(_picture(pixels).resize((width, height), Image.Resampling.BILINEAR), pixels)


def resize_mask(mask: Array, width: int, height: int) -> Array:
    """The mask in another size; every number is one that it had before."""
    resized = Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(resized)


def resize_shorter(pixels: Array, size: int) -> Array:
    """The picture with a shorter side of this size, in its shape."""
    height, width = pixels.shape[:2]
    scale = size / min(height, width)
    return resize(pixels, max(size, round(width * scale)), max(size, round(height * scale)))


def crop(pixels: Array, left: int, top: int, width: int, height: int) -> Array:
    """A part of the picture or mask."""
    return pixels[top : top + height, left : left + width]


def crop_center(pixels: Array, width: int, height: int) -> Array:
    """The middle of the picture."""
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return crop(pixels, left, top, width, height)


def flip(pixels: Array) -> Array:
    """The picture or mask as a mirror shows it."""
    return pixels[:, ::-1]


def shift_colors(pixels: Array, hue: float, saturation: float, brightness: float) -> Array:
    """The picture in other colours.

    Args:
        pixels: grey ones change in brightness only.
        hue: to add, of 180 for the whole circle.
        saturation: to add, of 255.
        brightness: to add, of 255.
    """
    if pixels.shape[2] == 1:
        return np.clip(pixels + brightness, 0, 255).astype(np.uint8)
    values = np.asarray(Image.fromarray(pixels).convert("HSV")).astype(np.float32)
    values[..., 0] = (values[..., 0] + hue * 256 / 180) % 256
    values[..., 1:] = np.clip(values[..., 1:] + (saturation, brightness), 0, 255)
    return np.asarray(Image.fromarray(values.astype(np.uint8), "HSV").convert("RGB"))


def distort(pixels: Array, degrees: float, shear: float, aspect: float) -> Array:
    """The picture turned, sheared and stretched around its centre; what was outside is black.

    Args:
        pixels: of the picture.
        degrees: to turn.
        shear: how far a row moves sideways, as a share of its distance from the centre.
        aspect: how much wider it becomes, as a factor.
    """
    height, width = pixels.shape[:2]
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[1.0, shear], [0.0, 1.0]]) @ np.diag([1 / aspect, 1.0])
    center = np.array([width / 2, height / 2])
    offset = center - matrix @ center
    coefficients = (*matrix[0], offset[0], *matrix[1], offset[1])
    distorted = _picture(pixels).transform(
        (width, height), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR
    )
    return _array(distorted, pixels)


def _opened(data: bytes, name: str) -> Any:
    """The picture, read to its end."""
    try:
        picture = Image.open(io.BytesIO(data), formats=_FORMATS)
        width, height = picture.size
        if width * height > MAX_PIXELS:
            raise RefusedError(
                f"{name} has {width} × {height} pixels; it must have at most {MAX_PIXELS:,}"
            )
        picture.load()
    # A broken file ends in whatever its decoder meets first.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise RefusedError(
            f"{name} is no picture that can be read; it must be a JPEG or PNG file"
        ) from error
    return picture


def _picture(pixels: Array) -> Any:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _array(picture: Any, like: Array) -> Array:
    pixels = np.asarray(picture)
    return pixels.reshape(*pixels.shape[:2], like.shape[2])
