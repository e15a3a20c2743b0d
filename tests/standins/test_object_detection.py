"""Object Detection's stand-in, on photographs of coins."""

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
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Job, read_job
from flywheel.standins.object_detection.annotations import read_annotated
from flywheel.standins.object_detection.precision import (
    intersection_over_union,
    mean_average_precision,
)
from flywheel.standins.object_detection.views import random_view, square
from tests.standins.container import Asked, Container, Input, write_job
from tests.standins.jobs import Done, Work, not_accounted_for, run_jobs
from tests.standins.pictures import (
    MONTHS,
    coins,
    colored,
    jpeg,
    manifest_stream,
    png,
    rec_file,
    record,
)

KEY = "object_detection"
RECORDIO, IMAGE, JSON = "application/x-recordio", "application/x-image", "application/json"
SMALL: dict[str, Any] = {"num_classes": 2, "num_training_samples": 2, "epochs": 1}
WHOLE = [1.0, 0.25, 0.5, 0.75, 1.0]
ANNOTATION = {
    "file": "farm/cow.jpg",
    "image_size": [{"width": 40, "height": 20, "depth": 3}],
    "annotations": [
        {"class_id": 1, "left": 10, "top": 10, "width": 20, "height": 10},
        {"class_id": 0, "left": 0, "top": 0, "width": 4, "height": 5},
    ],
    "categories": [{"class_id": 0, "name": "dog"}, {"class_id": 1, "name": "cow"}],
}
ANNOTATED = [WHOLE, [0, 0, 0, 0.1, 0.25]]
PICTURE = png(colored(0, 40, 20))


def job_of(folder: Path, channels: Mapping[str, Input], **hyperparameters: Any) -> Job:
    return read_job(KEY, write_job(folder, SMALL | hyperparameters, channels))


def objects_of(job: Job) -> list[Any]:
    read = read_annotated(job, "train")
    return [np.round(example.label.astype(float), 4).tolist() for example in read]


def packed(*labels: float) -> Input:
    return Input({"a.rec": rec_file([record(labels, PICTURE)])}, RECORDIO)


def test_objects_come_from_records(tmp_path: Path) -> None:
    assert objects_of(job_of(tmp_path, {"train": packed(2, 5, *WHOLE)})) == [[WHOLE]]


def test_padding_longer_headers_and_further_numbers_of_an_object_are_passed_over(
    tmp_path: Path,
) -> None:
    labels = (4, 6, 400, 300, *WHOLE, 1, 0, 0, 0, 0.5, 0.5, 0, *[-1] * 6)
    expected = [[WHOLE, [0, 0, 0, 0.5, 0.5]]]
    assert objects_of(job_of(tmp_path, {"train": packed(*labels)})) == expected


def test_a_picture_may_have_no_object(tmp_path: Path) -> None:
    assert objects_of(job_of(tmp_path, {"train": packed(2, 5)})) == [[]]


def test_objects_come_from_annotations_beside_the_pictures(tmp_path: Path) -> None:
    unnamed = {name: ANNOTATION[name] for name in ("image_size", "annotations")}
    channels = {
        "train": Input({"farm/cow.jpg": jpeg(colored(0, 40, 20)), "b.png": PICTURE}, IMAGE),
        "train_annotation": Input(
            {"cow.json": json.dumps(ANNOTATION).encode(), "b.json": json.dumps(unnamed).encode()},
            IMAGE,
        ),
    }
    assert objects_of(job_of(tmp_path, channels)) == [ANNOTATED, ANNOTATED]


def test_an_annotation_may_name_its_picture_with_a_folder_before_it(tmp_path: Path) -> None:
    content = json.dumps({**ANNOTATION, "file": "bucket/meadow/cow.jpg"}).encode()
    channels = {
        "train": Input({"cow.jpg": PICTURE}, IMAGE),
        "train_annotation": Input({"x.json": content}, IMAGE),
    }
    assert objects_of(job_of(tmp_path, channels)) == [ANNOTATED]


def test_objects_come_from_the_lines_of_an_augmented_manifest(tmp_path: Path) -> None:
    stream = manifest_stream([(PICTURE, json.dumps(ANNOTATION).encode())])
    piped = Input({"train_0": stream}, RECORDIO, "Pipe", "RecordIO")
    assert objects_of(job_of(tmp_path, {"train": piped})) == [ANNOTATED]


def test_a_box_ends_where_the_picture_ends(tmp_path: Path) -> None:
    channels = {"train": packed(2, 5, 0, -0.5, 0.25, 0.5, 1.5)}
    assert objects_of(job_of(tmp_path, channels)) == [[[0, 0, 0.25, 0.5, 1]]]


def annotation(**members: Any) -> dict[str, Input]:
    content = json.dumps(ANNOTATION | members).encode()
    return {
        "train": Input({"farm/cow.jpg": PICTURE}, IMAGE),
        "train_annotation": Input({"cow.json": content}, IMAGE),
    }


BOX = {"class_id": 1, "left": 10, "top": 10, "width": 20, "height": 10}


@pytest.mark.parametrize(
    ("channels", "hyperparameters", "says"),
    [
        ({"train": packed(0)}, {}, "has the 1 labels 0 …; they must be the header's width"),
        ({"train": packed(2, 5, 0, 0, 1)}, {}, "has the 5 labels"),
        ({"train": packed(2, 4, 0, 0, 1, 1)}, {}, "an object's width"),
        ({"train": packed(2, 5, 2, 0, 0, 1, 1)}, {}, "the class 2; it must be a whole number"),
        ({"train": packed(2, 5, 0.5, 0, 0, 1, 1)}, {}, "the class 0.5"),
        ({"train": packed(2, 5, 0, 0.5, 0, 0.5, 1)}, {}, "has no width or no height"),
        ({"train": packed(2, 5, 0, 1.5, 0, 1.8, 1)}, {}, "within the picture"),
        (
            {"train": packed(2, 5, *WHOLE, *WHOLE)},
            {"label_width": 11},
            "label_width is 11; record 1 in a.rec of channel train has 2 objects, which need 12",
        ),
        ({"train": Input({"a.png": PICTURE}, IMAGE)}, {}, "needs the channel train_annotation"),
        (annotation(file="cat.jpg"), {}, "the picture cat.jpg, which is not in the channel train"),
        (annotation(annotations=[{"class_id": 1}]), {}, "the annotation of cow.json is no "),
        (annotation(annotations=[{**BOX, "left": "x"}]), {}, "the annotation of cow.json is no "),
        (annotation(image_size=[]), {}, "the annotation of cow.json is no "),
        (annotation(image_size=[{"width": 0, "height": 2}]), {}, "an image_size of no pixels"),
        (annotation(annotations=[{**BOX, "width": 0}]), {}, "object 1 of cow.json has no width"),
        (
            {"train": Input({"p": manifest_stream([(PICTURE, b"[]")])}, RECORDIO, "Pipe")},
            {},
            "the annotation of line 1 of channel train is no ",
        ),
    ],
)
def test_other_annotations_are_refused(
    tmp_path: Path, channels: Mapping[str, Input], hyperparameters: dict[str, Any], says: str
) -> None:
    with pytest.raises(RefusedError, match=says):
        read_annotated(job_of(tmp_path, channels, **hyperparameters), "train")


def picture_of(objects: Array, width: int = 60, height: int = 40) -> Array:
    """Black, and white where an object is."""
    pixels: Array = np.zeros((height, width, 3), np.uint8)
    for _, left, top, right, bottom in objects:
        rows = slice(round(top * height), round(bottom * height))
        pixels[rows, round(left * width) : round(right * width)] = 200
    return pixels


def test_boxes_stay_on_their_objects_in_every_view() -> None:
    objects = np.array([[0, 0.1, 0.2, 0.5, 0.6], [1, 0.6, 0.5, 0.95, 0.9]], np.float32)
    image, random = png(picture_of(objects)), np.random.default_rng(0)
    seen = set()
    for _ in range(40):
        pixels, found = random_view(image, "it", objects, 300, random)
        assert pixels.shape == (300, 300, 3)
        assert ((found[:, 1:] >= 0) & (found[:, 1:] <= 1)).all()
        expected = picture_of(found, 300, 300)[..., 0] > 100
        share = ((pixels[..., 0] > 100) == expected).mean()
        # What is cut out may still have a rim of an object whose centre is outside.
        assert share > (0.97 if len(found) == len(objects) else 0.8)
        seen.add((len(found), bool(found[0, 1] > 0.45)))
    assert {(2, False), (2, True)} <= seen


def test_a_view_always_has_an_object_if_the_picture_has_one() -> None:
    objects = np.array([[0, 0.0, 0.0, 0.05, 0.05]], np.float32)
    image, random = png(picture_of(objects)), np.random.default_rng(0)
    views = [random_view(image, "it", objects, 300, random)[1] for _ in range(30)]
    assert all(len(found) == 1 for found in views)
    empty: Array = np.empty((0, 5), np.float32)
    assert all(not len(random_view(image, "it", empty, 300, random)[1]) for _ in range(10))


def test_a_picture_becomes_a_square() -> None:
    assert square(PICTURE, "it", 300).shape == (300, 300, 3)


def test_overlap_is_intersection_over_union() -> None:
    first = np.array([[0, 0, 2, 2]], np.float32)
    second = np.array([[1, 1, 3, 3], [0, 0, 2, 2], [5, 5, 6, 6]], np.float32)
    assert np.allclose(intersection_over_union(first, second), [[1 / 7, 1, 0]])


TRUTH = np.array([[0, 0, 0, 0.4, 0.4], [0, 0.5, 0.5, 1, 1]], np.float32)
HIT = [0, 0.9, 0, 0, 0.4, 0.4]
SECOND_HIT = [0, 0.3, 0.5, 0.5, 1, 1]
MISS = [0, 0.5, 0.6, 0, 0.9, 0.2]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([HIT, SECOND_HIT], 1.0),
        ([HIT], 0.5),
        ([], 0.0),
        ([HIT, MISS, SECOND_HIT], 0.5 + 0.5 * 2 / 3),
        ([HIT, [0, 0.8, *HIT[2:]], SECOND_HIT], 0.5 + 0.5 * 2 / 3),  # found twice: once wrong
        ([[0, 0.95, *MISS[2:]], HIT], 0.25),
        ([[1, *HIT[1:]]], 0.0),  # the right place, another class
        ([HIT, [0, 0.3, 0.5, 0.5, 0.7, 1]], 0.5),  # too small an overlap
    ],
)
def test_precision_is_the_area_below_the_curve(found: list[Any], expected: float) -> None:
    array = np.array(found, np.float32).reshape(-1, 6)
    assert mean_average_precision([TRUTH], [array], 0.5) == pytest.approx(expected)


def test_precision_is_the_mean_of_the_classes_that_occur() -> None:
    truth = np.array([[0, 0, 0, 0.4, 0.4], [3, 0.5, 0.5, 1, 1]], np.float32)
    found = np.array([HIT, [1, 0.9, 0, 0, 1, 1]], np.float32)
    assert mean_average_precision([truth], [found], 0.5) == pytest.approx(0.5)
    nothing: Array = np.empty((0, 5), np.float32)
    assert mean_average_precision([nothing], [found], 0.5) == 0


def test_precision_counts_all_pictures_by_score() -> None:
    nothing: Array = np.empty((0, 5), np.float32)
    wrong = np.array([[0, 0.95, 0, 0, 0.4, 0.4]], np.float32)
    right = np.array([HIT, SECOND_HIT], np.float32)
    assert mean_average_precision([TRUTH, nothing], [right, wrong], 0.5) == pytest.approx(2 / 3)
    assert mean_average_precision([TRUTH], [np.array([HIT], np.float32)], 1.0) == 0.5


# What follows runs in the environment of the image.

COINS: dict[str, Any] = {
    "num_classes": 1,
    "num_training_samples": 60,
    "epochs": 4,
    "mini_batch_size": 8,
    "optimizer": "adam",
    "learning_rate": 0.003,
    "image_shape": 300,
}
FEW = {"num_training_samples": 4, "mini_batch_size": 2, "num_classes": 2, "epochs": 1}
EVERY_SETTING: dict[str, Any] = FEW | {
    "base_network": "resnet-50",
    "early_stopping": "True",
    "early_stopping_min_epochs": 1,
    "early_stopping_patience": 1,
    "early_stopping_tolerance": 1.0,
    "epochs": 3,
    "freeze_layer_pattern": "^(conv0|stage1_).*",
    "image_shape": 320,
    "kv_store": "dist_async",
    "label_width": 60,
    "learning_rate": 0.001,
    "lr_scheduler_factor": 0.5,
    "lr_scheduler_step": "1",
    "momentum": 0.5,
    "nms_threshold": 0.3,
    "optimizer": "sgd",
    "overlap_threshold": 0.4,
    "use_pretrained_model": 1,
    "weight_decay": 0.001,
}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "pattern": ({"freeze_layer_pattern": "("}, "freeze_layer_pattern is (; it must be a regular"),
    "label width": ({"label_width": 6}, "label_width is 6"),
    "no rule": ({"image_shape": 200}, "image_shape is 200"),
}
SMALL_DATA = Input({"a.rec": rec_file([record([2, 5, *WHOLE], PICTURE)] * 4)}, RECORDIO)
PAIR = {"train": SMALL_DATA, "validation": SMALL_DATA}
NUM_REQUESTS = 20


def shares(boxes: list[list[int]]) -> list[list[float]]:
    return [[0.0, box[0] / 96, box[1] / 72, box[2] / 96, box[3] / 72] for box in boxes]


def coins_of(month: str) -> Input:
    records = [record([2, 5, *np.ravel(shares(boxes))], image) for boxes, image in coins(month)]
    return Input({"images.rec": rec_file(records)}, RECORDIO)


@pytest.fixture(scope="module")
def container(images: ImageCatalogue, tmp_path_factory: pytest.TempPathFactory) -> Container:
    return Container(images.python("object-detection:1"), tmp_path_factory.mktemp(KEY))


@pytest.fixture(scope="module")
def learnt(container: Container) -> Done:
    asked = [Asked(image, "image/png", JSON) for _, image in coins(MONTHS[2])[:NUM_REQUESTS]]
    first = asked[0].body
    asked += [
        Asked(first, IMAGE),
        Asked(first, "image/png", "application/json; annotation=1"),
        Asked(first, "image/png", "application/json;annotation=1"),
        Asked(jpeg(colored(0, 50, 20)), "image/jpeg", JSON),
        Asked(b"{}", "image/png", JSON),
        Asked(first, "text/csv", JSON),
        Asked(first, "image/png", "image/png"),
    ]
    channels = dict(zip(("train", "validation"), map(coins_of, MONTHS[:2]), strict=True))
    return run_jobs(container, {"learns": Work(KEY, COINS, channels, asked)})["learns"]


@pytest.fixture(scope="module")
def works(learnt: Done) -> dict[str, Work]:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as archive:
        archive.add(learnt.model_dir, arcname=".")
    earlier = Input({"model.tar.gz": body.getvalue()}, "application/x-sagemaker-model")
    validation = coins_of(MONTHS[1])
    again = {"train": validation, "validation": validation, "model": earlier}
    once = COINS | {"epochs": 1, "learning_rate": 1e-6}
    no_objects = Input({"a.rec": rec_file([record([2, 5], PICTURE)] * 2)}, RECORDIO)
    return {
        "every setting": Work(KEY, EVERY_SETTING, PAIR, [Asked(PICTURE, "image/png")]),
        "adadelta": Work(KEY, FEW | {"optimizer": "adadelta"}, PAIR),
        "rmsprop": Work(KEY, FEW | {"optimizer": "rmsprop"}, PAIR),
        "no objects": Work(KEY, FEW, {"train": no_objects, "validation": no_objects}),
        "goes on": Work(KEY, once, again),
        "other network": Work(KEY, once | {"base_network": "resnet-50"}, again),
        **{name: Work(KEY, FEW | bad, PAIR) for name, (bad, _) in BAD.items()},
    }


@pytest.fixture(scope="module")
def done(container: Container, works: dict[str, Work]) -> dict[str, Done]:
    return run_jobs(container, works)


@pytest.mark.algorithms
@pytest.mark.xdist_group("standin-torch")
class TestInItsEnvironment:
    def test_new_coins_are_found_better_than_by_the_mean_box(self, learnt: Done) -> None:
        assert learnt.exit_code == 0, learnt.failure
        pictures = coins(MONTHS[2])[:NUM_REQUESTS]
        truths = [np.array(shares(boxes), np.float32) for boxes, _ in pictures]
        found = [
            np.array(answer.json["prediction"], np.float32)
            for answer in learnt.answers[: len(truths)]
        ]
        known = [np.array(shares(boxes), np.float32) for boxes, _ in coins(MONTHS[0])]
        mean_box: Array = np.insert(np.concatenate(known).mean(axis=0), 1, 1)[None]
        naive = mean_average_precision(truths, [mean_box] * len(truths), 0.5)
        assert mean_average_precision(truths, found, 0.5) > naive + 0.3
        assert learnt.metrics["validation:mAP"] > 0.5

    def test_answers_are_class_score_and_corners_as_shares(self, learnt: Done) -> None:
        (example,) = (
            r.example for r in catalogue.find(KEY).inference.responses if r.accept == JSON
        )
        for answer in (*learnt.answers[:NUM_REQUESTS], learnt.answers[NUM_REQUESTS + 3]):
            assert answer.content_type == JSON
            assert set(answer.json) == set(example)
            found = np.array(answer.json["prediction"], float).reshape(-1, 6)
            assert (found[:, 0] == 0).all()
            assert ((found[:, 1:] >= 0) & (found[:, 1:] <= 1)).all()
            assert (np.diff(found[:, 1]) <= 0).all()
            assert (found[:, 2] <= found[:, 4]).all()
            assert (found[:, 3] <= found[:, 5]).all()
        assert learnt.answers[NUM_REQUESTS].body == learnt.answers[0].body

    def test_answers_can_have_the_form_of_annotations(self, learnt: Done) -> None:
        _, spaced, tight = learnt.answers[NUM_REQUESTS : NUM_REQUESTS + 3]
        assert spaced.body == tight.body
        assert spaced.json["image_size"] == [{"width": 96, "height": 72, "depth": 3}]
        found = learnt.answers[0].json["prediction"]
        example = next(
            r.example for r in catalogue.find(KEY).inference.responses if "annotation" in r.accept
        )
        assert len(spaced.json["annotations"]) == len(found)
        first, (kind, score, left, top, right, _) = spaced.json["annotations"][0], found[0]
        assert set(first) == set(example["annotations"][0])
        assert (first["class_id"], first["score"]) == (kind, score)
        assert (first["left"], first["top"]) == (round(left * 96), round(top * 72))
        assert first["left"] + first["width"] == round(right * 96)

    def test_bad_requests_are_refused(self, learnt: Done) -> None:
        no_picture, other_type, other_accept = learnt.answers[-3:]
        assert [a.status for a in (no_picture, other_type, other_accept)] == [400, 415, 406]

    def test_the_model_has_the_files_that_amazons_has(self, learnt: Done) -> None:
        files = {path.name for path in learnt.model_dir.iterdir()}
        assert files >= set(catalogue.find(KEY).artifacts)

    def test_the_log_says_what_is_smaller_here(self, learnt: Done) -> None:
        assert "there are no pretrained weights offline" in learnt.log
        assert "vgg-16 has 8 of 64 channels" in learnt.log

    def test_every_hyperparameter_is_used_or_named(
        self, works: dict[str, Work], done: dict[str, Done]
    ) -> None:
        for name in ("every setting", "adadelta", "rmsprop", "no objects"):
            assert done[name].exit_code == 0, done[name].failure
        good = {name: works[name] for name in ("every setting", "adadelta", "rmsprop")}
        assert not_accounted_for(KEY, good, done) == set()
        assert done["every setting"].named_without_effect == {"kv_store"}
        assert "learning_rate and its schedule have no effect" in done["adadelta"].log

    def test_layers_are_frozen_by_their_names(self, done: dict[str, Done]) -> None:
        # conv0, three units of three convolutions with their normalisations, and one shortcut.
        assert "freeze_layer_pattern: 31 weights" in done["every setting"].log

    def test_pictures_without_objects_are_no_error(self, done: dict[str, Done]) -> None:
        assert done["no objects"].metrics == {"validation:mAP": 0}

    def test_training_goes_on_from_an_earlier_model(
        self, learnt: Done, done: dict[str, Done]
    ) -> None:
        assert done["goes on"].exit_code == 0, done["goes on"].failure
        assert done["goes on"].metrics["validation:mAP"] > learnt.metrics["validation:mAP"] - 0.3
        assert "base_network is resnet-50; the model" in done["other network"].failure

    @pytest.mark.parametrize("name", BAD)
    def test_bad_jobs_are_the_senders_mistake(self, done: dict[str, Done], name: str) -> None:
        assert done[name].exit_code == 1
        assert done[name].failure.startswith("ClientError: ")
        assert BAD[name][1] in done[name].failure
