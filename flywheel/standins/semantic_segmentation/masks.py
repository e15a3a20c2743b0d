"""The class of each pixel, as the channels have it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from flywheel.standins.codecs import images
from flywheel.standins.codecs.image_records import ImageRecord
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Channel, Job
from flywheel.standins.vision.examples import (
    Example,
    Readers,
    by_stem,
    channel_beside,
    read_examples,
)

IGNORED = 255
"""A pixel of this label counts neither in training nor in validation, as in PASCAL VOC."""
_UNKNOWN = 254
_LABEL_MAP = "label_map"


@dataclass(frozen=True)
class LabelMap:
    """Which class a label of a mask means.

    Attributes:
        classes: by label, 256 numbers; _UNKNOWN for what is none, IGNORED for what does not count.
    """

    classes: Array

    @staticmethod
    def scaled(scale: int, num_classes: int) -> LabelMap:
        """The label divided by the scale, rounded down."""
        classes: Array = (np.arange(256) // scale).astype(np.uint8)
        classes[classes >= num_classes] = _UNKNOWN
        if classes[IGNORED] == _UNKNOWN:
            classes[IGNORED] = IGNORED
        return LabelMap(classes)

    @staticmethod
    def mapped(labels: Mapping[int, int], num_classes: int) -> LabelMap:
        """Each class from the one label that is written for it."""
        classes: Array = np.full(256, _UNKNOWN, np.uint8)
        classes[IGNORED] = IGNORED
        for kind, label in labels.items():
            if kind in range(num_classes):
                classes[label] = kind
        return LabelMap(classes)

    def apply(self, mask: Array, name: str) -> Array:
        """The class of each pixel.

        Raises:
            RefusedError: a label means none.
        """
        mapped: Array = self.classes[mask]
        unknown = np.unique(mask[mapped == _UNKNOWN])
        if len(unknown):
            shown = ", ".join(map(str, unknown[:5]))
            raise RefusedError(
                f"the mask {name} has the label {shown}, which is no class; classes are numbered "
                f"from 0 to num_classes - 1 and {IGNORED} is ignored; other labels need a label map"
            )
        return mapped


def read_masked(job: Job, name: str) -> list[Example[Array]]:
    """The pictures of the channel, each with the class of its pixels.

    Raises:
        RefusedError: they cannot be read, there are none, or a mask has another size.
    """
    label_map = read_label_map(job, name)

    def attribute(data: bytes, example: str) -> Array:
        return label_map.apply(images.read_mask(data, example), example)

    def record(_: ImageRecord, example: str) -> Array:
        raise RefusedError(
            f"{example} is no picture; application/x-recordio must be the picture and the mask of "
            "each line of an augmented manifest, with RecordWrapperType RecordIO"
        )

    def files(channel: Channel) -> Iterator[Example[Array]]:
        annotations = channel_beside(job, channel, "annotation", "a .png mask for each picture")
        return _files(channel, annotations, label_map)

    return read_examples(job, name, Readers(record, attribute, files))


def read_label_map(job: Job, name: str) -> LabelMap:
    """The map of the channel's masks: its file of the channel label_map, else labels are classes.

    Raises:
        RefusedError: the file is no label map.
    """
    num_classes = job.get("num_classes")
    channel = job.channels.get(_LABEL_MAP)
    wanted = f"{name}_{_LABEL_MAP}.json"
    files = [path for path in channel.files if path.name == wanted] if channel else []
    if not files:
        return LabelMap.scaled(1, num_classes)
    try:
        content = json.loads(files[0].read_bytes())
        if "map" in content:
            labels = {int(kind): _label(label) for kind, label in content["map"].items()}
            return LabelMap.mapped(labels, num_classes)
        scale = int(content["scale"])
        if scale < 1:
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError(
            f'{wanted} is no label map; it must be {{"scale": "1"}} with a number from 1, or '
            '{"map": {"0": 5, "1": 0}} with the label of each class'
        ) from error
    return LabelMap.scaled(scale, num_classes)


def _label(value: Any) -> int:
    label = int(value)
    if label not in range(256):
        raise ValueError
    return label


def _files(channel: Channel, annotations: Channel, label_map: LabelMap) -> Iterator[Example[Array]]:
    pictures = by_stem(channel, (".jpg", ".jpeg", ".png"))
    masks = by_stem(annotations, (".png",))
    missing = sorted(pictures.keys() ^ masks.keys())
    if missing:
        stem = missing[0]
        has, lacks = channel.name, annotations.name
        if stem in masks:
            has, lacks = lacks, has
        raise RefusedError(
            f"{stem} is in the channel {has} and not in the channel {lacks}; each picture needs a "
            "mask of the same name, and the other way round"
        )
    for stem, path in pictures.items():
        mask = images.read_mask(masks[stem].read_bytes(), masks[stem].name)
        yield Example(path.name, path.read_bytes(), label_map.apply(mask, masks[stem].name))
