"""The pictures of a channel with what is known of each, in any form that a channel can have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flywheel.standins.codecs.image_records import ImageRecord, read_groups, read_image_records
from flywheel.standins.codecs.images import is_image
from flywheel.standins.codecs.matrix import data_files
from flywheel.standins.codecs.recordio import read_frames
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Channel, Job
from flywheel.standins.remarks import log

_RECORDIO, _WRAPPED = "application/x-recordio", "RecordIO"


@dataclass(frozen=True)
class Example[Label]:
    """One picture.

    Attributes:
        name: what errors call it.
        image: the JPEG or PNG file.
        label: what is to be learnt from it.
    """

    name: str
    image: bytes
    label: Label


@dataclass(frozen=True)
class Readers[Label]:
    """How an algorithm reads labels.

    Attributes:
        record: of a .rec file.
        attribute: the second attribute of an augmented manifest's line; the arguments are its bytes
            and the picture's name.
        files: the examples of a channel of picture files.
    """

    record: Callable[[ImageRecord, str], Label]
    attribute: Callable[[bytes, str], Label]
    files: Callable[[Channel], Iterator[Example[Label]]]


def read_examples[Label](job: Job, name: str, readers: Readers[Label]) -> list[Example[Label]]:
    """All examples of a channel.

    Raises:
        RefusedError: they cannot be read, or there are none.
    """
    channel = job.channels[name]
    if channel.content_type == _RECORDIO or channel.record_wrapper == _WRAPPED:
        examples = list(_framed(channel, readers))
    else:
        examples = list(readers.files(channel))
    if not examples:
        raise RefusedError(f"channel {name} has no pictures; there must be at least one")
    return examples


def channel_beside(job: Job, channel: Channel, suffix: str, holds: str) -> Channel:
    """The channel that says what is on the pictures of another one: `train_lst` of `train`.

    Raises:
        RefusedError: there is none; `holds` says what it must have.
    """
    name = f"{channel.name}_{suffix}"
    if name not in job.channels:
        kind = f"content type {channel.content_type}" if channel.content_type else "picture files"
        raise RefusedError(
            f"channel {channel.name} has the {kind}; it needs the channel {name} with {holds}"
        )
    return job.channels[name]


def warn_of_number(job: Job, examples: Sequence[Example[Any]]) -> None:
    """Say it where num_training_samples is not the number of examples, as steps depend on it."""
    expected = job.get("num_training_samples")
    if expected != len(examples):
        log(
            f"num_training_samples is {expected}, the channel train has {len(examples)} pictures; "
            "here every one of them is used."
        )


def read_json_label(data: bytes, name: str) -> Any:
    """The JSON of an attribute, also where it stands as JSON in a text.

    Raises:
        RefusedError: it is no JSON.
    """
    try:
        value = json.loads(data)
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError) as error:
        shown = data[:80].decode(errors="replace")
        raise RefusedError(f"{name} has the label {shown!r}; it must be JSON") from error


def by_stem(channel: Channel, suffixes: Sequence[str]) -> dict[str, Path]:
    """The channel's files with these suffixes, by their path in the channel without it."""
    return {
        path.relative_to(channel.folder).with_suffix("").as_posix(): path
        for path in data_files(channel)
        if path.suffix.lower() in suffixes
    }


def _framed[Label](channel: Channel, readers: Readers[Label]) -> Iterator[Example[Label]]:
    """A .rec file, or the attributes of an augmented manifest's lines one after another.

    The two look alike from outside; a record of the first begins with numbers, never as a picture.
    """
    for path in data_files(channel):
        data = path.read_bytes()
        where = f"of channel {channel.name}"
        try:
            piped = is_image(next(iter(read_frames(data)), b""))
            if piped:
                for number, (image, label) in enumerate(read_groups(data, 2), start=1):
                    name = f"line {number} {where}"
                    yield Example(name, image, readers.attribute(label, name))
            else:
                for number, record in enumerate(read_image_records(data), start=1):
                    name = f"record {number} in {path.name} {where}"
                    yield Example(name, record.image, readers.record(record, name))
        except RefusedError as error:
            if where in str(error):
                raise
            raise RefusedError(f"channel {channel.name}, file {path.name}: {error}") from error
