"""What a channel in Pipe mode gives: one long stream of bytes for each epoch.

Source: SageMaker developer guide, "Provide Dataset Metadata to Training Jobs with an Augmented
Manifest File"; API reference, Channel and ShuffleConfig.
"""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flywheel.local_aws.sagemaker.errors import JobError
from flywheel.local_aws.sagemaker.storage import Storage
from flywheel.standins.codecs.recordio import write_frames

_REFERENCE = "-ref"

Piece = Callable[[], bytes]
"""A part of the stream, fetched when its turn comes."""


class ChannelStream:
    """The objects of a channel, or the attributes of an augmented manifest's lines.

    Args:
        storage: where they are.
        channel: of the request, as it was checked.

    Raises:
        JobError: S3 does not have what the channel names.
    """

    def __init__(self, storage: Storage, channel: Mapping[str, Any]) -> None:
        self._storage = storage
        self._name = channel["ChannelName"]
        self._wrapped = channel.get("RecordWrapperType") == "RecordIO"
        self._zipped = channel.get("CompressionType") == "Gzip"
        self._seed: int | None = channel.get("ShuffleConfig", {}).get("Seed")
        source = channel["DataSource"]["S3DataSource"]
        if source["S3DataType"] == "AugmentedManifestFile":
            self._groups = self._attributes(source["S3Uri"], source["AttributeNames"])
        else:
            objects = storage.objects(source["S3Uri"], source["S3DataType"])
            self._groups = [[self._object(uri)] for uri in objects]

    def epoch(self, number: int) -> Iterator[bytes]:
        """The stream of one epoch, piece by piece; a shuffled channel's epochs differ in order.

        Raises:
            JobError: an object is not there any more, or is not what the channel says.
        """
        groups = list(self._groups)
        if self._seed is not None:
            random.Random(f"{self._seed} {number}").shuffle(groups)  # noqa: S311 - an order
        for group in groups:
            for piece in group:
                content = piece()
                yield write_frames([content]) if self._wrapped else content

    def _object(self, uri: str) -> Piece:
        def read() -> bytes:
            content = self._storage.read(uri)
            if not self._zipped:
                return content
            try:
                return gzip.decompress(content)
            except (OSError, EOFError, zlib.error) as error:
                raise JobError(
                    f"Data download failed: {uri} is not compressed with gzip: {error}"
                ) from error

        return read

    def _attributes(self, uri: str, names: list[str]) -> list[list[Piece]]:
        groups = []
        for number, line in enumerate(self._storage.read(uri).splitlines(), start=1):
            if not line.strip():
                continue
            where = f"line {number} of {uri}"
            try:
                example = json.loads(line)
                groups.append([self._attribute(name, example[name], where) for name in names])
            except (ValueError, KeyError, TypeError) as error:
                raise JobError(
                    f"Data download failed: {where} must be a JSON object with "
                    f"{', '.join(names)}: {error!r}."
                ) from error
        if not groups:
            raise JobError(f"Data download failed: augmented manifest {uri} has no line.")
        return groups

    def _attribute(self, name: str, value: Any, where: str) -> Piece:
        if not name.endswith(_REFERENCE):
            text = value if isinstance(value, str) else json.dumps(value)
            return text.encode
        if not isinstance(value, str) or not value.startswith("s3://"):
            raise JobError(
                f"Data download failed: {name} in {where} is {value!r}; it must be the S3 URI of "
                "an object."
            )
        return self._object(value)
