"""Pictures: read, cut, scaled and coloured; nothing that is sent makes more of itself."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from flywheel.standins.codecs import images
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError
from tests.standins.pictures import COLORS, colored, jpeg, png


def test_a_png_is_read_as_it_was_written() -> None:
    pixels = colored(0, 7, 5)
    assert np.array_equal(images.read_image(png(pixels)), pixels)


def test_a_jpeg_is_read_nearly_as_it_was_written() -> None:
    read = images.read_image(jpeg(np.full((8, 6, 3), 90, np.uint8)))
    assert read.shape == (8, 6, 3)
    assert np.abs(read.astype(int) - 90).max() <= 2


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1"])
def test_pictures_of_any_mode_have_three_channels(mode: str) -> None:
    body = io.BytesIO()
    Image.fromarray(colored(1)).convert(mode).save(body, "JPEG" if mode == "CMYK" else "PNG")
    assert images.read_image(body.getvalue()).shape == (32, 32, 3)


def test_a_picture_is_grey_where_one_channel_is_wanted() -> None:
    assert images.read_image(png(colored(1)), channels=1).shape == (32, 32, 1)


def test_what_is_no_picture_is_refused_by_its_name() -> None:
    gif = io.BytesIO()
    Image.fromarray(colored(0)).save(gif, "GIF")
    for data in (b"", b"hello", gif.getvalue(), png(colored(0))[:60], jpeg(colored(0))[:100]):
        with pytest.raises(RefusedError, match=r"cat\.png is no picture"):
            images.read_image(data, "cat.png")


def test_a_small_file_of_a_huge_picture_is_refused() -> None:
    body = io.BytesIO()
    Image.new("1", (8_000, 8_000)).save(body, "PNG")
    assert len(body.getvalue()) < 100_000
    with pytest.raises(RefusedError, match="8000 × 8000 pixels; it must have at most 50,000,000"):
        images.read_image(body.getvalue())


def test_a_file_that_claims_to_be_far_too_huge_is_refused() -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(header) - 4) + header
    bomb += struct.pack(">I", zlib.crc32(header))
    bomb += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    with pytest.raises(RefusedError, match="the body is no picture"):
        images.read_image(bomb)


@given(data=st.binary(max_size=80), cut=st.integers(0, 60))
def test_no_bytes_lead_to_another_error(data: bytes, cut: int) -> None:
    for start in (b"", png(colored(0, 4, 4))[:cut], jpeg(colored(0, 4, 4))[: 4 * cut]):
        for read in (images.read_image, images.read_mask):
            with contextlib.suppress(RefusedError):
                read(start + data, "it")


def test_a_mask_comes_back_as_it_was() -> None:
    mask: Array = np.arange(256, dtype=np.uint8).reshape(8, 32)
    assert np.array_equal(images.read_mask(images.write_mask(mask), "it"), mask)


def test_a_mask_with_a_palette_has_its_indices_not_its_colours() -> None:
    picture = Image.fromarray(np.array([[2, 0], [1, 2]], np.uint8), "P")
    picture.putpalette([200, 10, 10, 10, 200, 10, 10, 10, 200])
    body = io.BytesIO()
    picture.save(body, "PNG")
    assert images.read_mask(body.getvalue(), "it").tolist() == [[2, 0], [1, 2]]


@pytest.mark.parametrize("mask", [png(colored(0)), jpeg(colored(0)[..., 0])])
def test_a_mask_of_colours_or_with_losses_is_refused(mask: bytes) -> None:
    with pytest.raises(RefusedError, match=r"m\.png is a .*; a mask must be a PNG"):
        images.read_mask(mask, "m.png")


def test_the_shorter_side_is_scaled_and_the_shape_kept() -> None:
    assert images.resize_shorter(colored(0, 40, 20), 10).shape == (10, 20, 3)
    assert images.resize_shorter(colored(0, 20, 41), 10).shape[1] == 10


def test_a_resized_mask_has_no_new_numbers() -> None:
    mask = np.array([[0, 200], [7, 7]], np.uint8)
    assert set(images.resize_mask(mask, 9, 5).ravel()) == {0, 7, 200}


def test_a_crop_is_where_it_is_asked_for() -> None:
    pixels: Array = np.arange(60, dtype=np.uint8).reshape(5, 4, 3)
    assert np.array_equal(images.crop(pixels, 1, 2, 2, 3), pixels[2:5, 1:3])
    assert np.array_equal(images.crop_center(pixels, 2, 3), pixels[1:4, 1:3])


def test_a_distortion_of_nothing_changes_nothing_and_a_turn_does() -> None:
    pixels = colored(2)
    assert np.array_equal(images.distort(pixels, 0, 0, 1), pixels)
    turned = images.distort(pixels, 10, 0.1, 1.2)
    assert turned.shape == pixels.shape
    assert not turned[0, 0].any()  # a corner comes from outside
    assert images.distort(pixels[..., :1], 10, 0, 1).shape == (32, 32, 1)


def test_colours_change_as_asked_and_stay_where_nothing_is_asked() -> None:
    solid: list[Array] = [np.full((2, 2, 3), color, np.uint8) for color in COLORS]
    red, green, _ = solid
    assert np.abs(images.shift_colors(red, 0, 0, 0).astype(int) - red).max() <= 3
    shifted = images.shift_colors(red, 60, 0, 0)[0, 0]  # a third of the circle: green
    assert shifted.argmax() == green[0, 0].argmax()
    assert abs(int(shifted[0]) - int(shifted[2])) < 20
    assert images.shift_colors(red, 0, 0, 30).max() > red.max()
    assert images.shift_colors(red[..., :1], 90, 50, 30).max() == 250
