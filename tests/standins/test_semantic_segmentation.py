"""Semantic Segmentation's stand-in, on scenes of three surfaces."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flywheel.algorithms import catalogue
from flywheel.local_aws.images import ImageCatalogue
from flywheel.standins.codecs.images import read_mask, write_mask
from flywheel.standins.codecs.records import read_records
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Job, read_job
from flywheel.standins.semantic_segmentation.agreement import Agreement
from flywheel.standins.semantic_segmentation.masks import LabelMap, read_masked
from flywheel.standins.semantic_segmentation.views import random_view, read_pair, rounded_up
from tests.standins.container import Answer, Asked, Container, Input, write_job
from tests.standins.jobs import Done, Work, not_accounted_for, run_jobs
from tests.standins.pictures import MONTHS, colored, jpeg, manifest_stream, png, sample

KEY = "semantic_segmentation"
JPEG, PNG, RECORDS = "image/jpeg", "image/png", "application/x-recordio-protobuf"
JSON = "application/json"
SMALL: dict[str, Any] = {"num_classes": 3, "num_training_samples": 2}
MASK = np.array([[0, 1, 2, 255]] * 4, np.uint8)
PICTURE = jpeg(colored(0, 4, 4))


def channels_of(mask: bytes, label_map: Mapping[str, Any] | None = None) -> dict[str, Input]:
    channels = {
        "train": Input({"a/0.jpg": PICTURE}, JPEG),
        "train_annotation": Input({"a/0.png": mask}, PNG),
    }
    if label_map is not None:
        content = json.dumps(label_map).encode()
        channels["label_map"] = Input({"train_label_map.json": content}, JSON)
    return channels


def job_of(folder: Path, channels: Mapping[str, Input], **hyperparameters: Any) -> Job:
    return read_job(KEY, write_job(folder, SMALL | hyperparameters, channels))


def mask_of(job: Job) -> Any:
    return [example.label.tolist() for example in read_masked(job, "train")]


def test_a_mask_has_the_name_of_its_picture(tmp_path: Path) -> None:
    assert mask_of(job_of(tmp_path, channels_of(write_mask(MASK)))) == [MASK.tolist()]


def test_a_mask_may_have_a_palette(tmp_path: Path) -> None:
    indexed = png(MASK, "P")
    assert mask_of(job_of(tmp_path, channels_of(indexed))) == [MASK.tolist()]


def test_masks_come_from_the_lines_of_an_augmented_manifest(tmp_path: Path) -> None:
    stream = manifest_stream([(PICTURE, write_mask(MASK)), (PICTURE, write_mask(MASK))])
    for content_type in ("application/x-recordio", "application/x-image"):
        piped = Input({"train_0": stream}, content_type, "Pipe", "RecordIO")
        assert mask_of(job_of(tmp_path, {"train": piped})) == [MASK.tolist()] * 2


def test_a_scale_divides_the_labels_and_rounds_down(tmp_path: Path) -> None:
    mask = write_mask(np.array([[0, 3, 6, 7]] * 4, np.uint8))
    for scale in ("3", 3):
        channels = channels_of(mask, {"scale": scale})
        assert mask_of(job_of(tmp_path, channels)) == [[[0, 1, 2, 2]] * 4]


def test_a_map_gives_each_class_its_label(tmp_path: Path) -> None:
    mask = write_mask(np.array([[0, 5, 2, 255]] * 4, np.uint8))
    channels = channels_of(mask, {"map": {"0": 5, "1": 0, "2": 2}})
    assert mask_of(job_of(tmp_path, channels)) == [[[1, 0, 2, 255]] * 4]


def test_a_map_is_for_the_channel_that_it_names(tmp_path: Path) -> None:
    channels = channels_of(write_mask(MASK))
    other = {"validation_label_map.json": b'{"scale": "3"}'}
    channels["label_map"] = Input(other, JSON)
    assert mask_of(job_of(tmp_path, channels)) == [MASK.tolist()]


@pytest.mark.parametrize("num_classes", [2, 3, 254])
def test_label_255_is_ignored_whatever_the_number_of_classes(num_classes: int) -> None:
    assert LabelMap.scaled(1, num_classes).apply(MASK[:1, 3:], "it").tolist() == [[255]]


GREY = write_mask(MASK)


@pytest.mark.parametrize(
    ("channels", "says"),
    [
        (channels_of(write_mask(MASK + 1)), "the mask 0.png has the label 3, which is no class"),
        (channels_of(GREY, {"map": {"0": 0, "1": 1}}), "the mask 0.png has the label 2"),
        (channels_of(png(colored(0, 4, 4))), "0.png is a PNG of mode RGB; a mask must be"),
        (channels_of(b"no mask"), "0.png is no picture"),
        (channels_of(GREY, {"scale": 0}), "train_label_map.json is no label map"),
        (channels_of(GREY, {"scale": "x"}), "train_label_map.json is no label map"),
        (channels_of(GREY, {"map": [1, 2]}), "train_label_map.json is no label map"),
        (channels_of(GREY, {"map": {"0": 300}}), "train_label_map.json is no label map"),
        (channels_of(GREY, {}), "train_label_map.json is no label map"),
        ({"train": Input({"0.jpg": PICTURE}, JPEG)}, "it needs the channel train_annotation"),
        (
            channels_of(GREY) | {"train_annotation": Input({"1.png": GREY}, PNG)},
            "1 is in the channel train_annotation and not in the channel train;",
        ),
        (
            channels_of(GREY) | {"train_annotation": Input({}, PNG)},
            "a/0 is in the channel train and not in the channel train_annotation",
        ),
        (
            {"train": Input({"p": manifest_stream([(PICTURE, b"{}")])}, JPEG, "Pipe", "RecordIO")},
            "line 1 of channel train is no picture",
        ),
    ],
)
def test_other_masks_are_refused(tmp_path: Path, channels: Mapping[str, Input], says: str) -> None:
    with pytest.raises(RefusedError, match=says):
        read_masked(job_of(tmp_path, channels), "train")


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"a.jpg has 4 × 4 pixels, its mask 4 × 3; both"):
        read_pair(PICTURE, MASK[:3], "a.jpg")


def test_the_crop_is_a_multiple_of_eight() -> None:
    assert [rounded_up(size) for size in (17, 24, 240)] == [24, 24, 240]


@pytest.mark.parametrize(("base_size", "filled"), [(200, True), (10, False)])
def test_a_view_keeps_picture_and_mask_together(base_size: int, filled: bool) -> None:
    mask: Array = np.zeros((30, 40), np.uint8)
    mask[5:20, 10:35] = 1
    pixels = np.repeat(mask[..., None], 3, axis=2) * 200
    random = np.random.default_rng(0)
    for _ in range(20):
        seen, seen_mask = random_view(pixels, mask, base_size, 24, random)
        assert seen.shape == (24, 24, 3)
        assert (seen_mask != 255).all() == filled
        agree = (seen[..., 0] > 100) == (seen_mask == 1)
        assert agree.mean() > 0.9


def test_agreement_counts_pixels_and_leaves_ignored_ones_out() -> None:
    agreement = Agreement(4)
    truth = np.array([[0, 0, 1, 1, 255]], np.uint8)
    agreement.add(truth, np.array([[0, 1, 1, 1, 3]]))
    assert agreement.pixel_accuracy == pytest.approx(3 / 4)
    # Class 0: 1 of 2, class 1: 2 of 3; classes 2 and 3 occur nowhere that counts.
    assert agreement.mean_iou == pytest.approx((1 / 2 + 2 / 3) / 2)
    agreement.add(truth, np.array([[0, 0, 1, 1, 0]]))
    assert agreement.pixel_accuracy == pytest.approx(7 / 8)
    agreement.add(np.array([[2]], np.uint8), np.array([[0]]))
    assert agreement.mean_iou == pytest.approx((3 / 5 + 4 / 5 + 0) / 3)


def test_agreement_of_nothing_is_nothing() -> None:
    assert (Agreement(2).mean_iou, Agreement(2).pixel_accuracy) == (0, 0)


# What follows runs in the environment of the image.

SURFACES: dict[str, Any] = {
    "num_classes": 3,
    "num_training_samples": 40,
    "base_size": 80,
    "crop_size": 80,
    "epochs": 10,
    "mini_batch_size": 4,
    "optimizer": "adam",
    "learning_rate": 0.003,
}
FEW: dict[str, Any] = {
    "num_classes": 3,
    "num_training_samples": 4,
    "base_size": 30,
    "crop_size": 24,
    "epochs": 1,
    "mini_batch_size": 2,
}
EVERY_SETTING: dict[str, Any] = FEW | {
    "backbone": "resnet-101",
    "algorithm": "psp",
    "early_stopping": "True",
    "early_stopping_min_epochs": 1,
    "early_stopping_patience": 1,
    "early_stopping_tolerance": 1.0,
    "epochs": 3,
    "learning_rate": 0.01,
    "lr_scheduler": "step",
    "lr_scheduler_factor": 0.5,
    "lr_scheduler_step": "1, 2",
    "momentum": 0.8,
    "optimizer": "sgd",
    "syncbn": "True",
    "use_pretrained_model": "False",
    "validation_mini_batch_size": 2,
    "weight_decay": 0.001,
}
OTHERS: dict[str, dict[str, Any]] = {
    "deeplab": {"algorithm": "deeplab", "optimizer": "nag", "lr_scheduler": "cosine"},
    "rmsprop": {"optimizer": "rmsprop", "gamma1": 0.8, "gamma2": 0.5},
    "adagrad": {"optimizer": "adagrad"},
    "adadelta": {"optimizer": "adadelta"},
}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "classes": ({"num_classes": 2}, "the label 2, which is no class"),
    "no rule": ({"crop_size": 16}, "crop_size is 16"),
}


def small_channels() -> dict[str, Input]:
    """Two pictures of one size and two of another."""
    sizes = ((30, 20), (20, 30), (20, 30), (30, 20))
    pictures = {f"{n}.jpg": jpeg(colored(n % 3, *size)) for n, size in enumerate(sizes)}
    masks = {
        f"{n}.png": write_mask(np.full(size[::-1], n % 3, np.uint8)) for n, size in enumerate(sizes)
    }
    return {
        "train": Input(pictures, JPEG),
        "validation": Input(pictures, JPEG),
        "train_annotation": Input(masks, PNG),
        "validation_annotation": Input(masks, PNG),
    }


def month(number: int, kind: str) -> dict[str, bytes]:
    files = sample(KEY, MONTHS[number])
    return {name: files[name] for name in sorted(files) if name.endswith(kind)}


@pytest.fixture(scope="module")
def container(images: ImageCatalogue, tmp_path_factory: pytest.TempPathFactory) -> Container:
    return Container(images.python("semantic-segmentation:1"), tmp_path_factory.mktemp(KEY))


@pytest.fixture(scope="module")
def learnt(container: Container) -> Done:
    pictures = list(month(2, ".jpg").values())[:20]
    asked = [Asked(image, JPEG, PNG) for image in pictures]
    asked += [Asked(pictures[0], JPEG, accept) for accept in (RECORDS, "application/x-protobuf")]
    asked += [
        Asked(pictures[0], "application/x-image"),
        Asked(jpeg(colored(1, 33, 21)), JPEG, PNG),
        Asked(b"no picture", JPEG, PNG),
        Asked(pictures[0], "text/csv", PNG),
        Asked(pictures[0], JPEG, JSON),
    ]
    channels = {
        "train": Input(month(0, ".jpg"), JPEG),
        "train_annotation": Input(month(0, ".png"), PNG),
        "validation": Input(month(1, ".jpg"), JPEG),
        "validation_annotation": Input(month(1, ".png"), PNG),
    }
    return run_jobs(container, {"learns": Work(KEY, SURFACES, channels, asked)})["learns"]


@pytest.fixture(scope="module")
def works(learnt: Done) -> dict[str, Work]:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as archive:
        archive.add(learnt.model_dir, arcname=".")
    earlier = Input({"model.tar.gz": body.getvalue()}, "application/x-sagemaker-model")
    again = {
        "train": Input(month(0, ".jpg"), JPEG),
        "train_annotation": Input(month(0, ".png"), PNG),
        "validation": Input(month(1, ".jpg"), JPEG),
        "validation_annotation": Input(month(1, ".png"), PNG),
        "model": earlier,
    }
    once = SURFACES | {"epochs": 1, "learning_rate": 1e-6}
    few = small_channels()
    return {
        "every setting": Work(KEY, EVERY_SETTING, few, [Asked(PICTURE, JPEG, PNG)]),
        **{name: Work(KEY, FEW | other, few) for name, other in OTHERS.items()},
        "goes on": Work(KEY, once, again),
        "other crop": Work(KEY, once | {"crop_size": 96}, again),
        **{name: Work(KEY, FEW | bad, few) for name, (bad, _) in BAD.items()},
    }


@pytest.fixture(scope="module")
def done(container: Container, works: dict[str, Work]) -> dict[str, Done]:
    return run_jobs(container, works)


def shares_of(answer: Answer) -> Array:
    """As AWS's example reads the probabilities."""
    (record,) = read_records(answer.body)
    shape = np.squeeze(record.features["shape"].values)
    shares: Array = np.squeeze(record.features["target"].values.reshape(shape), axis=0)
    return shares


@pytest.mark.algorithms
@pytest.mark.xdist_group("standin-torch")
class TestInItsEnvironment:
    def test_new_scenes_are_told_apart_better_than_by_the_most_frequent_surface(
        self, learnt: Done
    ) -> None:
        assert learnt.exit_code == 0, learnt.failure
        masks = [read_mask(mask, "it") for mask in list(month(2, ".png").values())[:20]]
        frequent = np.bincount(np.concatenate([mask.ravel() for mask in masks])).argmax()
        reached, naive = Agreement(3), Agreement(3)
        for mask, answer in zip(masks, learnt.answers, strict=False):
            reached.add(mask, read_mask(answer.body, "answer"))
            naive.add(mask, np.full(mask.shape, frequent))
        assert reached.mean_iou > naive.mean_iou + 0.15
        assert reached.pixel_accuracy > naive.pixel_accuracy + 0.1

    def test_both_metrics_are_reported(self, learnt: Done) -> None:
        assert set(learnt.metrics) == set(catalogue.find(KEY).metrics)
        assert all(0.3 < value < 1 for value in learnt.metrics.values())

    def test_a_mask_has_the_size_of_its_picture(self, learnt: Done) -> None:
        assert read_mask(learnt.answers[0].body, "it").shape == (80, 80)
        assert read_mask(learnt.answers[23].body, "it").shape == (21, 33)
        assert learnt.answers[0].content_type == PNG

    def test_probabilities_come_as_a_record(self, learnt: Done) -> None:
        shares = shares_of(learnt.answers[20])
        assert learnt.answers[20].content_type == RECORDS
        assert shares.shape == (3, 80, 80)
        assert np.allclose(shares.sum(axis=0), 1, atol=1e-5)
        mask = read_mask(learnt.answers[0].body, "it")
        assert np.array_equal(shares.argmax(axis=0), mask)
        assert learnt.answers[21].body == learnt.answers[20].body
        assert learnt.answers[22].body == learnt.answers[0].body

    def test_bad_requests_are_refused(self, learnt: Done) -> None:
        assert [answer.status for answer in learnt.answers[-3:]] == [400, 415, 406]

    def test_the_model_has_the_files_that_amazons_has(self, learnt: Done) -> None:
        files = {path.name for path in learnt.model_dir.iterdir()}
        assert files >= set(catalogue.find(KEY).artifacts)

    def test_every_hyperparameter_is_used_or_named(
        self, works: dict[str, Work], done: dict[str, Done]
    ) -> None:
        names = ("every setting", *OTHERS)
        for name in names:
            assert done[name].exit_code == 0, done[name].failure
        assert not_accounted_for(KEY, {name: works[name] for name in names}, done) == set()
        assert done["every setting"].named_without_effect == {"syncbn"}
        assert "there are no pretrained weights" in done["deeplab"].log
        assert "there are no pretrained weights" not in done["every setting"].log

    def test_training_stops_early(self, done: dict[str, Done]) -> None:
        assert "training ends after epoch 2" in done["every setting"].log

    def test_training_goes_on_from_an_earlier_model(
        self, learnt: Done, done: dict[str, Done]
    ) -> None:
        assert done["goes on"].exit_code == 0, done["goes on"].failure
        before = learnt.metrics["validation:mIOU"]
        assert done["goes on"].metrics["validation:mIOU"] > before - 0.15
        assert (
            "crop_size is 96; the model of the channel model has 80" in done["other crop"].failure
        )

    @pytest.mark.parametrize("name", BAD)
    def test_bad_jobs_are_the_senders_mistake(self, done: dict[str, Done], name: str) -> None:
        assert done[name].failure.startswith("ClientError: ")
        assert BAD[name][1] in done[name].failure
