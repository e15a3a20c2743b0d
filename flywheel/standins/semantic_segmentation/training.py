"""A training job of Semantic Segmentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from flywheel.standins import torch_training
from flywheel.standins.codecs.wire import Array
from flywheel.standins.job import Job
from flywheel.standins.remarks import log_without_effect
from flywheel.standins.semantic_segmentation import model_files, network
from flywheel.standins.semantic_segmentation.agreement import Agreement
from flywheel.standins.semantic_segmentation.masks import IGNORED, read_masked
from flywheel.standins.semantic_segmentation.views import random_view, read_pair, rounded_up
from flywheel.standins.vision import batches, fit, weights
from flywheel.standins.vision.examples import Example, warn_of_number

_WITHOUT_EFFECT = {"syncbn": "there is one processor"}


def train(job: Job) -> None:
    """Read the channels, train, write the model.

    Raises:
        RefusedError: the data or the settings are the sender's mistake.
    """
    random = torch_training.prepare()
    log_without_effect(job, _WITHOUT_EFFECT)
    weights.say_no_pretrained(job)
    task = _Segmentation(job)
    with weights.earlier_model(job) as folder:
        if folder is None:
            width = network.choose_width(task.num_pictures, job.get("backbone"))
            description = model_files.description(job, width)
            net = model_files.create(description)
        else:
            description = model_files.describe(folder)
            weights.check_same(job, description)
            net = model_files.load(folder, description)
    task.network = net
    fit.fit(job, net, task, random)
    model_files.save(job, net, description)


class _Segmentation:
    """The examples, and how far the network's masks agree with theirs."""

    network: Any

    def __init__(self, job: Job) -> None:
        self._num_classes = job.get("num_classes")
        self._base_size = job.get("base_size")
        self._crop_size = rounded_up(job.get("crop_size"))
        self._batch_size = job.get("mini_batch_size")
        self._validation_size = job.get("validation_mini_batch_size")
        self._train = read_masked(job, "train")
        warn_of_number(job, self._train)
        self._validation = read_masked(job, "validation")
        self.num_pictures = len(self._train)
        self.num_batches = batches.num_batches(self.num_pictures, self._batch_size)

    def batches(self, random: np.random.Generator) -> Iterator[tuple[Any, Any]]:
        """Squares of pictures, and of masks."""
        for indices in batches.shuffled(self.num_pictures, self._batch_size, random):
            views = [self._view(self._train[index], random) for index in indices]
            pictures = torch.from_numpy(np.stack([pixels for pixels, _ in views]))
            masks = torch.from_numpy(np.stack([mask for _, mask in views])).long()
            yield network.scaled(pictures), masks

    def loss(self, batch: tuple[Any, Any]) -> Any:
        """Cross entropy of each pixel that counts."""
        pictures, masks = batch
        main, auxiliary = (_cross_entropy(logits, masks) for logits in self.network(pictures))
        return main + network.AUXILIARY_WEIGHT * auxiliary

    def remark(self) -> str:
        """Nothing."""
        return ""

    def metrics(self) -> Mapping[str, float]:
        """Of the validation pictures as they are."""
        agreement = Agreement(self._num_classes)
        for examples in self._alike():
            pixels = [read_pair(e.image, e.label, e.name) for e in examples]
            logits = self.network(network.scaled(torch.from_numpy(np.stack(pixels))))
            found = logits.argmax(dim=1).numpy()
            for example, mask in zip(examples, found, strict=True):
                agreement.add(example.label, mask)
        return {
            "validation:mIOU": agreement.mean_iou,
            "validation:pixel_accuracy": agreement.pixel_accuracy,
        }

    def _alike(self) -> Iterator[Sequence[Example[Array]]]:
        """The validation pictures in batches of one size, as they follow one another."""
        for _, alike in groupby(self._validation, key=lambda example: example.label.shape):
            while batch := list(islice(alike, self._validation_size)):
                yield batch

    def _view(self, example: Example[Array], random: np.random.Generator) -> tuple[Array, Array]:
        pixels = read_pair(example.image, example.label, example.name)
        return random_view(pixels, example.label, self._base_size, self._crop_size, random)


def _cross_entropy(logits: Any, masks: Any) -> Any:
    losses = functional.cross_entropy(logits, masks, ignore_index=IGNORED, reduction="sum")
    return losses / max(int((masks != IGNORED).sum()), 1)
