"""Whatever bytes come in: a reader gives a value or refuses them, and nothing else happens."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from flywheel.standins.codecs import image_records, json_lines
from flywheel.standins.codecs.matrix import read_matrix, write_rows
from flywheel.standins.codecs.recordio import read_frames, write_frames
from flywheel.standins.codecs.records import read_records
from flywheel.standins.codecs.requests import read_request
from flywheel.standins.contract import RefusedError, Request

RECORDS = "application/x-recordio-protobuf"
TABLE = np.array([[1, -2.5, 3e30], [0, 1e-30, 7]], np.float32)
MANY = settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow], deadline=None)

GOOD = {
    "text/csv": b"1,-2.5,3e30\r\n0,1e-30, 7\n",
    "text/libsvm": b"1 0:1.5 7:-2 # x\n0:1 2:1 3:nan\n",
    RECORDS: write_rows(TABLE, np.array([1, 2])),
    "sparse": write_rows(csr_matrix(TABLE), np.array([1, 2])),
    "application/json": json.dumps(
        {"instances": [{"features": [1, 2]}, {"data": {"features": {"keys": [1], "values": [3]}}}]}
    ).encode(),
    "application/jsonlines": b'{"features": [1, 2]}\n{"features": [3, 4.5e3]}\n',
    "images": image_records.write_image_records(
        [image_records.ImageRecord((1.0, 2.0), b"jpeg"), image_records.ImageRecord((3.0,), b"png")]
    ),
    "list": b"1\t0\ta.jpg\n2\t1\tb/c.jpg\n",
}


@st.composite
def _mutated(draw: st.DrawFn, good: tuple[bytes, ...] = tuple(sorted(GOOD.values()))) -> bytes:
    """Good data of some form with a few bytes changed, removed or put in."""
    data = bytearray(draw(st.sampled_from(good)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(at + 6, len(data))))
        piece = st.binary(max_size=6) | st.sampled_from(
            [b"nan", b",", b"\n", b":", b"\xff" * 9, b"\x80" * 11, b"1e999", b"_", b"\0", b"-"]
        )
        data[at:end] = draw(piece)
    return bytes(data)


ANYTHING = _mutated() | st.binary(max_size=60)


def readers() -> list[Any]:
    """Every reader of the codecs, by name."""
    found: dict[str, Callable[[bytes], Any]] = {
        "frames": read_frames,
        "records": read_records,
        "lines": json_lines.read_lines,
        "json": json_lines.read_json,
        "images": image_records.read_image_records,
        "list": image_records.read_list,
        "groups": lambda data: image_records.read_groups(data, 2),
    }
    for kind in ("text/csv", "text/libsvm", RECORDS):
        for options in (
            {"label_size": 0},
            {"label_size": 1, "feature_dim": 3},
            {"label_size": 1, "allow_missing": True},
        ):
            found[f"{kind} {options}"] = lambda data, kind=kind, options=options: read_matrix(  # type: ignore[misc]
                data, kind, **options
            )
    for kind in ("text/csv", "application/json", "application/jsonlines", RECORDS):
        found[f"request {kind}"] = lambda data, kind=kind: read_request(  # type: ignore[misc]
            Request(data, kind, {}, None), feature_dim=3
        )
    return [pytest.param(read, id=name) for name, read in found.items()]


@pytest.mark.parametrize("read", readers())
@MANY
@given(ANYTHING)
def test_any_bytes_are_a_value_or_refused_in_words(
    read: Callable[[bytes], Any], data: bytes
) -> None:
    refused = None
    try:
        read(data)
    except RefusedError as error:
        refused = error

    assert refused is None or 10 < len(str(refused)) < 500
    assert refused is None or refused.status_code in {400, 415}


@MANY
@given(ANYTHING)
def test_what_is_read_as_rows_is_finite_and_has_the_size_that_was_asked_for(data: bytes) -> None:
    for kind in ("text/csv", "text/libsvm", RECORDS):
        try:
            read = read_matrix(data, kind, label_size=1, feature_dim=3)
        except RefusedError:
            continue
        if read.features.shape[0]:
            assert read.dense.shape[1] == 3
            assert np.isfinite(read.dense).all()
            assert read.label.shape == (read.features.shape[0],)


MESSAGES = tuple(read_frames(GOOD[RECORDS]) + read_frames(GOOD["sparse"]))


@MANY
@given(
    st.lists(_mutated(MESSAGES) | st.binary(max_size=40) | st.sampled_from(MESSAGES), max_size=3)
)
def test_any_messages_in_good_frames_are_records_or_refused(frames: list[bytes]) -> None:
    try:
        read_matrix(write_frames(frames), RECORDS)
        read_records(write_frames(frames))
    except RefusedError:
        return
