"""Requests and answers of an endpoint, field by field."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flywheel.algorithms import catalogue
from flywheel.standins.codecs.json_lines import read_json, read_lines
from flywheel.standins.codecs.matrix import write_rows
from flywheel.standins.codecs.records import Record, Tensor, read_records, write_records
from flywheel.standins.codecs.requests import instances, read_request
from flywheel.standins.codecs.responses import answer_form, plain, write_predictions
from flywheel.standins.contract import RefusedError, Request

UNHURRIED = settings(deadline=None)
RECORDS = "application/x-recordio-protobuf"


def request(body: bytes | str | Any, content_type: str) -> Request:
    if not isinstance(body, bytes | str):
        body = json.dumps(body)
    return Request(body.encode() if isinstance(body, str) else body, content_type, {}, None)


SPARSE = {"data": {"features": {"keys": [0, 2], "shape": [3], "values": [1.5, 4]}}}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("1.5,0,4\n1.5,0,4", "text/csv"),
        ({"instances": [{"features": [1.5, 0, 4]}] * 2}, "application/json"),
        (
            {"instances": [{"data": {"features": {"values": [1.5, 0, 4]}}}] * 2},
            "application/json",
        ),
        ({"instances": [SPARSE, {"features": [1.5, 0, 4]}]}, "application/json"),
        ('{"features": [1.5, 0, 4]}\n' * 2, "application/jsonlines"),
        (f'{json.dumps(SPARSE)}\n{{"features": [1.5, 0, 4]}}', "application/jsonlines"),
        (write_rows(np.array([[1.5, 0, 4]] * 2)), RECORDS),
    ],
)
def test_every_form_of_a_request_gives_the_same_rows(body: Any, content_type: str) -> None:
    read = read_request(request(body, content_type), feature_dim=3)

    assert read.dense.tolist() == [[1.5, 0, 4], [1.5, 0, 4]]


def _forms() -> list[tuple[str, str, Any]]:
    """Each example of a request of rows in the catalogue."""
    found = []
    for key in ("kmeans", "pca", "knn", "lda", "random_cut_forest", "factorization_machines"):
        for kind, examples in catalogue.find(key).inference.requests.items():
            found += [(key, kind, example) for example in examples]
    return found


@pytest.mark.parametrize(("key", "kind", "example"), _forms())
def test_the_examples_of_the_catalogue_are_read(key: str, kind: str, example: Any) -> None:
    if kind == RECORDS:
        features = example["features"]
        keys = np.array(features["keys"]) if "keys" in features else None
        values = np.array(features["values"], np.float32)
        tensor = Tensor(values, keys, tuple(features.get("shape", ())))
        example = write_records([Record({"values": tensor})])

    read = read_request(request(example, kind))

    assert read.features.shape in {(1, 2), (1, 4), (1, 2000)}, key


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        ("", "text/csv", "the request has no row"),
        ("", "application/jsonlines", "the request has no row"),
        ({"instances": []}, "application/json", "the request has no row"),
        ("1,x", "text/csv", "row 1, column 2 is 'x'"),
        ("1,2", "text/csv", "a row has 2 columns; it must have 3 features"),
        ("{", "application/json", "the body is '{'; it must be JSON"),
        ("[1]", "application/json", 'the body has no list "instances"'),
        ({"instances": [1]}, "application/json", "instance 1 has no features"),
        ({"instances": [{"features": [1, "a"]}]}, "application/json", "must be a list of numbers"),
        ({"instances": [{"features": [1, True]}]}, "application/json", "must be a list of numbers"),
        ({"instances": [{"features": [1, None]}]}, "application/json", "must be a list of numbers"),
        ({"instances": [{"features": [10**400]}]}, "application/json", "too large"),
        ({"instances": [{"features": [1]}]}, "application/json", "it must have 3"),
        (
            {"instances": [{"data": {"features": {"values": [1], "keys": [-1]}}}]},
            "application/json",
            "keys of instance 1 must be a list of whole numbers",
        ),
        (
            {"instances": [{"data": {"features": {"values": [1], "keys": [3], "shape": [3]}}}]},
            "application/json",
            "record 1 has key 3 and 3 features",
        ),
        ('{"features": [1, 2, NaN]}', "application/jsonlines", "row 1, column 3 is missing"),
        ('{"features": [1, 2, 3]}\nx', "application/jsonlines", "line 2 is 'x'; it must be JSON"),
        (b"\xff", "application/json", "byte 0 is no UTF-8 text"),
        ("[" * 100_000, "application/json", "it must be JSON"),
        (b"abc", RECORDS, "must be written as RecordIO frames"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_status_400(
    body: Any, content_type: str, said: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        read_request(request(body, content_type), feature_dim=3)

    assert said in str(caught.value)
    assert caught.value.status_code == 400


@pytest.mark.parametrize("content_type", ["text/html", "", "application/jsonlines"])
def test_a_content_type_that_the_algorithm_does_not_take_is_refused_with_status_415(
    content_type: str,
) -> None:
    with pytest.raises(RefusedError, match="it must be one of text/csv") as caught:
        read_request(request("1,2", content_type), content_types=["text/csv"])

    assert caught.value.status_code == 415


def test_instances_of_any_form_are_given_as_they_are() -> None:
    assert instances(request({"instances": ["a", {"b": 1}]}, "application/json")) == ["a", {"b": 1}]
    assert instances(request('"a"\n{"b": 1}\n', "application/jsonlines")) == ["a", {"b": 1}]


def test_json_lines_split_at_line_feeds_only() -> None:
    assert read_lines('{"a": "\u2028\x85"}\r\n\n[1]'.encode()) == [{"a": "\u2028\x85"}, [1]]
    with pytest.raises(RefusedError, match="line 3 is 'x'"):
        read_lines(b"1\n\nx")


ROWS = [
    {"score": [0.25, 0.75], "predicted_label": 1},
    {"score": [np.float32(0.1), np.float64(0.1)], "predicted_label": np.int64(0)},
]


@pytest.mark.parametrize(
    ("accept", "body"),
    [
        (
            None,
            b'{"predictions": [{"score": [0.25, 0.75], "predicted_label": 1}, '
            b'{"score": [0.1, 0.1], "predicted_label": 0}]}',
        ),
        (
            "application/jsonlines; verbose=true",
            b'{"score": [0.25, 0.75], "predicted_label": 1}\n'
            b'{"score": [0.1, 0.1], "predicted_label": 0}\n',
        ),
        ("text/csv", b"0.25,0.75,1\n0.1,0.1,0\n"),
        ("text/html, text/csv;q=0.5", b"0.25,0.75,1\n0.1,0.1,0\n"),
    ],
)
def test_answers_are_written_in_the_accepted_form(accept: str | None, body: bytes) -> None:
    answer = write_predictions(ROWS, accept)

    assert answer.body == body
    assert answer.content_type == answer_form(
        accept,
        "application/json",
        ["text/csv", RECORDS, "application/json", "application/jsonlines"],
    )


def test_an_answer_as_records_has_each_field_as_a_label() -> None:
    answer = write_predictions(ROWS, RECORDS)

    labels = [record.label for record in read_records(answer.body)]
    assert answer.content_type == RECORDS
    assert {name: tensor.values.tolist() for name, tensor in labels[0].items()} == {
        "score": [0.25, 0.75],
        "predicted_label": [1],
    }
    assert labels[1]["score"].values.dtype == np.float32


def test_some_algorithms_call_their_list_otherwise() -> None:
    assert write_predictions([{"score": 1.5}], None, key="scores").body == (
        b'{"scores": [{"score": 1.5}]}'
    )


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_what_the_algorithm_cannot_answer_is_refused_with_status_406(accept: str) -> None:
    with pytest.raises(RefusedError, match=f"Accept is {accept}; it must be one of") as caught:
        write_predictions(ROWS, accept, accepts=[RECORDS], default=RECORDS)

    assert caught.value.status_code == 406


def test_a_sender_that_takes_anything_gets_the_default() -> None:
    assert answer_form("*/*", "text/csv", ["text/csv"]) == "text/csv"
    assert answer_form("text/html, */*;q=0.1", "text/csv", ["text/csv"]) == "text/csv"


@UNHURRIED
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float32_is_written_as_the_shortest_number_that_gives_it_again(number: float) -> None:
    value = np.float32(number)

    for written in (plain(value), plain(np.array([value]))[0], plain({"a": [value]})["a"][0]):
        assert np.float32(written) == value
        assert len(repr(written)) <= max(len(str(value)), len(repr(number)))


@UNHURRIED
@given(st.binary(max_size=30))
def test_any_body_is_json_or_refused(body: bytes) -> None:
    encoded = base64.b64encode(body)
    for data in (body, b'"' + encoded + b'"'):
        try:
            read_json(data)
            read_lines(data)
        except RefusedError:
            continue
