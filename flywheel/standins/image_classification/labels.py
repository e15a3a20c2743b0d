"""The classes of a picture, in every form that the algorithm reads them in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flywheel.standins.codecs.image_records import ImageRecord, read_list
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


@dataclass(frozen=True)
class Labels:
    """How labels are written.

    Attributes:
        num_classes: numbered from 0.
        multi_label: a picture may have several classes, or none.
        class_ids: several classes are a list of their numbers, otherwise a 0 or 1 for each class.
    """

    num_classes: int
    multi_label: bool
    class_ids: bool = False

    def read(self, values: Sequence[Any], name: str) -> Array:
        """One label: the class's number as an array of one, or 0 and 1 for each class.

        Raises:
            RefusedError: they are no classes.
        """
        if not self.multi_label:
            if len(values) != 1:
                raise RefusedError(
                    f"{name} has {len(values)} labels; it must have one, or multi_label must be 1"
                )
            return np.array([self._class(values[0], name)])
        if self.class_ids:
            label: Array = np.zeros(self.num_classes, np.float32)
            label[[self._class(value, name) for value in values]] = 1
            return label
        if len(values) != self.num_classes or any(value not in (0, 1) for value in values):
            raise RefusedError(
                f"{name} has the labels {_shown(values)}; they must be {self.num_classes} numbers "
                "0 or 1, as num_classes says, or class numbers with the content type's parameter "
                "label-format=class-id"
            )
        return np.array(values, np.float32)

    def _class(self, value: Any, name: str) -> int:
        known = isinstance(value, int | float) and value in range(self.num_classes)
        if not known or isinstance(value, bool):
            raise RefusedError(
                f"{name} has the label {_shown([value])}; it must be a whole number from 0 to "
                f"{self.num_classes - 1}, one below num_classes"
            )
        return int(value)


def read_labelled(job: Job, name: str) -> list[Example[Array]]:
    """The pictures of the channel with their labels.

    Raises:
        RefusedError: they cannot be read, or there are none.
    """
    channel = job.channels[name]
    labels = Labels(
        job.get("num_classes"),
        job.get("multi_label"),
        channel.parameters.get("label-format") == "class-id",
    )

    def listed(channel: Channel) -> Iterator[Example[Array]]:
        return _listed(channel, channel_beside(job, channel, "lst", "a .lst file"), labels)

    def attribute(data: bytes, example: str) -> Array:
        value = read_json_label(data, example)
        return labels.read(value if isinstance(value, list) else [value], example)

    def record(image: ImageRecord, example: str) -> Array:
        return labels.read(image.labels, example)

    return read_examples(job, name, Readers(record, attribute, listed))


def _listed(channel: Channel, list_channel: Channel, labels: Labels) -> Iterator[Example[Array]]:
    images = {path.relative_to(channel.folder).as_posix(): path for path in data_files(channel)}
    for path in data_files(list_channel):
        try:
            listed = read_list(path.read_bytes())
        except RefusedError as error:
            where = f"channel {list_channel.name}, file {path.name}"
            raise RefusedError(f"{where}: {error}") from error
        for entry in listed:
            image = _find(images, entry.path)
            if image is None:
                raise RefusedError(
                    f"{path.name} of the channel {list_channel.name} lists {entry.path}, which is "
                    f"not in the channel {channel.name}"
                )
            yield Example(entry.path, image.read_bytes(), labels.read(entry.labels, entry.path))


def _find(images: dict[str, Path], listed: str) -> Path | None:
    """A picture by its path in the channel; a list may also begin with the channel's own folder."""
    name = listed.removeprefix("./")
    return images.get(name) or images.get(name.partition("/")[2])


def _shown(values: Sequence[Any]) -> str:
    text = ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
    return text if len(text) <= 60 else f"{text[:59]}…"
