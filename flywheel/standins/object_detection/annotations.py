"""The objects of a picture, in every form that the algorithm reads them in.

An object is a row of five numbers: class, left, top, right and bottom, as shares of the picture's
width and height.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flywheel.standins.codecs.image_records import ImageRecord
from flywheel.standins.codecs.matrix import data_files
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Channel, Job
from flywheel.standins.vision.examples import (
    Example,
    Readers,
    channel_beside,
    read_examples,
    read_json_label,
)

OBJECT_WIDTH = 5
HEADER_WIDTH = 2
_SIDES = ("left", "top", "width", "height")
_FORM = '{"image_size": [{"width": …, "height": …, "depth": 3}], "annotations": [{"class_id": …, '
_FORM += '"left": …, "top": …, "width": …, "height": …}]}'


@dataclass(frozen=True)
class Limits:
    """What an annotation may hold.

    Attributes:
        num_classes: numbered from 0.
        label_width: how many numbers a picture's annotation may have as a record.
    """

    num_classes: int
    label_width: int

    def check(self, objects: Sequence[Sequence[float]], name: str) -> Array:
        """The objects as an array, n × 5.

        Raises:
            RefusedError: a class is unknown, a box is empty or there are too many.
        """
        array = np.array(objects, np.float32).reshape(-1, OBJECT_WIDTH)
        width = HEADER_WIDTH + array.size
        if width > self.label_width:
            raise RefusedError(
                f"label_width is {self.label_width}; {name} has {len(array)} objects, which need "
                f"{width}"
            )
        array[:, 1:] = np.clip(array[:, 1:], 0, 1)
        for number, (kind, left, top, right, bottom) in enumerate(array, start=1):
            if kind not in range(self.num_classes):
                raise RefusedError(
                    f"object {number} of {name} has the class {kind:g}; it must be a whole number "
                    f"from 0 to {self.num_classes - 1}, one below num_classes"
                )
            if not (left < right and top < bottom):
                raise RefusedError(
                    f"object {number} of {name} has no width or no height within the picture"
                )
        return array


def read_annotated(job: Job, name: str) -> list[Example[Array]]:
    """The pictures of the channel with their objects.

    Raises:
        RefusedError: they cannot be read, or there are none.
    """
    limits = Limits(job.get("num_classes"), job.get("label_width"))

    def record(image: ImageRecord, example: str) -> Array:
        return limits.check(_packed(image.labels, example), example)

    def attribute(data: bytes, example: str) -> Array:
        return limits.check(_annotated(read_json_label(data, example), example), example)

    def files(channel: Channel) -> Iterator[Example[Array]]:
        holds = "a .json file for each picture"
        annotations = channel_beside(job, channel, "annotation", holds)
        return _files(channel, annotations, limits)

    return read_examples(job, name, Readers(record, attribute, files))


def _packed(labels: Sequence[float], name: str) -> list[Sequence[float]]:
    """Objects as MXNet packs them: header width, object width, the rest of the header, objects.

    Numbers after the fifth of an object, such as `difficult`, are passed over, and so is padding
    with -1.

    Source: MXNet, python/mxnet/image/detection.py.
    """
    header = int(labels[0]) if labels else 0
    width = int(labels[1]) if len(labels) > 1 else 0
    if header < HEADER_WIDTH or width < OBJECT_WIDTH or (len(labels) - header) % width:
        shown = ", ".join(f"{label:g}" for label in labels[:8])
        raise RefusedError(
            f"{name} has the {len(labels)} labels {shown} …; they must be the header's width (2), "
            "an object's width (5), then class, xmin, ymin, xmax and ymax of each object as shares"
        )
    objects = [labels[start : start + width] for start in range(header, len(labels), width)]
    return [entry[:OBJECT_WIDTH] for entry in objects if entry[0] >= 0]


def _annotated(annotation: Any, name: str) -> list[list[float]]:
    """Objects as an annotation's JSON has them, in pixels."""
    try:
        size = annotation["image_size"][0]
        width, height = float(size["width"]), float(size["height"])
        boxes = [_box(entry) for entry in annotation["annotations"]]
    except (TypeError, KeyError, IndexError, ValueError) as error:
        raise RefusedError(f"the annotation of {name} is no {_FORM}") from error
    if width <= 0 or height <= 0:
        raise RefusedError(f"the annotation of {name} has an image_size of no pixels")
    return [
        [kind, left / width, top / height, right / width, bottom / height]
        for kind, left, top, right, bottom in boxes
    ]


def _box(entry: Mapping[str, Any]) -> tuple[float, ...]:
    kind, left, top, width, height = (float(entry[key]) for key in ("class_id", *_SIDES))
    return kind, left, top, left + width, top + height


def _files(channel: Channel, annotations: Channel, limits: Limits) -> Iterator[Example[Array]]:
    """Each .json file names its picture; where it names none, the picture has the file's name."""
    images = {path.relative_to(channel.folder).as_posix(): path for path in data_files(channel)}
    by_stem = {name.rpartition(".")[0]: path for name, path in images.items()}
    for path in data_files(annotations):
        stem = path.relative_to(annotations.folder).with_suffix("").as_posix()
        annotation = read_json_label(path.read_bytes(), path.name)
        named = annotation.get("file") if isinstance(annotation, dict) else None
        image = _named(images, str(named)) if named else by_stem.get(stem)
        if image is None:
            raise RefusedError(
                f"{path.name} of the channel {annotations.name} is for the picture "
                f"{named or stem}, which is not in the channel {channel.name}"
            )
        objects = limits.check(_annotated(annotation, path.name), path.name)
        yield Example(image.name, image.read_bytes(), objects)


def _named(images: Mapping[str, Any], name: str) -> Any:
    """By its path in the channel, or by what follows a folder that the channel begins in."""
    while name and name not in images:
        name = name.partition("/")[2]
    return images.get(name)
