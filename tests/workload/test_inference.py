"""The endpoint's script: every format in and out, and a reason for every refusal."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.workload import sample
from tests.workload.conftest import Answer, Endpoint, Trained, serving_environment

Flight = dict[str, Any]
CATEGORIES = ("carrier", "origin")


@pytest.fixture(scope="module")
def names() -> list[str]:
    """The model's features, in the order of the table that it learnt from."""
    settings = sample.settings()
    left_out = str(settings.training.hyperparameters["not_features"]).split(",")
    return [name for name in settings.data.tables.features if name not in {*left_out, "late"}]


@pytest.fixture(scope="module")
def flights(features: Path, names: list[str]) -> list[Flight]:
    """A hundred flights that the model has not seen; some values are missing."""
    source = f"{features}/month={sample.HOLDOUT}/*.parquet"
    with duckdb.connect() as database:
        rows = database.execute(f"SELECT {', '.join(names)} FROM '{source}' LIMIT 100").fetchall()
    assert any(None in row for row in rows)
    return [dict(zip(names, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def expected(endpoint: Endpoint, flights: list[Flight]) -> list[float]:
    """The probabilities, as JSON objects get them."""
    return ask_json(endpoint, {"instances": flights}).probabilities()


def ask_json(endpoint: Endpoint, content: Any) -> Answer:
    return endpoint.ask(json.dumps(content), "application/json")


def as_csv(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def npy(descr: Any, shape: tuple[int, ...], content: bytes, version: int = 1) -> bytes:
    """An NPY file. Source: NumPy Enhancement Proposal 1."""
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode() + b"\n"
    size = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + content


def texts(rows: list[list[Any]], width: int = 24) -> bytes:
    """Values as NumPy's fixed-width text."""
    cells = ("" if value is None else str(value) for row in rows for value in row)
    return b"".join(cell.ljust(width, "\0").encode("utf-32-le") for cell in cells)


# Requests


def test_probabilities_differ_and_follow_what_the_model_learnt(
    expected: list[float], flights: list[Flight]
) -> None:
    late = [
        p for p, row in zip(expected, flights, strict=True) if (row["prev_arr_delay"] or 0) > 60
    ]
    early = [
        p for p, row in zip(expected, flights, strict=True) if (row["prev_arr_delay"] or 0) < 0
    ]

    assert min(late) > max(early)


def test_json_lists_are_in_the_models_order(
    endpoint: Endpoint, flights: list[Flight], expected: list[float]
) -> None:
    bare = [list(row.values()) for row in flights]

    assert ask_json(endpoint, bare).probabilities() == expected
    assert ask_json(endpoint, {"instances": bare}).probabilities() == expected


def test_json_lines_hold_one_instance_each(
    endpoint: Endpoint, flights: list[Flight], expected: list[float]
) -> None:
    body = "\n".join(json.dumps(row) for row in flights)

    assert endpoint.ask(body, "application/jsonlines").probabilities() == expected


def test_csv_is_in_the_models_order(
    endpoint: Endpoint, flights: list[Flight], expected: list[float]
) -> None:
    body = as_csv([list(row.values()) for row in flights])

    assert endpoint.ask(body, "text/csv; charset=utf-8").probabilities() == expected


def test_csv_below_a_header_may_be_in_any_order(
    endpoint: Endpoint, flights: list[Flight], expected: list[float], names: list[str]
) -> None:
    order = names[::-1]
    body = as_csv([order, *([row[name] for name in order] for row in flights)])

    assert endpoint.ask(body, "text/csv").probabilities() == expected


def test_parquet_of_the_features_zone_can_be_sent_as_it_is(
    endpoint: Endpoint, features: Path, expected: list[float]
) -> None:
    (file,) = (features / f"month={sample.HOLDOUT}").glob("*.parquet")
    answer = endpoint.ask(file.read_bytes(), "application/x-parquet")

    assert answer.probabilities()[:100] == expected


@pytest.mark.parametrize("version", [1, 2])
def test_npy_of_texts_is_in_the_models_order(
    endpoint: Endpoint, flights: list[Flight], expected: list[float], version: int
) -> None:
    rows = [list(row.values()) for row in flights]
    body = npy("<U24", (100, len(rows[0])), texts(rows), version)

    assert endpoint.ask(body, "application/x-npy").probabilities() == expected


def test_npy_with_fields_names_its_features(endpoint: Endpoint) -> None:
    fields = [("carrier", "<U24"), ("prev_arr_delay", "<U24")]
    body = npy(fields, (2,), texts([["UA", 80], ["AA", None]]))
    answer = endpoint.ask(body, "application/x-npy")
    same = [{"carrier": "UA", "prev_arr_delay": 80}, {"carrier": "AA"}]

    assert answer.probabilities() == ask_json(endpoint, same).probabilities()


@pytest.mark.parametrize("missing", [None, "", float("nan"), "NaN", "NA"])
def test_every_way_to_say_nothing_is_a_missing_value(
    endpoint: Endpoint, flights: list[Flight], missing: Any
) -> None:
    given = flights[0]
    without = {name: v for name, v in given.items() if name not in {"carrier", "prev_arr_delay"}}
    spelt = given | {"carrier": missing, "prev_arr_delay": missing}
    left_out, said = ask_json(endpoint, [without, spelt]).probabilities()

    assert left_out == said


def test_a_carrier_that_the_model_never_saw_is_missing(
    endpoint: Endpoint, flights: list[Flight]
) -> None:
    unknown, missing, known = (flights[0] | {"carrier": name} for name in ("ZZ", None, "UA"))
    first, second, third = ask_json(endpoint, [unknown, missing, known]).probabilities()

    assert first == second != third


# Answers


def test_a_prediction_is_late_from_a_probability_of_one_half(
    endpoint: Endpoint, flights: list[Flight]
) -> None:
    answer = ask_json(endpoint, {"instances": flights})
    predictions = json.loads(answer.body)["predictions"]

    assert answer.content_type == "application/json"
    assert {row["late"] for row in predictions} == {True, False}
    assert all(row["late"] == (row["probability"] >= 0.5) for row in predictions)


def test_answers_come_in_the_accepted_format(
    endpoint: Endpoint, flights: list[Flight], expected: list[float]
) -> None:
    body = json.dumps(flights)
    lines = endpoint.ask(body, "application/json", "application/jsonlines")
    table = endpoint.ask(body, "application/json", "image/png, text/csv;q=0.5")

    assert lines.content_type == "application/jsonlines"
    assert [json.loads(row)["probability"] for row in lines.body.splitlines()] == expected
    assert table.content_type == "text/csv"
    assert [float(row) for row in table.body.splitlines()] == expected


# Refusals


def test_a_misspelt_feature_is_refused_with_the_nearest(endpoint: Endpoint) -> None:
    answer = ask_json(endpoint, [{"prev_arr_dely": 3}])

    assert answer.status == 400
    assert answer.body == (
        '"prev_arr_dely" is not a feature of this model; the nearest is prev_arr_delay.'
    )


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        ("application/json", "{", "The body is not JSON"),
        ("application/json", "[" * 100_000, "The body is not JSON"),
        ("application/jsonlines", b"\xff", "not UTF-8"),
        ("application/json", "null", "must be a list of objects or of lists"),
        ("application/json", '{"rows": []}', 'must be {"instances": [...]}'),
        ("application/json", "[]", "has 0 rows"),
        ("application/json", "[1]", "Every instance must be an object, or every one a list"),
        ("application/json", "[{}, []]", "Every instance must be an object, or every one a list"),
        ("application/json", "[[1, 2]]", "A row has 2 values; the model has the 23 features"),
        ("application/json", '[{"distance": "far"}]', 'distance in row 1 is "far"; it must be a'),
        ("application/json", '[{}, {"distance": true}]', "distance in row 2 is true; it must be"),
        ("application/json", '[{"distance": [1]}]', "it must be a finite number"),
        ("application/json", '[{"distance": Infinity}]', "it must be a finite number"),
        ("application/json", '[{"distance": 1e39}]', "it must be a finite number"),
        ("application/json", f'[{{"distance": {"9" * 400}}}]', "it must be a finite number"),
        ("application/json", '[{"carrier": 7}]', "carrier in row 1 is 7; send text such as"),
        ("application/jsonlines", "{}\n{", "Line 2 is not JSON"),
        ("text/csv", "", "has 0 rows"),
        ("text/csv", "1,2\n1\n", "Row 2 has 1 values, row 1 has 2"),
        ("text/csv", 'a"b,"c\n', "The body is not CSV"),
        ("text/csv", "carrier,distence\nUA,1\n", '"distence" is not a feature'),
        ("text/csv", "carrier,carrier\nUA,UA\n", "the same name twice"),
        ("text/csv", "carrier\n", "a header and no row"),
        ("application/x-parquet", b"PAR1", "not a Parquet file"),
        ("application/x-npy", b"\x93NUMPY", "not an NPY array"),
        ("application/x-npy", npy("<f8", (2, 23), b""), "cut off or too long"),
        ("application/x-npy", npy("<f8", (10**12, 10**12), b""), "cut off or too long"),
        ("application/x-npy", npy("<f8", (1,), bytes(8)), "1-dimensional"),
        ("application/x-npy", npy("<f8", (1, 23), bytes(8 * 23)), "carrier in row 1 is 0.0"),
    ],
)
def test_a_bad_request_is_answered_with_what_was_expected(
    endpoint: Endpoint, content_type: str, body: str | bytes, message: str
) -> None:
    answer = endpoint.ask(body, content_type)

    assert answer.status == 400
    assert message in answer.body


def test_a_pickled_request_is_never_unpickled(endpoint: Endpoint) -> None:
    bomb = b"cbuiltins\nexit\n(I7\ntR."  # unpickling it would end the process
    answer = endpoint.ask(npy("|O", (1,), bomb), "application/x-npy")

    assert (answer.status, "Python objects" in answer.body) == (400, True)


def test_a_parquet_file_of_too_many_rows_is_refused_before_it_is_read(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    with duckdb.connect() as database:
        file = tmp_path / "long.parquet"
        database.execute(f"COPY (SELECT 'UA' AS carrier FROM range(100001)) TO '{file}'")
    answer = endpoint.ask(file.read_bytes(), "application/x-parquet")

    assert (answer.status, answer.body) == (400, "The request has 100001 rows; send 1 to 100000.")


def test_formats_that_do_not_exist_are_refused_by_their_own_status(endpoint: Endpoint) -> None:
    given = endpoint.ask("x", "text/plain")
    asked = endpoint.ask("[{}]", "application/json", "image/png")

    assert (given.status, asked.status) == (415, 406)
    assert "send application/json, application/jsonlines, text/csv" in given.body
    assert "answers application/json, application/jsonlines, text/csv" in asked.body


@pytest.mark.parametrize("digest", ["0" * 64, ""])
def test_a_model_of_another_hash_is_not_loaded(trained: Trained, digest: str) -> None:
    done = subprocess.run(
        [trained.run.python, Path(__file__).with_name("ask_model.py")],
        env=serving_environment(trained.run, digest),
        input="",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert f"model.ubj has the SHA-256 {trained.run.sha256()}, but MODEL_SHA256 is" in done.stderr
