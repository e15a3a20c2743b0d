"""RecordIO, and as much of protobuf as Amazon's records need.

The scripts import it; EMR Serverless gets it beside them (`etl.modules` of the workload). Runs on
EMR's Python 3.9.

Source: Amazon SageMaker Developer Guide, "Common Data Formats for Training"; record.proto of
package aialgs.data.
"""

from __future__ import annotations

import struct


def frame(body: bytes) -> bytes:
    """A record of the file: a magic number, the length, the body, zeros to four bytes."""
    return struct.pack("<II", 0xCED7230A, len(body)) + body + b"\0" * (-len(body) % 4)


def message(number: int, content: bytes) -> bytes:
    """A protobuf field that has a length: a message, a text or packed numbers."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """A protobuf number: seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
