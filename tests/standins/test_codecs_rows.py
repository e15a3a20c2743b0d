"""Rows of numbers from CSV, libsvm and the files of a channel."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from flywheel.standins.codecs.matrix import read_channel, read_matrix, write_rows
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Channel

UNHURRIED = settings(deadline=None)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
TABLES = arrays.arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(2, 5)), elements=FLOATS)


def csv(text: str, **options: Any) -> Any:
    return read_matrix(text.encode(), "text/csv", **options)


def libsvm(text: str, **options: Any) -> Any:
    return read_matrix(text.encode(), "text/libsvm", **options)


@UNHURRIED
@given(TABLES, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_csv_gives_back_every_number_as_it_was(table: Any, newline: str, last: bool) -> None:
    text = newline.join(",".join(repr(float(cell)) for cell in row) for row in table)

    read = csv(text + newline * last, label_size=1)

    assert np.array_equal(read.features, table[:, 1:])
    assert np.array_equal(read.label, table[:, 0].astype(np.float64))


def test_labels_are_the_first_columns() -> None:
    read = csv("1,2,3\n4,5,6", label_size=2)

    assert read.labels.tolist() == [[1, 2], [4, 5]]
    assert read.features.tolist() == [[3], [6]]
    with pytest.raises(RefusedError, match="a row has 2 labels; the algorithm needs exactly one"):
        _ = read.label


def test_spaces_around_numbers_a_byte_order_mark_and_empty_lines_do_no_harm() -> None:
    assert csv("\ufeff 1 , 2\n\n3,4\n\n").features.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("a,b\n1,2", {}, "row 1, column 1 is 'a'; it must be a number. CSV has no header here."),
        ("1,2\n3,x", {}, "row 2, column 2 is 'x'; it must be a number."),
        ("1,2\n3", {}, "row 2 has 1 columns; the rows above have 2"),
        ("1,2\n\n3,4,5", {}, "row 3 has 3 columns; the rows above have 2"),
        ("1,,2", {}, "row 1, column 2 is ''"),
        ('"1","2"', {}, "row 1, column 1 is '\"1\"'"),
        ("1,nan", {}, "row 1, column 2 is missing; it must be a finite number"),
        ("1,2\n1,1e39", {}, "row 2, column 2 is no finite float32 number"),
        ("inf,2", {"label_size": 1}, "row 1, column 1 is no finite float32 number"),
        ("1,2", {"feature_dim": 3}, "a row has 2 columns; it must have 3 features"),
        ("1,2", {"feature_dim": 2, "label_size": 1}, "it must have 2 features and 1 labels"),
        ("1\n2", {"label_size": 1}, "there must be a feature as well"),
        ("1_0,2", {}, "row 1, column 1 is '1_0'"),
        ("1;2", {}, "row 1, column 1 is '1;2'"),
        ("1,\n\n2,x", {"allow_missing": True}, "row 3, column 2 is 'x'"),
        ("1,\n-inf,1", {"allow_missing": True}, "row 2, column 1 is no finite float32 number"),
    ],
)
def test_csv_that_is_no_table_of_numbers_is_refused_with_row_and_column(
    text: str, options: Any, said: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        csv(text, **options)

    assert said in str(caught.value)


@UNHURRIED
@given(
    st.lists(
        st.lists(st.sampled_from(["", "1.5", "nan", " "]), min_size=2, max_size=2),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(",;\t"),
)
def test_empty_cells_are_missing_values_where_they_may_be(cells: Any, mark: str) -> None:
    text = "\n".join(mark.join(row) for row in cells)

    read = csv(text, allow_missing=True, delimiter=mark)

    wanted = [[1.5 if cell == "1.5" else np.nan for cell in row] for row in cells]
    assert np.array_equal(read.features, np.array(wanted, np.float32), equal_nan=True)


def test_libsvm_counts_features_from_zero_in_training_data() -> None:
    read = libsvm("1 0:1.5 3:2 # a remark\n-1 1:0.5\n", label_size=1)

    assert read.dense.tolist() == [[1.5, 0, 0, 2], [0, 0.5, 0, 0]]
    assert read.label.tolist() == [1, -1]
    assert libsvm("1 1:1.5", label_size=1).dense.tolist() == [[0, 1.5]]


def test_a_request_counts_from_one_where_no_row_has_index_zero() -> None:
    assert libsvm("1:1.5 3:2\n2:1").dense.tolist() == [[1.5, 0, 2], [0, 1, 0]]
    assert libsvm("1:1.5\n0:1").dense.tolist() == [[0, 1.5], [1, 0]]


def test_a_request_may_have_labels_which_are_passed_over() -> None:
    read = libsvm("1 0:1.5\n0:2", feature_dim=3)

    assert read.dense.tolist() == [[1.5, 0, 0], [2, 0, 0]]
    assert read.labels is None


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("1 a:2", {}, "line 1 has 'a:2'; it must be index:value"),
        ("1 0:1 2", {}, "line 1 has '2'"),
        ("1 0:x", {}, "line 1: the value of index 0 is 'x'"),
        ("x 0:1", {}, "line 1: the label is 'x'"),
        ("1 -1:2", {}, "line 1 has '-1:2'"),
        ("1 9999999999:2", {}, "line 1 has index 9999999999"),
        ("1 0:1\n0:1", {"label_size": 1}, "2 lines have 1 labels"),
        ("1 5:1", {"label_size": 1, "feature_dim": 5}, "the largest index is 5"),
        ("1 0:nan", {"label_size": 1}, "row 1, index 0 is missing"),
        ("1 0:1e39", {"label_size": 1}, "row 1, index 0 is no finite float32 number"),
    ],
)
def test_libsvm_that_cannot_be_read_is_refused_with_its_line(
    text: str, options: Any, said: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        libsvm(text, **options)

    assert said in str(caught.value)


def test_an_unknown_content_type_is_refused_with_status_415() -> None:
    with pytest.raises(RefusedError, match="it must be one of text/csv") as caught:
        read_matrix(b"1", "text/html")

    assert caught.value.status_code == 415


def channel(
    folder: Path, files: dict[str, bytes], content_type: str | None = "text/csv", **parameters: str
) -> Channel:
    paths = []
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        paths.append(path)
    return Channel("train", folder, content_type, parameters, tuple(sorted(paths)))


def test_a_channel_is_all_its_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    files = {"b/1.csv": b"5,6\n", "a/2.csv": b"3,4\n", "a/1.csv": b"1,2", "_SUCCESS": b"", "e": b""}

    read = read_channel(channel(tmp_path, files), label_size=1)

    assert read.label.tolist() == [1, 3, 5]
    assert read.features.tolist() == [[2], [4], [6]]


def test_the_label_size_of_a_channel_comes_before_that_of_the_algorithm(tmp_path: Path) -> None:
    train = channel(tmp_path, {"a": b"1,2"}, label_size="0")

    assert read_channel(train, label_size=1).labels is None


def test_sparse_files_of_different_widths_become_one_matrix(tmp_path: Path) -> None:
    files = {"a": b"1 0:1", "b": b"0 3:1"}

    read = read_channel(channel(tmp_path, files, "text/libsvm"), label_size=1)

    assert read.dense.tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "channel train has no rows"),
        ({"a": b"\n"}, "channel train has no rows"),
        ({"a": b"1,2", "b": b"1,2,3"}, "the files of channel train have 2 and 3 features"),
        ({"a": b"1,2", "b": b"1,x"}, "channel train, file b: row 1, column 2 is 'x'"),
    ],
)
def test_a_channel_that_cannot_be_read_is_refused_with_its_name(
    tmp_path: Path, files: dict[str, bytes], said: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        read_channel(channel(tmp_path, files))

    assert said in str(caught.value)


def test_records_of_several_files_are_joined_dense_with_sparse(tmp_path: Path) -> None:
    from scipy.sparse import csr_matrix

    table: Any = np.eye(3, dtype=np.float32)
    files = {"a": write_rows(table, [0, 1, 2]), "b": write_rows(csr_matrix(table), [3, 4, 5])}

    read = read_channel(channel(tmp_path, files, "application/x-recordio-protobuf"), label_size=1)

    assert np.array_equal(read.dense, np.concatenate([table, table]))
    assert read.label.tolist() == [0, 1, 2, 3, 4, 5]
