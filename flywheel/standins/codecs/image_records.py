"""Images in MXNet's RecordIO, lists of images, and the pairs of an augmented manifest.

Source: MXNet, python/mxnet/recordio.py (IRHeader) and tools/im2rec.py (.lst).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from flywheel.standins.codecs.json_lines import read_text
from flywheel.standins.codecs.recordio import read_frames, write_frames
from flywheel.standins.contract import RefusedError

_HEADER = struct.Struct("<IfQQ")


@dataclass(frozen=True)
class ImageRecord:
    """One image with its labels; for detection they are a header and the boxes, as MXNet has it.

    Attributes:
        labels: one class, or several numbers.
        image: the file: JPEG or PNG.
        id: of the image.
    """

    labels: tuple[float, ...]
    image: bytes
    id: int = 0


@dataclass(frozen=True)
class ListedImage:
    """A line of a .lst file: index, labels and path, with tabs between them."""

    index: int
    labels: tuple[float, ...]
    path: str


def read_image_records(data: bytes) -> list[ImageRecord]:
    """All images of a .rec file.

    Raises:
        RefusedError: it is none.
    """
    return [_image(frame, number) for number, frame in enumerate(read_frames(data), start=1)]


def write_image_records(images: Iterable[ImageRecord]) -> bytes:
    """A .rec file. A single label stands in the header, several follow it."""
    return write_frames(map(_frame, images), cut=True)


def read_list(data: bytes) -> list[ListedImage]:
    """The lines of a .lst file.

    Raises:
        RefusedError: a line is not index, labels and path with tabs between them.
    """
    listed = []
    for number, line in enumerate(read_text(data).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            index, label, *more, path = (cell.strip() for cell in line.split("\t"))
            if not path:
                raise ValueError
            labels = (label, *more)
            listed.append(ListedImage(int(float(index)), tuple(map(float, labels)), path))
        except (ValueError, OverflowError):
            shown = line if len(line) <= 80 else f"{line[:79]}…"
            raise RefusedError(
                f"line {number} is {shown!r}; it must be index, label and path with tabs between"
            ) from None
    return listed


def read_groups(data: bytes, size: int) -> list[tuple[bytes, ...]]:
    """What a pipe gives for an augmented manifest: the attributes of a line, one frame each.

    Args:
        data: RecordIO frames.
        size: how many attributes a line has, 2 for image and annotation.

    Raises:
        RefusedError: the frames are no whole number of lines.
    """
    frames = read_frames(data)
    if len(frames) % size:
        raise RefusedError(f"there are {len(frames)} attributes; a line has {size}")
    return [tuple(frames[start : start + size]) for start in range(0, len(frames), size)]


def _image(frame: bytes, number: int) -> ImageRecord:
    if len(frame) < _HEADER.size:
        raise RefusedError(f"record {number} is shorter than the header of an image record")
    flag, label, identity, _ = _HEADER.unpack_from(frame)
    start = _HEADER.size + 4 * flag
    if not flag:
        return ImageRecord((label,), frame[start:], identity)
    if start > len(frame):
        raise RefusedError(f"record {number} has fewer bytes than its {flag} labels need")
    return ImageRecord(
        struct.unpack_from(f"<{flag}f", frame, _HEADER.size), frame[start:], identity
    )


def _frame(image: ImageRecord) -> bytes:
    if len(image.labels) == 1:
        return _HEADER.pack(0, image.labels[0], image.id, 0) + image.image
    labels = struct.pack(f"<{len(image.labels)}f", *image.labels)
    return _HEADER.pack(len(image.labels), 0.0, image.id, 0) + labels + image.image
