"""RecordIO: the frames around the records of a file.

A frame is a magic number, a length and the payload, filled up to a multiple of four bytes. The
upper three bits of the length say whether the frame is a whole payload (0) or its first, a middle
or its last part (1, 2, 3). Who writes parts cuts the payload where it has the magic number itself,
at a multiple of four bytes, and leaves that number out.

Source: dmlc-core, include/dmlc/recordio.h; sagemaker 2.257.7, sagemaker.amazon.common.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from flywheel.standins.contract import RefusedError

MAGIC = 0xCED7230A
MAX_FRAME_BYTES = (1 << 29) - 1
_MAGIC_BYTES = struct.pack("<I", MAGIC)
_HEADER = struct.Struct("<II")
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)


def read_frames(data: bytes) -> list[bytes]:
    """The payloads of all frames; parts are put together.

    Raises:
        RefusedError: the data is no RecordIO, or ends within a frame.
    """
    payloads: list[bytes] = []
    parts: list[bytes] = []
    position = 0
    end = len(data)
    while position < end:
        if position + 8 > end:
            raise _broken(len(payloads), position, "ends within the header of a frame")
        magic, word = _HEADER.unpack_from(data, position)
        if magic != MAGIC:
            raise _broken(len(payloads), position, "has no magic number where a frame begins")
        length, kind = word & MAX_FRAME_BYTES, word >> 29
        start = position + 8
        if start + length > end:
            raise _broken(len(payloads), position, "ends within a frame")
        payload = data[start : start + length]
        # The last frame of a file may lack its padding: nothing is lost with it.
        position = start + (length + 3 & ~3)
        if kind == _WHOLE and not parts:
            payloads.append(payload)
        elif kind == _FIRST and not parts:
            parts = [payload]
        elif kind in (_MIDDLE, _LAST) and parts:
            parts.append(payload)
            if kind == _LAST:
                payloads.append(_MAGIC_BYTES.join(parts))
                parts = []
        else:
            raise _broken(len(payloads), start - 8, "has parts of a record in a wrong order")
    if parts:
        raise _broken(len(payloads), end, "ends within a record of several parts")
    return payloads


def write_frames(payloads: Iterable[bytes], *, cut: bool = False) -> bytes:
    """The payloads as frames.

    Args:
        payloads: each becomes one frame.
        cut: cut payloads at magic numbers, as MXNet's tools do for files that are read from the
            middle. AWS's SDK does not read such frames.
    """
    frames: list[bytes] = []
    for payload in payloads:
        if len(payload) > MAX_FRAME_BYTES:
            raise RefusedError(
                f"a record has {len(payload):,} bytes; RecordIO takes at most {MAX_FRAME_BYTES:,}"
            )
        parts = _cut(payload) if cut else [payload]
        last = len(parts) - 1
        for index, part in enumerate(parts):
            kind = _WHOLE if not last else {0: _FIRST, last: _LAST}.get(index, _MIDDLE)
            frames.append(_HEADER.pack(MAGIC, kind << 29 | len(part)))
            frames.append(part)
            frames.append(bytes(-len(part) % 4))
    return b"".join(frames)


def _cut(payload: bytes) -> list[bytes]:
    parts, begin, search = [], 0, 0
    while (found := payload.find(_MAGIC_BYTES, search)) >= 0:
        if found % 4:
            search = found + 1
            continue
        parts.append(payload[begin:found])
        begin = search = found + 4
    return [*parts, payload[begin:]]


def _broken(index: int, position: int, what: str) -> RefusedError:
    return RefusedError(
        f"the RecordIO data {what} (record {index + 1}, byte {position}); it must be written as "
        "RecordIO frames"
    )
