"""Image Classification's stand-in, on handwritten digits."""

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
from flywheel.standins.contract import RefusedError
from flywheel.standins.image_classification.labels import Labels, read_labelled
from flywheel.standins.image_classification.pictures import Preparation, Shape, scaled
from flywheel.standins.job import Job, read_job
from tests.standins.container import Asked, Container, Input, write_job
from tests.standins.jobs import Done, Work, not_accounted_for, run_jobs
from tests.standins.pictures import (
    MONTHS,
    colored,
    digits,
    jpeg,
    manifest_stream,
    png,
    rec_file,
    record,
)

KEY = "image_classification"
RECORDIO, IMAGE = "application/x-recordio", "application/x-image"
JSON, LINES = "application/json", "application/jsonlines"
SMALL: dict[str, Any] = {
    "num_classes": 3,
    "num_training_samples": 6,
    "num_layers": 20,
    "image_shape": "3,32,32",
    "epochs": 2,
    "mini_batch_size": 4,
    "learning_rate": 0.05,
}
KINDS = (0, 1, 2, 0, 1, 2)


def recordio(labels: Mapping[int, list[float]] | None = None) -> Input:
    images = [record((labels or {}).get(kind, [kind]), png(colored(kind))) for kind in KINDS]
    return Input({"images.rec": rec_file(images)}, RECORDIO)


def listed(*lines: str) -> Input:
    return Input({"train.lst": "\n".join(lines).encode()}, IMAGE)


PAIR = {"train": recordio(), "validation": recordio()}


def job_of(folder: Path, channels: Mapping[str, Input], **hyperparameters: Any) -> Job:
    return read_job(KEY, write_job(folder, SMALL | hyperparameters, channels))


def labels_of(job: Job) -> list[list[float]]:
    return [example.label.tolist() for example in read_labelled(job, "train")]


def test_classes_come_from_records(tmp_path: Path) -> None:
    assert labels_of(job_of(tmp_path, PAIR)) == [[kind] for kind in KINDS]


def test_several_record_files_are_one_channel(tmp_path: Path) -> None:
    files = {f"month={n}/{n}.rec": rec_file([record([n], png(colored(n)))]) for n in (0, 1)}
    assert labels_of(job_of(tmp_path, {"train": Input(files, RECORDIO)})) == [[0], [1]]


@pytest.mark.parametrize("label", [b"2", b'"2"'])
def test_classes_come_from_the_lines_of_an_augmented_manifest(tmp_path: Path, label: bytes) -> None:
    stream = manifest_stream([(png(colored(2)), label), (jpeg(colored(0)), b"0")])
    piped = Input({"train_0": stream}, RECORDIO, "Pipe", "RecordIO")
    assert labels_of(job_of(tmp_path, {"train": piped})) == [[2], [0]]


def test_an_augmented_manifest_may_also_say_that_it_has_pictures(tmp_path: Path) -> None:
    stream = manifest_stream([(png(colored(1)), b"1")])
    piped = Input({"train_0": stream}, "image/png", "Pipe", "RecordIO")
    assert labels_of(job_of(tmp_path, {"train": piped})) == [[1]]


def test_classes_come_from_a_list_of_the_pictures(tmp_path: Path) -> None:
    images = {"dogs/a.png": png(colored(0)), "cats/b.jpg": jpeg(colored(1))}
    lines = ("5\t1\tdogs/a.png", "1000\t0\tcats/b.jpg", "7\t2\t./dogs/a.png")
    channels = {"train": Input(images, IMAGE), "train_lst": listed(*lines)}
    assert labels_of(job_of(tmp_path, channels)) == [[1], [0], [2]]


def test_a_list_may_begin_with_the_folder_of_the_channel(tmp_path: Path) -> None:
    channels = {
        "train": Input({"a.png": png(colored(0))}, IMAGE),
        "train_lst": listed("0\t1\tx/a.png"),
    }
    assert labels_of(job_of(tmp_path, channels)) == [[1]]


def test_several_classes_are_zeros_and_ones_or_numbers(tmp_path: Path) -> None:
    hot = recordio({0: [1, 0, 1], 1: [0, 0, 0], 2: [0, 1, 0]})
    assert labels_of(job_of(tmp_path, {"train": hot}, multi_label=1))[:2] == [[1, 0, 1], [0, 0, 0]]
    stream = manifest_stream([(png(colored(0)), b"[0, 2]"), (png(colored(1)), b"[]")])
    ids = Input({"train_0": stream}, f"{RECORDIO}; label-format=class-id", "Pipe", "RecordIO")
    assert labels_of(job_of(tmp_path, {"train": ids}, multi_label=1)) == [[1, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    ("values", "multi_label", "class_ids", "says"),
    [
        ([3], False, False, "the label 3; it must be a whole number from 0 to 2"),
        ([-1], False, False, "the label -1"),
        ([0.5], False, False, "the label 0.5"),
        ([float("nan")], False, False, "the label nan"),
        (["cat"], False, False, "the label cat"),
        ([True], False, False, "the label True"),
        ([None], False, False, "the label None"),
        ([1, 0], False, False, "has 2 labels; it must have one, or multi_label must be 1"),
        ([1, 0], True, False, "they must be 3 numbers 0 or 1"),
        ([2, 0, 1], True, False, "label-format=class-id"),
        ([[1], 0, 1], True, False, "they must be 3 numbers 0 or 1"),
        ([0, 3], True, True, "the label 3"),
    ],
)
def test_other_labels_are_refused(
    values: list[Any], multi_label: bool, class_ids: bool, says: str
) -> None:
    with pytest.raises(RefusedError, match=f"record 1 .*{says}"):
        Labels(3, multi_label, class_ids).read(values, "record 1")


@pytest.mark.parametrize(
    ("channels", "says"),
    [
        ({"train": Input({"a.rec": b"no record"}, RECORDIO)}, "channel train, file a.rec: "),
        ({"train": Input({}, RECORDIO)}, "channel train has no pictures"),
        ({"train": Input({"a.png": b""}, IMAGE)}, "it needs the channel train_lst"),
        (
            {"train": Input({"a.png": b"x"}, IMAGE), "train_lst": listed("1\t0\tb.png")},
            "train.lst of the channel train_lst lists b.png, which is not in the channel train",
        ),
        (
            {"train": Input({"a.png": b"x"}, IMAGE), "train_lst": listed("a.png")},
            "channel train_lst, file train.lst: line 1",
        ),
        (
            {"train": Input({"p": manifest_stream([(png(colored(0)), b"{")])}, RECORDIO, "Pipe")},
            "line 1 of channel train has the label '{'",
        ),
    ],
)
def test_channels_that_cannot_be_read_are_refused(
    tmp_path: Path, channels: Mapping[str, Input], says: str
) -> None:
    with pytest.raises(RefusedError, match=says):
        read_labelled(job_of(tmp_path, channels), "train")


def test_a_shape_is_channels_height_and_width() -> None:
    assert Shape.parse("3, 20,30") == Shape(3, 20, 30)
    for text in ("2,20,20", "3,0,20"):
        with pytest.raises(RefusedError, match=f"image_shape is {text}"):
            Shape.parse(text)


def test_training_without_augmentation_sees_the_middle() -> None:
    pixels = colored(0, 40, 30)
    preparation = Preparation(Shape(3, 20, 24))
    random = np.random.default_rng(0)
    expected = pixels[5:25, 8:32]
    assert np.array_equal(preparation.for_training(png(pixels), "it", random), expected)
    assert np.array_equal(preparation.for_validation(png(pixels), "it"), expected)


@pytest.mark.parametrize("augmentation", ["crop", "crop_color", "crop_color_transform"])
def test_training_with_augmentation_sees_another_view_each_time(augmentation: str) -> None:
    preparation = Preparation(Shape(3, 20, 24), None, augmentation)
    random = np.random.default_rng(0)
    views = [preparation.for_training(png(colored(0, 40, 30)), "it", random) for _ in range(4)]
    assert all(view.shape == (20, 24, 3) for view in views)
    assert len({view.tobytes() for view in views}) == 4
    channels = np.stack(views).reshape(4, -1, 3).mean(axis=1)
    changes = float(np.ptp(channels, axis=0).max())
    assert (changes < 8) == (augmentation == "crop")


def test_a_request_is_seen_whole_in_another_shape() -> None:
    pixels: np.ndarray[Any, Any] = np.zeros((10, 60, 3), np.uint8)
    pixels[:, :12] = pixels[:, 54:] = 200
    seen = Preparation(Shape(3, 20, 20)).for_request(png(pixels))
    assert seen.shape == (20, 20, 3)
    assert seen[:, 6:16].max() < 20
    assert min(seen[:, :3].min(), seen[:, 19:].min()) > 180


def test_a_picture_below_the_shape_is_refused_unless_it_is_resized() -> None:
    small, random = png(colored(0, 16, 12)), np.random.default_rng(0)
    with pytest.raises(RefusedError, match="16 × 12 pixels, fewer than image_shape wants"):
        Preparation(Shape(3, 14, 14)).for_training(small, "it", random)
    resized = Preparation(Shape(3, 14, 14), resize=14)
    assert resized.for_training(small, "it", random).shape == (14, 14, 3)
    with pytest.raises(RefusedError, match="fewer"):
        Preparation(Shape(3, 14, 14), resize=13).for_validation(small, "it")


def test_pictures_are_scaled_to_around_zero_with_channels_first() -> None:
    batch = scaled([np.full((4, 5, 3), 255, np.uint8), np.zeros((4, 5, 3), np.uint8)])
    assert batch.shape == (2, 3, 4, 5)
    assert batch.dtype == np.float32
    assert batch[0].max() == -batch[1].min() < 3


# What follows runs in the environment of the image.

DIGITS: dict[str, Any] = SMALL | {
    "num_classes": 10,
    "num_training_samples": 150,
    "image_shape": "3,28,28",
    "mini_batch_size": 16,
    "epochs": 8,
}
EVERY_SETTING: dict[str, Any] = SMALL | {
    "num_layers": 18,
    "augmentation_type": "crop_color_transform",
    "resize": 36,
    "beta_1": 0.8,
    "beta_2": 0.99,
    "eps": 1e-7,
    "optimizer": "adam",
    "learning_rate": 0.001,
    "checkpoint_frequency": 1,
    "early_stopping": "True",
    "early_stopping_min_epochs": 1,
    "early_stopping_patience": 1,
    "early_stopping_tolerance": 1.0,
    "epochs": 4,
    "kv_store": "dist_sync",
    "lr_scheduler_factor": 0.5,
    "lr_scheduler_step": "1,2",
    "multi_label": 0,
    "precision_dtype": "float16",
    "top_k": 2,
    "use_pretrained_model": 0,
}
OTHERS: dict[str, dict[str, Any]] = {
    "nag": {"optimizer": "nag", "momentum": 0.8, "weight_decay": 0.001},
    "rmsprop": {"optimizer": "rmsprop", "gamma": 0.8, "learning_rate": 0.001},
    "weighted": {"multi_label": 1, "use_weighted_loss": 1},
    "grey": {"image_shape": "1,28,28"},
}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "too small": ({"image_shape": "3,64,64"}, "32 × 32 pixels, fewer than image_shape wants"),
    "too few classes": ({"num_classes": 2}, "the label 2; it must be a whole number from 0 to 1"),
    "top_k": ({"top_k": 4}, "top_k is 4; it must be at most num_classes, 3"),
    "no rule": ({"num_layers": 19}, "num_layers is 19"),
}
HOLDOUT_REQUESTS = 60


@pytest.fixture(scope="module")
def container(images: ImageCatalogue, tmp_path_factory: pytest.TempPathFactory) -> Container:
    return Container(images.python("image-classification:1"), tmp_path_factory.mktemp(KEY))


@pytest.fixture(scope="module")
def works() -> dict[str, Work]:
    channels = [
        Input(
            {"images.rec": rec_file([record([kind], image) for kind, image in digits(month)])},
            RECORDIO,
        )
        for month in MONTHS[:2]
    ]
    first = digits(MONTHS[2])[0][1]
    asked = [Asked(image, "image/png", LINES) for _, image in digits(MONTHS[2])[:HOLDOUT_REQUESTS]]
    asked += [
        Asked(first, kind, accept)
        for kind, accept in (
            ("image/png", None),
            ("image/png", JSON),
            ("application/x-image", JSON),
            ("image/png", "*/*"),
            ("text/csv", JSON),
            ("image/png", "text/csv"),
        )
    ]
    asked += [Asked(jpeg(colored(0)), "image/jpeg", JSON), Asked(b"no picture", "image/png", JSON)]
    hot = recordio({0: [1, 0, 1], 1: [0, 0, 0], 2: [0, 1, 0]})
    works = {
        "learns": Work(
            KEY, DIGITS, dict(zip(("train", "validation"), channels, strict=True)), asked
        ),
        "every setting": Work(KEY, EVERY_SETTING, PAIR),
        "wrong number": Work(KEY, SMALL | {"num_training_samples": 7, "epochs": 1}, PAIR),
    }
    for name, settings in OTHERS.items():
        data = {"train": hot, "validation": hot} if "multi_label" in settings else PAIR
        asked = [Asked(png(colored(0)), "image/png", JSON)]
        works[name] = Work(KEY, SMALL | settings, data, asked)
    return works | {name: Work(KEY, SMALL | bad, PAIR) for name, (bad, _) in BAD.items()}


@pytest.fixture(scope="module")
def done(container: Container, works: dict[str, Work]) -> dict[str, Done]:
    return run_jobs(container, works)


@pytest.fixture(scope="module")
def again(container: Container, works: dict[str, Work], done: dict[str, Done]) -> dict[str, Done]:
    """Jobs that go on from the model of the job that learns."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as archive:
        archive.add(done["learns"].model_dir, arcname=".")
    earlier = Input({"model.tar.gz": body.getvalue()}, "application/x-sagemaker-model")
    channels = {**works["learns"].channels, "model": earlier}
    once = DIGITS | {"epochs": 1, "learning_rate": 0.001}
    torn = Input({"model.tar.gz": b"torn"}, "application/x-sagemaker-model")
    return run_jobs(
        container,
        {
            "goes on": Work(KEY, once, channels),
            "other depth": Work(KEY, once | {"num_layers": 32}, channels),
            "no model": Work(KEY, once, {**channels, "model": torn}),
        },
    )


def classes(done: Done) -> list[int]:
    return [int(np.argmax(answer.json["prediction"])) for answer in done.answers[:HOLDOUT_REQUESTS]]


@pytest.mark.algorithms
@pytest.mark.xdist_group("standin-torch")
class TestInItsEnvironment:
    def test_digits_are_told_apart(self, done: dict[str, Done]) -> None:
        assert done["learns"].exit_code == 0, done["learns"].failure
        truth = [kind for kind, _ in digits(MONTHS[2])[:HOLDOUT_REQUESTS]]
        most_frequent = max(truth.count(kind) for kind in truth) / len(truth)
        right = np.mean(np.array(classes(done["learns"])) == truth)
        assert right > most_frequent + 0.4
        assert done["learns"].metrics["validation:accuracy"] > 0.6

    def test_the_last_metric_line_is_that_of_the_model(self, done: dict[str, Done]) -> None:
        lines = [line for line in done["learns"].log.splitlines() if "validation:accuracy" in line]
        values = [float(line.rpartition("=")[2]) for line in lines]
        assert len(values) in (DIGITS["epochs"], DIGITS["epochs"] + 1)
        assert values[-1] == max(values)

    def test_the_model_is_as_good_as_its_metric_says(
        self, container: Container, done: dict[str, Done]
    ) -> None:
        known = digits(MONTHS[1])
        requests = [Asked(image, "image/png", JSON) for _, image in known]
        answers = container.ask(done["learns"].model_dir, requests)
        right = [np.argmax(a.json) == kind for a, (kind, _) in zip(answers, known, strict=True)]
        assert np.mean(right) == pytest.approx(done["learns"].metrics["validation:accuracy"])

    def test_answers_are_probabilities_in_the_forms_of_the_catalogue(
        self, done: dict[str, Done]
    ) -> None:
        lines, *others = done["learns"].answers[HOLDOUT_REQUESTS - 1 : HOLDOUT_REQUESTS + 4]
        examples = {r.accept: r.example for r in catalogue.find(KEY).inference.responses}
        assert set(lines.json) == set(examples[LINES])
        assert lines.body.endswith(b"\n")
        assert lines.content_type == LINES
        for answer in others:
            assert answer.content_type == JSON
            assert isinstance(answer.json, list) == isinstance(examples[JSON], list)
            assert len(answer.json) == 10
            assert sum(answer.json) == pytest.approx(1, abs=1e-5)
            assert answer.json == others[0].json

    def test_bad_requests_are_refused(self, done: dict[str, Done]) -> None:
        other_type, other_accept, jpeg_of_another_size, no_picture = done["learns"].answers[-4:]
        assert other_type.status == 415
        assert b"image/jpeg, image/png, application/x-image" in other_type.body
        assert other_accept.status == 406
        assert jpeg_of_another_size.status == 200
        assert (no_picture.status, b"JPEG or PNG" in no_picture.body) == (400, True)

    def test_the_model_has_the_files_that_amazons_has(self, done: dict[str, Done]) -> None:
        files = {path.name for path in done["learns"].model_dir.iterdir()}
        assert {"image-classification-symbol.json", "model-shapes.json"} <= files
        assert len([name for name in files if name.endswith(".params")]) == 1
        shapes = json.loads((done["learns"].model_dir / "model-shapes.json").read_text())
        assert shapes == [{"shape": [1, 3, 28, 28], "name": "data"}]

    def test_checkpoints_are_kept_as_often_as_asked_for(self, done: dict[str, Done]) -> None:
        files = done["every setting"].model_dir.glob("image-classification-*.params")
        assert {"0001", "0002"} <= {path.stem.rpartition("-")[2] for path in files}

    def test_training_stops_early(self, done: dict[str, Done]) -> None:
        assert "training ends after epoch 2" in done["every setting"].log
        assert "epoch 3:" not in done["every setting"].log

    def test_every_hyperparameter_is_used_or_named(
        self, works: dict[str, Work], done: dict[str, Done]
    ) -> None:
        for name in ("every setting", *OTHERS):
            assert done[name].exit_code == 0, done[name].failure
        good = {name: works[name] for name in ("learns", "every setting", *OTHERS)}
        assert not_accounted_for(KEY, good, done) == set()
        assert done["every setting"].named_without_effect == {"kv_store", "precision_dtype"}
        assert "top-2 accuracy" in done["every setting"].log

    def test_a_wrong_number_of_samples_is_said(self, done: dict[str, Done]) -> None:
        assert "num_training_samples is 7, the channel train has 6" in done["wrong number"].log
        assert "num_training_samples" not in done["learns"].log

    def test_several_classes_have_probabilities_of_their_own(self, done: dict[str, Done]) -> None:
        assert 0.3 <= done["weighted"].metrics["validation:accuracy"] <= 1
        (answer,) = done["weighted"].answers
        assert len(answer.json) == 3
        assert sum(answer.json) != pytest.approx(1, abs=1e-3)

    def test_grey_pictures_may_be_asked_for(self, done: dict[str, Done]) -> None:
        assert len(done["grey"].answers[0].json) == 3

    @pytest.mark.parametrize("name", BAD)
    def test_bad_jobs_are_the_senders_mistake(self, done: dict[str, Done], name: str) -> None:
        assert done[name].exit_code == 1
        assert done[name].failure.startswith("ClientError: ")
        assert BAD[name][1] in done[name].failure

    def test_training_goes_on_from_an_earlier_model(
        self, done: dict[str, Done], again: dict[str, Done]
    ) -> None:
        assert again["goes on"].exit_code == 0, again["goes on"].failure
        before = done["learns"].metrics["validation:accuracy"]
        assert again["goes on"].metrics["validation:accuracy"] > before - 0.1
        assert "goes on from the weights" in again["goes on"].log

    def test_an_earlier_model_of_another_network_is_refused(self, again: dict[str, Done]) -> None:
        assert (
            "num_layers is 32; the model of the channel model has 20"
            in again["other depth"].failure
        )
        assert "model.tar.gz of the channel model is no model.tar.gz" in again["no model"].failure
