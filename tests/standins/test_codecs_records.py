"""Amazon's protobuf records, and rows made of them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.sparse import csr_matrix

from flywheel.standins.codecs import alike, recordio_rows
from flywheel.standins.codecs.matrix import Matrix, read_matrix, write_rows
from flywheel.standins.codecs.recordio import write_frames
from flywheel.standins.codecs.records import Record, Tensor, read_records, write_records
from flywheel.standins.contract import RefusedError

UNHURRIED = settings(deadline=None)
KIND = "application/x-recordio-protobuf"
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
VALUES = st.sampled_from(["<f4", "<f8", "<i4"]).flatmap(
    lambda kind: arrays.arrays(np.dtype(kind), st.sampled_from([0, 1, 3, 70]))
)
KEYS = arrays.arrays(np.uint64, st.sampled_from([1, 2, 40, 300]))
TENSORS = st.builds(
    Tensor, VALUES, st.none() | KEYS, st.lists(st.integers(0, 2**40), max_size=2).map(tuple)
)
MAPS = st.dictionaries(st.text(max_size=4), TENSORS, max_size=2)
RECORDS = st.lists(
    st.builds(Record, MAPS, MAPS, st.text(max_size=3), st.text(max_size=3)), max_size=3
)


def dense(*values: float) -> Tensor:
    return Tensor(np.array(values, np.float32))


def plain(record: Record) -> Any:
    """For comparing: arrays with their kind."""

    def of(tensors: Any) -> Any:
        return {
            name: (
                tensor.values.dtype.name,
                tensor.values.tobytes(),
                None if tensor.keys is None else tensor.keys.tolist(),
                tensor.shape,
            )
            for name, tensor in tensors.items()
        }

    return of(record.features), of(record.label), record.uid, record.metadata


def rows(features: Any, labels: Any = None, **options: Any) -> Matrix:
    return read_matrix(write_rows(features, labels), KIND, **options)


@UNHURRIED
@given(RECORDS)
def test_records_give_back_what_was_written(records: list[Record]) -> None:
    assert [*map(plain, read_records(write_records(records)))] == [*map(plain, records)]


def test_the_bytes_of_a_record_are_those_of_protocol_buffers() -> None:
    record = Record({"values": Tensor(np.array([1.5], np.float32), np.array([300]), (1000,))})

    assert write_records([record])[8:] == bytes.fromhex(
        "0a1a"  # features, 26 bytes
        "0a0676616c756573"  # key "values"
        "1210"  # value, 16 bytes
        "120e"  # float32_tensor, 14 bytes
        "0a040000c03f"  # values 1.5
        "1202ac02"  # keys 300
        "1a02e807"  # shape 1000
    )


@UNHURRIED
@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=FLOATS))
def test_dense_rows_give_back_features_and_labels(features: Any) -> None:
    labels = np.arange(len(features)) / 4

    read = rows(features, labels, label_size=1, feature_dim=features.shape[1])

    assert np.array_equal(read.features, features)
    assert np.array_equal(read.label, labels)


@UNHURRIED
@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=FLOATS))
def test_sparse_rows_give_back_features_and_labels(features: Any) -> None:
    labels = np.arange(len(features)) / 4

    read = rows(csr_matrix(features), labels)

    assert read.features.shape == features.shape
    assert np.array_equal(read.dense, features)
    assert np.array_equal(read.label, labels)


TWO_KINDS = st.sampled_from(["<f4", "<f8"])


@st.composite
def _nearly_alike(draw: st.DrawFn) -> list[Record]:
    """Dense records of one size, perhaps with one that is different."""
    size = st.tuples(st.integers(1, 4), st.integers(0, 3))
    table = draw(arrays.arrays(np.dtype(draw(TWO_KINDS)), size))
    label = {"values": Tensor(np.array([draw(FLOATS)], draw(TWO_KINDS)))}
    records = [Record({"values": Tensor(row)}, label) for row in table]
    for extra in draw(st.lists(st.builds(Record, MAPS, MAPS), max_size=1)):
        records.insert(draw(st.integers(0, len(records))), extra)
    return records


@UNHURRIED
@given(_nearly_alike())
def test_records_that_are_read_at_once_are_what_they_are_one_by_one(records: list[Record]) -> None:
    data = write_records(records)
    found = alike.read_alike(data)
    if found is not None:
        each = read_records(data)
        features = [record.features["values"].values for record in each]
        assert found[0].tobytes() == np.stack(features).tobytes()
        assert (found[1] is None) == (not each[0].label)
        if found[1] is not None:
            labels = [record.label["values"].values for record in each]
            assert found[1].tobytes() == np.stack(labels).tobytes()


@pytest.mark.parametrize(
    "second",
    [
        Record({"values": dense(1, 2)}, {"values": dense(3, 4)}),
        Record({"valuez": dense(1, 2, 3)}, {"values": dense(4)}),
    ],
)
def test_records_of_the_same_length_but_another_form_are_not_read_at_once(second: Record) -> None:
    first = Record({"values": dense(1, 2, 3)}, {"values": dense(4)})
    data = write_records([first, second])
    assert len(write_records([first])) == len(write_records([second]))

    assert alike.read_alike(data) is None
    assert alike.read_alike(write_records([first, first])) is not None


def test_records_with_float64_labels_of_their_own_are_read_at_once() -> None:
    data = write_records(
        Record({"values": Tensor(np.full(3, i, np.float32))}, {"values": Tensor(np.array([i / 7]))})
        for i in range(5)
    )

    found = alike.read_alike(data)

    assert found is not None
    assert found[0].tolist() == [[i] * 3 for i in range(5)]
    assert found[1] is not None
    assert found[1].ravel().tolist() == [i / 7 for i in range(5)]


def test_a_row_of_zeros_that_has_only_a_shape_is_a_sparse_row() -> None:
    empty = Record({"values": Tensor(np.empty(0, np.float32), None, (4,))})

    assert read_matrix(write_records([empty]), KIND).dense.tolist() == [[0, 0, 0, 0]]


def test_labels_are_none_where_no_record_has_one() -> None:
    assert rows(np.ones((2, 3))).labels is None


def test_whole_numbers_become_features_as_well() -> None:
    record = Record({"values": Tensor(np.array([3, -5, 2**31 - 1], np.int32))})

    assert read_records(write_records([record]))[0].features["values"].values.tolist() == [
        3,
        -5,
        2**31 - 1,
    ]
    assert read_matrix(write_records([record]), KIND).features.dtype == np.float32


def sparse(values: list[float], keys: list[int], *shape: int) -> Tensor:
    return Tensor(np.array(values, np.float32), np.array(keys, np.uint64), shape)


@pytest.mark.parametrize(
    ("tensors", "options", "said"),
    [
        ([dense(1, 2), dense(1)], {}, "record 2 has 1 features; it must have 2"),
        ([dense(1, 2)], {"feature_dim": 3}, "record 1 has 2 features; it must have 3"),
        ([dense(1, 2)], {"label_size": 1}, "the records have no label"),
        ([dense(1), dense(1, 2)], {"feature_dim": 1}, "record 2 has 2 features; it must have 1"),
        ([dense(1, np.inf)], {}, "row 1, column 2 is no finite float32 number"),
        ([dense(1), dense(np.nan)], {}, "row 2, column 1 is missing"),
        ([sparse([1], [5], 5)], {}, "record 1 has key 5 and 5 features"),
        ([sparse([1], [5])], {"feature_dim": 5}, "record 1 has 6 features; it may have 5"),
        ([sparse([1, 2], [5])], {}, "record 1 has 2 values and 1 keys"),
        ([sparse([1], [2**63])], {}, "keys must be smaller"),
        ([sparse([np.nan], [3], 9)], {}, "row 1, index 3 is missing"),
    ],
)
def test_records_that_are_no_rows_of_one_matrix_are_refused(
    tensors: list[Tensor], options: Any, said: str
) -> None:
    data = write_records(Record({"values": tensor}) for tensor in tensors)

    with pytest.raises(RefusedError) as caught:
        read_matrix(data, KIND, **options)

    assert said in str(caught.value)


def test_labels_that_only_some_records_have_are_refused() -> None:
    one = Record({"values": dense(1)}, {"values": dense(1)})

    with pytest.raises(RefusedError, match="record 2 has no label"):
        read_matrix(write_records([one, Record({"values": dense(1)})]), KIND)


def test_missing_values_are_kept_where_they_may_be() -> None:
    read = rows(np.array([[1, np.nan]]), allow_missing=True)

    assert np.array_equal(read.features, np.array([[1, np.nan]], np.float32), equal_nan=True)


@pytest.mark.parametrize(
    "message",
    [
        b"\x0a",  # a field that ends before its length
        b"\x0a\x05abc",  # a field that ends behind the message
        b"\x0b\x01",  # a group, which Amazon's records do not have
        b"\x00\x01",  # field number 0
        b"\x0a\x06\x12\x04\x12\x02\x0a\x05",  # values that end behind their tensor
        b"\x0a\x08\x12\x06\x12\x04\x0a\x02ab",  # two bytes as float32
        b"\x0a\x06\x12\x04\x4a\x02\x0a\x00",  # bytes instead of a tensor
        b"\x0a\x03\x0a\x01\xff",  # a name that is no UTF-8
    ],
)
def test_a_frame_that_holds_no_record_is_refused_with_its_number(message: bytes) -> None:
    with pytest.raises(RefusedError, match="record 2 cannot be read as Amazon's protobuf record"):
        read_records(write_frames([b"", message]))


def test_the_features_may_have_another_name_if_it_is_the_only_one() -> None:
    assert recordio_rows.rows_of([Record({"x": dense(1, 2)})], 0, None, False)[0].tolist() == [
        [1, 2]
    ]
    with pytest.raises(RefusedError, match="record 1 has no features named values"):
        recordio_rows.rows_of([Record({"x": dense(1), "y": dense(1)})], 0, None, False)
