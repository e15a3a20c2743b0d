"""The codecs read what AWS's SDK writes, and write what it reads."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from flywheel.environments import Environment
from flywheel.standins.codecs.matrix import Matrix, read_matrix, write_rows
from flywheel.standins.codecs.recordio import read_frames
from flywheel.standins.codecs.records import parse_record
from flywheel.standins.codecs.requests import read_request
from flywheel.standins.codecs.responses import write_predictions
from flywheel.standins.contract import RefusedError, Request

ROOT = Path(__file__).parents[2]
TABLE = [[1.5, 0.0, -2.0], [0.0, 0.0, 0.0], [3.25, 300.0, 1e30]]
WHOLE = [[1, 0, -2], [0, 0, 0], [3, 300, 1000]]
RECORDS = "application/x-recordio-protobuf"
ANSWERS = [
    {"score": [0.25, 0.5], "predicted_label": 1},
    {"score": [np.float32(0.1), 0.75], "predicted_label": 0},
]
MESSAGES = [
    message
    for rows in (write_rows(np.array(TABLE), [1, 2, 3]), write_rows(csr_matrix(TABLE)))
    for message in read_frames(rows)
]

pytestmark = pytest.mark.xdist_group("sagemaker-sdk-2")


def _mutated(number: int) -> bytes:
    """A record's message with a few bytes changed, the same in every run."""
    chance = random.Random(number)
    data = bytearray(chance.choice(MESSAGES))
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data))
        size = chance.randint(0, 2)
        # Another length would break all but a few messages.
        data[at : at + size] = chance.randbytes(chance.choice([size, size, size, 1]))
    return bytes(data)


MUTATED = [_mutated(number) for number in range(1500)]


@dataclass(frozen=True)
class Sdk:
    """What the SDK wrote and read, asked once."""

    written: Mapping[str, bytes]
    read: Mapping[str, Any]
    parsed: list[Any]


@pytest.fixture(scope="session")
def sdk() -> Sdk:
    answers = {
        "json": write_predictions(ANSWERS, "application/json"),
        "jsonlines": write_predictions(ANSWERS, "application/jsonlines"),
        "csv": write_predictions(ANSWERS, "text/csv"),
        "records": write_predictions(ANSWERS, RECORDS),
    }
    bodies = {name: (name, answer.body) for name, answer in answers.items()}
    bodies["dense rows"] = ("files", write_rows(np.array(TABLE), [1, 2, 3]))
    bodies["sparse rows"] = ("files", write_rows(csr_matrix(TABLE), [1, 2, 3]))
    question = {
        "table": TABLE,
        "read": {
            name: (kind, base64.b64encode(body).decode()) for name, (kind, body) in bodies.items()
        },
        "messages": [base64.b64encode(message).decode() for message in MUTATED],
    }
    environment = Environment(
        ROOT / ".flywheel",
        ROOT / "requirements" / "sagemaker-sdk-2.txt",
        "sagemaker-sdk-2",
        called="the environment of AWS's SDK 2",
    )
    script = Path(__file__).with_name("sdk_side.py")
    printed = environment.run(["-P", "-W", "ignore", script], json.dumps(question))
    answer = json.loads(printed.splitlines()[-1])
    written = {name: base64.b64decode(data) for name, data in answer["written"].items()}
    return Sdk(written, answer["read"], answer["parsed"])


@pytest.mark.parametrize(
    ("name", "wanted", "labelled"),
    [
        ("dense float32", TABLE, True),
        ("dense float64", TABLE, True),
        ("dense unlabelled", TABLE, False),
        ("sparse float32", TABLE, True),
        ("records", TABLE, False),
    ],
)
def test_rows_that_the_sdk_writes_are_read(
    sdk: Sdk, name: str, wanted: Any, labelled: bool
) -> None:
    read = read_matrix(sdk.written[name], RECORDS, feature_dim=3)

    assert np.array_equal(read.dense, np.array(wanted, np.float32))
    if labelled:
        assert read.label.tolist() == [1.5, 0, 3.25]
    else:
        assert read.labels is None


def test_whole_numbers_that_the_sdk_writes_are_read(sdk: Sdk) -> None:
    dense = read_matrix(sdk.written["dense int"], RECORDS)
    sparse = read_matrix(sdk.written["sparse int"], RECORDS)

    assert dense.dense.tolist() == sparse.dense.tolist() == WHOLE
    assert dense.label.tolist() == [1, 0, 3]


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("csv of lists", "text/csv"),
        ("csv of an array", "text/csv"),
        ("json", "application/json"),
        ("jsonlines", "application/jsonlines"),
        ("records", RECORDS),
    ],
)
def test_requests_that_the_sdk_writes_are_read(sdk: Sdk, name: str, content_type: str) -> None:
    read = read_request(Request(sdk.written[name], content_type, {}, None), feature_dim=3)

    assert np.array_equal(read.dense, np.array(TABLE, np.float32))


def test_a_single_row_that_the_sdk_writes_is_read(sdk: Sdk) -> None:
    csv = read_request(Request(sdk.written["csv of a row"], "text/csv", {}, None))
    libsvm = read_matrix(sdk.written["libsvm"], "text/libsvm")

    assert csv.features.tolist() == [TABLE[0]]
    assert libsvm.dense.tolist() == [[1.5, 0, 4]]


def test_the_sdk_reads_answers_in_every_form(sdk: Sdk) -> None:
    wanted = [
        {"score": [0.25, 0.5], "predicted_label": 1},
        {"score": [0.1, 0.75], "predicted_label": 0},
    ]

    assert sdk.read["json"] == {"predictions": wanted}
    assert sdk.read["jsonlines"] == wanted
    assert sdk.read["csv"] == [["0.25", "0.5", "1"], ["0.1", "0.75", "0"]]
    assert sdk.read["records"] == [
        [{}, {"score": [[0.25, 0.5], [], []], "predicted_label": [[1], [], []]}],
        [{}, {"score": [[float(np.float32(0.1)), 0.75], [], []], "predicted_label": [[0], [], []]}],
    ]


def test_the_sdk_reads_files_of_rows(sdk: Sdk) -> None:
    table = np.array(TABLE, np.float32).tolist()

    assert sdk.read["dense rows"] == [
        [{"values": [row, [], []]}, {"values": [[label], [], []]}]
        for label, row in enumerate(table, start=1)
    ]
    assert [record[0]["values"] for record in sdk.read["sparse rows"]] == [
        [[value for value in row if value], [i for i, value in enumerate(row) if value], [3]]
        for row in table
    ]


def test_messages_are_read_as_protocol_buffers_reads_them(sdk: Sdk) -> None:
    both = 0
    for message, theirs in zip(MUTATED, sdk.parsed, strict=True):
        try:
            ours = parse_record(message)
        except RefusedError:
            continue
        assert theirs is not None, message.hex()
        both += 1
        for tensors, other in zip((ours.features, ours.label), theirs, strict=True):
            # The library passes over an entry in which there are unknown fields; we do not.
            assert tensors.keys() >= other.keys(), message.hex()
            for name, tensor in tensors.items():
                if other.get(name) is not None:
                    values = np.array(other[name][0], tensor.values.dtype)
                    assert np.array_equal(tensor.values, values, equal_nan=True), message.hex()
                    keys = [] if tensor.keys is None else tensor.keys.tolist()
                    assert keys == other[name][1], message.hex()
                    assert list(tensor.shape) == other[name][2], message.hex()

    assert both > 300


def test_rows_are_a_matrix_of_float32(sdk: Sdk) -> None:
    read: Matrix = read_matrix(sdk.written["dense float64"], RECORDS)

    assert read.features.dtype == np.float32
