"""An object of a transform job as the bodies of requests, and their answers as one object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from flywheel.local_aws.sagemaker.errors import JobError
from flywheel.standins.codecs import recordio
from flywheel.standins.contract import RefusedError

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


def bodies(content: bytes, split_type: str, *, single: bool, max_bytes: int) -> Iterator[bytes]:
    """What is sent for an object, one request after the other.

    Args:
        content: of the object.
        split_type: None, Line or RecordIO.
        single: one record in a request, else as many as fit. A RecordIO record is then its payload
            alone, without frame and padding.
        max_bytes: of one request.

    Raises:
        JobError: a record does not fit, or the object has no RecordIO in it.
    """
    if split_type == "None":
        yield _fitting(content, max_bytes)
        return
    records = _lines(content) if split_type == "Line" else _frames(content, bare=single)
    if single:
        for record in records:
            yield _fitting(record.removesuffix(b"\n"), max_bytes)
        return
    batch: list[bytes] = []
    num_bytes = 0
    for record in records:
        if batch and num_bytes + len(record) > max_bytes:
            yield b"".join(batch)
            batch, num_bytes = [], 0
        batch.append(_fitting(record, max_bytes))
        num_bytes += len(record)
    if batch:
        yield b"".join(batch)


def assembled(answers: Iterable[bytes], assemble_with: str) -> bytes:
    """The answers as one object; with Line every one ends with a newline."""
    if assemble_with != "Line":
        return b"".join(answers)
    return b"".join(one if one.endswith(b"\n") else one + b"\n" for one in answers)


def _lines(content: bytes) -> Iterator[bytes]:
    """Every line that has something in it, with its newline."""
    return (found.group() for found in _LINE.finditer(content) if found.group().strip())


def _frames(content: bytes, *, bare: bool) -> Iterator[bytes]:
    try:
        payloads = recordio.read_frames(content)
    except RefusedError as error:
        raise JobError(str(error)) from error
    return (payload if bare else recordio.write_frames([payload]) for payload in payloads)


def _fitting(body: bytes, max_bytes: int) -> bytes:
    if len(body) > max_bytes:
        raise JobError(
            f"too much data for max payload size: {len(body)} bytes, MaxPayloadInMB allows "
            f"{max_bytes}"
        )
    return body
