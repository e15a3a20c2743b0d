"""What the stand-ins for images share: batches, early stopping, the forms of a channel."""

from __future__ import annotations

import numpy as np
import pytest

from flywheel.standins.contract import RefusedError, Request
from flywheel.standins.vision import batches
from flywheel.standins.vision.examples import read_json_label
from flywheel.standins.vision.requests import check_content_type
from flywheel.standins.vision.stopping import EarlyStopping


@pytest.mark.parametrize(("count", "size"), [(10, 3), (10, 10), (10, 32), (1, 4), (7, 1)])
def test_an_epoch_has_every_example_in_batches_of_one_size(count: int, size: int) -> None:
    epoch = list(batches.shuffled(count, size, np.random.default_rng(0)))
    assert len(epoch) == batches.num_batches(count, size)
    assert len({len(batch) for batch in epoch}) == 1
    assert len(epoch[0]) >= 2  # batch normalisation needs two
    assert set(np.concatenate(epoch)) == set(range(count))


def test_epochs_differ_in_their_order() -> None:
    random = np.random.default_rng(0)
    first, second = (np.concatenate(list(batches.shuffled(20, 5, random))) for _ in range(2))
    assert first.tolist() != second.tolist()


def ended_after(stopping: EarlyStopping, metrics: list[float]) -> int | None:
    for number, metric in enumerate(metrics, start=1):
        if stopping.ends(number, metric):
            return number
    return None


def test_training_ends_after_as_many_epochs_without_improvement_as_patience_says() -> None:
    metrics = [0.1, 0.3, 0.3, 0.29, 0.3, 0.9]
    assert ended_after(EarlyStopping(True, 1, 3), metrics) == 5
    assert ended_after(EarlyStopping(True, 1, 2), metrics) == 4
    assert ended_after(EarlyStopping(True, 6, 2), metrics) is None
    assert ended_after(EarlyStopping(False, 1, 2), metrics) is None


def test_an_improvement_below_the_tolerance_is_none() -> None:
    metrics = [0.50, 0.52, 0.54, 0.56]
    assert ended_after(EarlyStopping(True, 1, 2, tolerance=0.1), metrics) == 3
    assert ended_after(EarlyStopping(True, 1, 2, tolerance=0.03), metrics) is None


def test_an_improvement_from_nothing_counts() -> None:
    assert ended_after(EarlyStopping(True, 1, 2, tolerance=0.5), [0.0, 0.0, 0.01, 0.0]) is None


def test_a_label_is_read_also_where_it_is_json_in_a_text() -> None:
    assert read_json_label(b"1", "it") == 1
    assert read_json_label(b'"[1, 0]"', "it") == [1, 0]
    with pytest.raises(RefusedError, match="line 3 has the label 'cat'; it must be JSON"):
        read_json_label(b"cat", "line 3")


def test_other_content_types_than_the_catalogues_get_415() -> None:
    check_content_type("object_detection", Request(b"", "image/png", {}, None))
    with pytest.raises(RefusedError, match="image/jpeg, image/png, application/x-image") as refused:
        check_content_type("object_detection", Request(b"", "text/csv", {}, None))
    assert refused.value.status_code == 415
