"""Requests have the catalogue's form, and an answer that has another one is noticed."""

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from flywheel.algorithm_runs.bodies import Row, body, read_examples
from flywheel.algorithm_runs.forms import FormError, check, responses
from flywheel.algorithms import catalogue
from flywheel.standins.codecs.records import Record, Tensor, read_records, write_records

RECORDS = "application/x-recordio-protobuf"
KMEANS = catalogue.find("kmeans")


def test_rows_are_written_in_every_content_type() -> None:
    rows = read_examples(b"1.5,16\n2,3", "text/csv")
    assert rows == [Row((1.5, 16.0)), Row((2.0, 3.0))]
    assert body(rows, "text/csv", KMEANS, {}) == b"1.5,16.0\n2.0,3.0"
    assert json.loads(body(rows[:1], "application/json", KMEANS, {})) == {
        "instances": [{"features": [1.5, 16.0]}]
    }
    assert body(rows[:1], "application/jsonlines", KMEANS, {}) == b'{"features": [1.5, 16.0]}'
    assert body(rows, "text/libsvm", KMEANS, {}) == b"0:1.5 1:16.0\n0:2.0 1:3.0"
    records = read_records(body(rows, RECORDS, KMEANS, {}))
    assert [each.features["values"].values.tolist() for each in records] == [
        [1.5, 16.0],
        [2.0, 3.0],
    ]


def test_words_in_a_row_stay_words() -> None:
    assert read_examples(b"entity_1,192.0.2.1", "text/csv") == [Row(("entity_1", "192.0.2.1"))]


def test_a_sparse_row_stays_sparse() -> None:
    tensor = Tensor(np.array([1, 4], np.float32), np.array([26, 182], np.uint64), (2000,))
    rows = read_examples(write_records([Record({"values": tensor})]), RECORDS)
    machine = catalogue.find("factorization_machines")
    assert json.loads(body(rows, "application/json", machine, {})) == {
        "instances": [
            {"data": {"features": {"keys": [26, 182], "shape": [2000], "values": [1.0, 4.0]}}}
        ]
    }
    [again] = read_records(body(rows, RECORDS, machine, {}))
    assert again.features["values"].keys is not None
    assert again.features["values"].keys.tolist() == [26, 182]


@pytest.mark.parametrize(
    ("key", "line", "instances"),
    [
        ("blazingtext_word2vec", {"source": "word"}, ["word"]),
        ("seq2seq", {"source": "c a t"}, [{"data": "c a t"}]),
        ("object2vec", {"in0": [1], "in1": [2]}, [{"in0": [1], "in1": [2]}]),
    ],
)
def test_objects_are_wrapped_as_the_algorithm_wants(
    key: str, line: dict[str, Any], instances: list[Any]
) -> None:
    examples = read_examples(json.dumps(line).encode(), "application/jsonlines")
    written = json.loads(body(examples, "application/json", catalogue.find(key), {}))
    assert written["instances"] == instances


def test_text_becomes_numbers_where_records_hold_numbers() -> None:
    examples = read_examples(b'{"source": "c a"}', "application/jsonlines")
    written = body(examples, RECORDS, catalogue.find("seq2seq"), {"a": 7, "c": 5})
    assert read_records(written)[0].features["source"].values.tolist() == [5, 7]


def test_a_picture_is_converted_where_the_content_type_wants_it() -> None:
    drawn = io.BytesIO()
    Image.new("L", (8, 8), 100).save(drawn, "PNG")
    [picture] = read_examples(drawn.getvalue(), "image/png")
    algorithm = catalogue.find("image_classification")
    assert body([picture], "application/x-image", algorithm, {}) == drawn.getvalue()
    assert Image.open(io.BytesIO(body([picture], "image/jpeg", algorithm, {}))).format == "JPEG"


@pytest.mark.parametrize("key", catalogue.keys())
def test_the_catalogues_own_answers_have_their_form(key: str) -> None:
    algorithm = catalogue.find(key)
    for response in algorithm.inference.responses:
        if response.accept.startswith("application/json"):
            check(json.dumps(response.example).encode(), response.accept, [response.example], 1)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"predictions": [{"closest_cluster": 1}]}, "1 entries for 2 examples"),
        ({"predictions": [{"cluster": 1}] * 2}, "has cluster"),
        ({"predictions": [{"closest_cluster": "1"}] * 2}, "is '1'"),
        ({"predictions": {}}, "is no list"),
        ([], "is no object"),
    ],
)
def test_an_answer_of_another_form_is_noticed(answer: Any, problem: str) -> None:
    forms = responses(KMEANS, {})["application/json"]
    with pytest.raises(FormError, match=problem):
        check(json.dumps(answer).encode(), "application/json", forms, 2)


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        ("application/jsonlines", b'{"closest_cluster": 1, "distance_to_cluster": 2}\n'),
        ("text/csv", b"1.0,3.0"),
        (RECORDS, write_records([Record({}, {"closest_cluster": Tensor(np.ones(1, np.float32))})])),
    ],
)
def test_each_example_must_have_its_entry(accept: str, answer: bytes) -> None:
    forms = responses(KMEANS, {})[accept]
    check(answer, accept, forms, 1)
    with pytest.raises(FormError, match="for 3 examples"):
        check(answer, accept, forms, 3)


def test_only_the_forms_of_this_kind_of_model_count() -> None:
    learner = catalogue.find("linear_learner_classification")
    found = responses(learner, {"predictor_type": "binary_classifier"})["application/json"]
    assert found == [{"predictions": [{"score": 0.4, "predicted_label": 0}]}]
