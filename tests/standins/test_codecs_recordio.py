"""RecordIO: the frames of records and of images."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flywheel.standins.codecs.image_records import (
    ImageRecord,
    ListedImage,
    read_groups,
    read_image_records,
    read_list,
    write_image_records,
)
from flywheel.standins.codecs.recordio import MAGIC, read_frames, write_frames
from flywheel.standins.contract import RefusedError

UNHURRIED = settings(deadline=None)
MARK = struct.pack("<I", MAGIC)
PAYLOADS = st.lists(
    st.lists(st.binary(max_size=9) | st.just(MARK), max_size=5).map(b"".join), max_size=5
)


@UNHURRIED
@given(PAYLOADS, st.booleans())
def test_frames_give_back_what_was_written_with_magic_numbers_inside_too(
    payloads: list[bytes], cut: bool
) -> None:
    assert read_frames(write_frames(payloads, cut=cut)) == payloads


@UNHURRIED
@given(PAYLOADS)
def test_a_cut_file_has_the_magic_number_at_a_multiple_of_four_bytes_only_where_frames_begin(
    payloads: list[bytes],
) -> None:
    data = write_frames(payloads, cut=True)

    position, begins = 0, []
    while position < len(data):
        begins.append(position)
        length = struct.unpack_from("<I", data, position + 4)[0] & (1 << 29) - 1
        position += 8 + (length + 3) // 4 * 4
    found = [at for at in range(0, len(data), 4) if data[at : at + 4] == MARK]
    assert found == begins


def test_a_frame_is_magic_length_payload_and_padding() -> None:
    assert write_frames([b"abcde"]) == MARK + struct.pack("<I", 5) + b"abcde\0\0\0"


def test_parts_are_put_together_with_the_magic_number_between_them() -> None:
    parts = [(1, b"abcd"), (2, b""), (3, b"ef")]
    data = b"".join(
        MARK + struct.pack("<I", kind << 29 | len(part)) + part + bytes(-len(part) % 4)
        for kind, part in parts
    )

    assert read_frames(data) == [b"abcd" + MARK + MARK + b"ef"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"abc", "ends within the header"),
        (b"abcdefgh", "no magic number"),
        (MARK + struct.pack("<I", 5) + b"abcd", "ends within a frame"),
        (MARK + struct.pack("<I", 1 << 29), "within a record of several parts"),
        (MARK + struct.pack("<I", 3 << 29), "parts of a record in a wrong order"),
        (write_frames([b"abcd"]) + b"xxxxxxxx", "(record 2, byte 12)"),
    ],
)
def test_what_is_no_recordio_is_refused_with_the_place(data: bytes, said: str) -> None:
    with pytest.raises(RefusedError, match=r"must be written as RecordIO") as caught:
        read_frames(data)

    assert said in str(caught.value)


@UNHURRIED
@given(
    st.lists(
        st.builds(
            ImageRecord,
            st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=4).map(tuple),
            st.binary(max_size=20) | st.just(MARK),
            st.integers(0, 2**64 - 1),
        ),
        max_size=4,
    )
)
def test_images_keep_their_labels_and_ids(images: list[ImageRecord]) -> None:
    assert read_image_records(write_image_records(images)) == images


def test_a_single_label_stands_in_the_header_and_several_follow_it() -> None:
    one, many = read_frames(
        write_image_records([ImageRecord((3.0,), b"jpeg", 7), ImageRecord((1.0, 2.0), b"jpeg", 8)])
    )

    assert one == struct.pack("<IfQQ", 0, 3.0, 7, 0) + b"jpeg"
    assert many == struct.pack("<IfQQ2f", 2, 0.0, 8, 0, 1.0, 2.0) + b"jpeg"


@pytest.mark.parametrize("frame", [b"short", struct.pack("<IfQQ", 9, 0.0, 1, 0) + b"jpeg"])
def test_an_image_record_without_its_header_or_labels_is_refused(frame: bytes) -> None:
    with pytest.raises(RefusedError, match="record 1"):
        read_image_records(write_frames([frame]))


def test_a_list_of_images_has_index_labels_and_path() -> None:
    data = b"5\t1.000000\tcats/a b.jpg\n\n6\t0\t1\tdogs/c.jpg\r\n"

    assert read_list(data) == [
        ListedImage(5, (1.0,), "cats/a b.jpg"),
        ListedImage(6, (0.0, 1.0), "dogs/c.jpg"),
    ]


@pytest.mark.parametrize("line", [b"5\tcat.jpg", b"x\t1\ta.jpg", b"5 1 a.jpg", b"5\tnone\ta.jpg"])
def test_a_line_that_is_no_list_entry_is_refused_with_its_number(line: bytes) -> None:
    with pytest.raises(RefusedError, match=r"line 2 .* with tabs between"):
        read_list(b"1\t1\ta.jpg\n" + line)


def test_the_attributes_of_an_augmented_manifest_come_in_pairs() -> None:
    frames = write_frames([b"image 1", b"{}", b"image 2", b"[]"])

    assert read_groups(frames, 2) == [(b"image 1", b"{}"), (b"image 2", b"[]")]
    with pytest.raises(RefusedError, match="there are 4 attributes; a line has 3"):
        read_groups(frames, 3)


def test_many_frames_are_read_in_order() -> None:
    payloads = [np.random.default_rng(seed).bytes(seed % 50) for seed in range(500)]

    assert read_frames(write_frames(payloads)) == payloads
