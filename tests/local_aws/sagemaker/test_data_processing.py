"""DataProcessing: filters and joins, record by record."""

from __future__ import annotations

from typing import Any

import pytest

from flywheel.local_aws.sagemaker import data_processing
from flywheel.local_aws.sagemaker.errors import JobError
from flywheel.local_aws.sagemaker.json_path import JsonPathError, parse

RECORD = {"id": 7, "features": [1, 2, 3], "more": {"a": 1, "b": 2}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", RECORD),
        ("$.id", 7),
        ("$.features[-1]", 3),
        ("$.features[0,2]", [1, 3]),
        ("$.features[1:]", [2, 3]),
        ("$.features[:2]", [1, 2]),
        ("$.features[0,1:]", [1, 2, 3]),
        ("$['id','more']", {"id": 7, "more": {"a": 1, "b": 2}}),
        ("$.more['b']", 2),
        ("$.more.*", [1, 2]),
        ("$.more.['a','b']", {"a": 1, "b": 2}),
    ],
)
def test_a_path_selects_a_part(path: str, value: Any) -> None:
    assert parse(path).apply(RECORD) == value


@pytest.mark.parametrize("path", ["", "id", "$id", "$..id", "$[?(@.id)]", "$['a'", "$[1;2]"])
def test_a_path_that_sagemaker_does_not_know_is_refused(path: str) -> None:
    with pytest.raises(JsonPathError):
        parse(path)


@pytest.mark.parametrize("path", ["$.none", "$.features[3]", "$[0]", "$.id.x"])
def test_a_path_that_does_not_fit_the_data_says_so(path: str) -> None:
    with pytest.raises(JsonPathError, match="does not fit the data"):
        parse(path).apply(RECORD)


def processing(content_type: str, **given: str) -> data_processing.DataProcessing:
    """DataProcessing of a request with the same types for input and output."""
    params = {
        "TransformInput": {"ContentType": content_type},
        "TransformOutput": {"Accept": content_type},
        "DataProcessing": given,
    }
    data_processing.check(params)
    made = data_processing.of(params)
    assert made is not None
    return made


def test_an_object_gets_its_answer_as_a_member() -> None:
    own = processing("application/jsonlines", InputFilter="$.features", JoinSource="Input")
    body = b'{"id": 1, "features": [2]}\n{"id": 2, "features": [3]}\n'
    assert own.request(body) == b"[2]\n[3]\n"
    joined = own.result(body, b'{"label": 0}\n{"label": 1}\n')
    assert joined == (
        b'{"id": 1, "features": [2], "SageMakerOutput": {"label": 0}}\n'
        b'{"id": 2, "features": [3], "SageMakerOutput": {"label": 1}}\n'
    )


def test_what_is_no_object_becomes_one_with_its_answer() -> None:
    own = processing("application/json", JoinSource="Input")
    assert own.result(b"[1, 2]", b"[3]") == b'{"SageMakerInput": [1, 2], "SageMakerOutput": [3]}'


def test_an_output_filter_alone_looks_at_the_answer() -> None:
    own = processing("application/json", OutputFilter="$.score")
    assert own.result(b"{}", b'{"score": 0.5, "more": 1}') == b"0.5"


def test_nothing_is_done_where_all_has_its_default() -> None:
    params = {"TransformInput": {}, "TransformOutput": {}, "DataProcessing": {"InputFilter": "$"}}
    data_processing.check(params)
    assert data_processing.of(params) is None


@pytest.mark.parametrize(
    ("body", "answer", "message"),
    [
        (b"1,2\n3,4\n", b"1\n", "2 records were sent and 1 came back"),
        (b"\xff", b"1\n", "DataProcessing failed"),
        (b"1\n", b"1\n", r"\$\[2\] does not fit the data"),
    ],
)
def test_what_cannot_be_joined_fails_the_object(body: bytes, answer: bytes, message: str) -> None:
    own = processing("text/csv", JoinSource="Input", OutputFilter="$[2]")
    with pytest.raises(JobError, match=message):
        own.result(body, answer)
