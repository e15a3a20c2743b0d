"""What the stand-ins for images share: batches, early stopping, the forms of a channel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flywheel.local_aws.images import ImageCatalogue
from flywheel.standins.contract import RefusedError, Request
from flywheel.standins.vision import batches
from flywheel.standins.vision.examples import read_json_label
from flywheel.standins.vision.requests import check_content_type
from flywheel.standins.vision.stopping import EarlyStopping
from tests.standins.container import Container


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


# What follows runs in the environment of the image.


@pytest.fixture(scope="module")
def side(images: ImageCatalogue, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    python = images.python("image-classification:1")
    script = Path(__file__).with_name("fit_side.py")
    done = Container(python, tmp_path_factory.mktemp("vision")).run([script], {})
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return results


@pytest.mark.algorithms
@pytest.mark.xdist_group("standin-torch")
class TestInItsEnvironment:
    def test_the_model_is_that_of_the_best_epoch(self, side: dict[str, Any]) -> None:
        trained = side["best in between"]
        assert trained["seen"] == [-0.2, -0.4, -0.6, -0.8]
        assert (trained["best"], trained["final"]) == (2, -0.4)
        lines = [line for line in trained["log"].splitlines() if "validation:score" in line]
        assert [line.rpartition("=")[2] for line in lines] == ["0.1", "0.9", "0.2", "0.3", "0.9"]

    def test_of_equally_good_epochs_the_last_one_counts(self, side: dict[str, Any]) -> None:
        assert (side["equals"]["best"], side["equals"]["final"]) == (4, -0.8)

    def test_a_loss_beyond_all_numbers_is_the_senders_mistake(self, side: dict[str, Any]) -> None:
        assert "in epoch 1; give a smaller learning_rate" in side["infinite"]["refused"]

    def test_adadelta_knows_no_learning_rate(self, side: dict[str, Any]) -> None:
        steps = np.diff([0, *side["frozen schedule"]["seen"]])
        assert (steps < 0).all()
        assert abs(steps[-1]) > abs(steps[0])

    def test_the_learning_rate_falls_after_the_epochs_that_are_named(
        self, side: dict[str, Any]
    ) -> None:
        assert side["step"] == [1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]
        assert side["no step"] == [1] * 8

    def test_the_learning_rate_falls_to_nothing_by_a_power_or_a_cosine(
        self, side: dict[str, Any]
    ) -> None:
        for name, middle in (("poly", 0.5**0.9), ("cosine", 0.5)):
            assert side[name][0] == 1
            assert side[name][4] == pytest.approx(middle, abs=1e-3)
            assert (np.diff(side[name]) < 0).all()
            assert 0 < side[name][7] < 0.2
