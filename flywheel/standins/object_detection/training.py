"""A training job of Object Detection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from flywheel.standins import torch_training
from flywheel.standins.codecs.wire import Array
from flywheel.standins.job import Job
from flywheel.standins.object_detection import detector, model_files, network
from flywheel.standins.object_detection.annotations import read_annotated
from flywheel.standins.object_detection.precision import mean_average_precision
from flywheel.standins.object_detection.views import random_view, square
from flywheel.standins.remarks import log_without_effect
from flywheel.standins.vision import batches, fit, weights
from flywheel.standins.vision.examples import warn_of_number

_WITHOUT_EFFECT = {"kv_store": "there is one machine"}


def train(job: Job) -> None:
    """Read the channels, train, write the model.

    Raises:
        RefusedError: the data or the settings are the sender's mistake.
    """
    random = torch_training.prepare()
    log_without_effect(job, _WITHOUT_EFFECT)
    weights.say_no_pretrained(job)
    task = _Detection(job)
    with weights.earlier_model(job) as folder:
        if folder is None:
            width = network.choose_width(task.num_pictures, job.get("base_network"))
            description = model_files.description(job, width)
            net = model_files.create(description)
        else:
            earlier = model_files.describe(folder)
            weights.check_same(job, earlier)
            description = model_files.description(job, earlier["width"])
            net = model_files.load(folder, description)
    network.freeze(net, job.get("freeze_layer_pattern"))
    task.network = net
    fit.fit(job, net, task, random)
    model_files.save(job, net, description)


class _Detection:
    """The examples, and how well the network finds their objects."""

    network: Any

    def __init__(self, job: Job) -> None:
        self._job = job
        self._size = job.get("image_shape")
        self._batch_size = job.get("mini_batch_size")
        self._train = read_annotated(job, "train")
        warn_of_number(job, self._train)
        self._validation = read_annotated(job, "validation")
        self.num_pictures = len(self._train)
        self.num_batches = batches.num_batches(self.num_pictures, self._batch_size)
        self._classes: list[float] = []
        self._boxes: list[float] = []

    def batches(self, random: np.random.Generator) -> Iterator[tuple[list[Any], list[Any]]]:
        """Pictures and their objects."""
        for indices in batches.shuffled(self.num_pictures, self._batch_size, random):
            views = [
                random_view(example.image, example.name, example.label, self._size, random)
                for example in (self._train[index] for index in indices)
            ]
            yield (
                [detector.picture(pixels) for pixels, _ in views],
                [self._target(objects) for _, objects in views],
            )

    def loss(self, batch: tuple[list[Any], list[Any]]) -> Any:
        """That of the classes and that of the boxes."""
        losses = self.network(*batch)
        classes, boxes = losses["classification"], losses["bbox_regression"]
        self._classes.append(float(classes.detach()))
        self._boxes.append(float(boxes.detach()))
        return classes + boxes

    def remark(self) -> str:
        """The two losses by themselves, named as in Amazon's log."""
        said = f", cross_entropy {np.mean(self._classes):.4f}, smooth_l1 {np.mean(self._boxes):.4f}"
        self._classes, self._boxes = [], []
        return said

    def metrics(self) -> Mapping[str, float]:
        """How precise the found objects of the validation pictures are."""
        found: list[Array] = []
        for start in range(0, len(self._validation), self._batch_size):
            examples = self._validation[start : start + self._batch_size]
            views = [square(example.image, example.name, self._size) for example in examples]
            found += detector.find(self.network, views)
        truths = [example.label for example in self._validation]
        overlap = self._job.get("overlap_threshold")
        return {"validation:mAP": mean_average_precision(truths, found, overlap)}

    def _target(self, objects: Array) -> dict[str, Any]:
        return {
            "boxes": torch.from_numpy(objects[:, 1:] * np.float32(self._size)),
            "labels": torch.from_numpy(objects[:, 0]).long() + 1,
        }
