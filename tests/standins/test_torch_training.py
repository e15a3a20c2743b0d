"""What the stand-ins on torch share, each part by itself, in the environment of their image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flywheel.local_aws.images import ImageCatalogue
from tests.standins.container import Container

pytestmark = [pytest.mark.algorithms, pytest.mark.xdist_group("standin-torch")]
SIDE = Path(__file__).with_name("torch_side.py")


@pytest.fixture(scope="module")
def found(images: ImageCatalogue, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    container = Container(images.python("ntm:1"), tmp_path_factory.mktemp("torch"))
    done = container.run([SIDE], {})
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return results


def test_the_parameters_of_the_smallest_loss_come_back(found: dict[str, Any]) -> None:
    weight, taken, said = found["best_state"]
    assert (weight, taken) == (1.0, [True, True, False])
    assert "set learning_rate lower" in said


def test_training_is_over_when_the_loss_hardly_fell_for_long_enough(found: dict[str, Any]) -> None:
    # 0.95 is too little less than 1, 0.85 is enough; 0.84 and 0.83 are not, against 0.85.
    assert found["early_stopping"] == [False, False, False, False, True]


def test_gradients_are_rescaled_before_they_are_cut(found: dict[str, Any]) -> None:
    assert found["limited"] == [0.5, -2.0, 0.25]


def test_every_optimizer_goes_down_the_slope(found: dict[str, Any]) -> None:
    assert found["optimizers"] == dict.fromkeys(found["optimizers"], True)


def test_with_buckets_only_alike_lengths_come_together(found: dict[str, Any]) -> None:
    together, mixed, longest, fixed = found["buckets"]
    assert sorted(length for batch in together for length in batch) == [1, 2, 3, 9, 10, 11, 20]
    assert all(len({(length - 1) // 5 for length in batch}) == 1 for batch in together)
    assert mixed == [3, 3, 1]
    assert (longest, fixed) == ([[7, 0], [8, 9]], [[7, -1, -1]])


def test_a_file_that_is_not_ours_is_refused_and_nothing_in_it_is_run(found: dict[str, Any]) -> None:
    config, parameters, said, was_run = found["files"]
    assert (config, parameters) == ({"a": 1}, ["bias", "weight"])
    assert "model is no model of a stand-in" in said[0]
    assert said[1] == "the model has no file none"
    assert not was_run


def test_negative_samples_are_labelled_0_and_made_of_positive_pairs(found: dict[str, Any]) -> None:
    assert found["negatives"] == [[[1], [2], [1], [1]], [True] * 4, [1.0, 0.0, 0.0, 0.0]]


def test_comparators_stand_in_the_order_in_which_they_are_named(found: dict[str, Any]) -> None:
    assert found["comparators"] == [[2.0, 3.0, 3.0, 10.0, 1.0, 5.0, 3.0, 2.0]]


def test_a_beam_that_is_wide_enough_finds_the_best_of_all_targets(found: dict[str, Any]) -> None:
    assert len(found["beams"]) == 10
    for searched, best in found["beams"]:
        assert searched == best
    assert len({tuple(best) for _, best in found["beams"]}) > 2
