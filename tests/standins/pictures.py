"""Small pictures for the tests of the algorithms for images, and real ones from the samples."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

import numpy as np
from PIL import Image

from flywheel.samples.kept import raw_objects
from flywheel.standins.codecs.image_records import ImageRecord, write_image_records
from flywheel.standins.codecs.recordio import write_frames
from flywheel.standins.codecs.wire import Array

COLORS = ((220, 40, 40), (40, 200, 60), (50, 60, 210))
MONTHS = ("2013-01", "2013-02", "2013-03")


def png(pixels: Array, mode: str | None = None) -> bytes:
    """Pixels as a PNG file."""
    return _file(pixels, "PNG", mode)


def jpeg(pixels: Array) -> bytes:
    """Pixels as a JPEG file, nearly the same ones."""
    return _file(pixels, "JPEG")


def colored(kind: int, width: int = 32, height: int = 32) -> Array:
    """A picture in the colour of its class, with a little noise."""
    noise = np.random.default_rng(kind).integers(-20, 20, (height, width, 3))
    pixels: Array = np.clip(np.array(COLORS[kind]) + noise, 0, 255).astype(np.uint8)
    return pixels


def record(labels: Sequence[float], image: bytes) -> ImageRecord:
    """A picture with its labels."""
    return ImageRecord(tuple(map(float, labels)), image)


def rec_file(records: Sequence[ImageRecord]) -> bytes:
    """A .rec file."""
    return write_image_records(records)


def manifest_stream(pairs: Sequence[tuple[bytes, bytes]]) -> bytes:
    """What a pipe gives for the lines of an augmented manifest."""
    return write_frames(attribute for pair in pairs for attribute in pair)


def sample(key: str, month: str) -> dict[str, bytes]:
    """The files of a month of a sample's pictures, by name."""
    prefix = f"images/month={month}/"
    return {
        item.key.removeprefix(prefix): item.body
        for item in raw_objects(key)
        if item.key.startswith(prefix)
    }


def digits(month: str) -> list[tuple[int, bytes]]:
    """Handwritten digits, class and PNG."""
    files = sample("image_classification", month)
    rows = csv.DictReader(io.StringIO(files["labels.csv"].decode()))
    return [(int(row["digit"]), files[row["file"]]) for row in rows]


def coins(month: str) -> list[tuple[list[list[int]], bytes]]:
    """Photographs of coins with their boxes in pixels (left, top, right, bottom)."""
    files = sample("object_detection", month)
    lines = map(json.loads, files["boxes.jsonl"].decode().splitlines())
    return [(line["boxes"], files[line["file"]]) for line in lines]


def _file(pixels: Array, kind: str, mode: str | None = None) -> bytes:
    body = io.BytesIO()
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(body, kind)
    return body.getvalue()
