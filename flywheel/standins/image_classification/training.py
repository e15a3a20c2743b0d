"""A training job of Image Classification."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from flywheel.standins import torch_training
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError
from flywheel.standins.image_classification import model_files, network
from flywheel.standins.image_classification.labels import read_labelled
from flywheel.standins.image_classification.pictures import Preparation, Shape, scaled
from flywheel.standins.job import Job
from flywheel.standins.remarks import log_without_effect
from flywheel.standins.vision import batches, fit, weights
from flywheel.standins.vision.examples import Example, warn_of_number

_WITHOUT_EFFECT = {
    "kv_store": "there is one machine",
    "precision_dtype": "a CPU computes with float32",
}


def train(job: Job) -> None:
    """Read the channels, train, write the model.

    Raises:
        RefusedError: the data or the settings are the sender's mistake.
    """
    random = torch_training.prepare()
    log_without_effect(job, _WITHOUT_EFFECT)
    weights.say_no_pretrained(job)
    shape = Shape.parse(job.get("image_shape"))
    _check_top_k(job)
    task = _Classification(job, shape)
    with weights.earlier_model(job) as folder:
        if folder is None:
            net = network.create(job.get("num_layers"), shape, job.get("num_classes"))
        else:
            description = model_files.describe(folder)
            weights.check_same(job, description)
            net = model_files.load(folder, description)
    task.network = net
    frequency = job.get("checkpoint_frequency")

    def keep(epoch: int) -> None:
        if frequency and epoch % frequency == 0:
            weights.save(net, job.model_dir / model_files.weights_name(epoch))

    best = fit.fit(job, net, task, random, keep)
    model_files.save(job, net, shape, best.number)


def _check_top_k(job: Job) -> None:
    top_k, num_classes = job.get("top_k"), job.get("num_classes")
    if top_k and top_k > num_classes:
        raise RefusedError(f"top_k is {top_k}; it must be at most num_classes, {num_classes}")


class _Classification:
    """The examples, and how well the network names their classes."""

    network: Any

    def __init__(self, job: Job, shape: Shape) -> None:
        self._job = job
        self._multi_label = job.get("multi_label")
        self._top_k = job.get("top_k")
        resize = job.get("resize")
        self._preparation = Preparation(shape, resize, job.get("augmentation_type"))
        self._size = job.get("mini_batch_size")
        self._train = read_labelled(job, "train")
        warn_of_number(job, self._train)
        self._validation = read_labelled(job, "validation")
        self.num_batches = batches.num_batches(len(self._train), self._size)
        self._class_weights = self._balance() if job.get("use_weighted_loss") else None
        self._seen = self._right = self._in_top_k = 0.0

    def batches(self, random: np.random.Generator) -> Iterator[tuple[Any, Any]]:
        """Pictures and labels."""
        for indices in batches.shuffled(len(self._train), self._size, random):
            examples = [self._train[index] for index in indices]
            views = [
                self._preparation.for_training(example.image, example.name, random)
                for example in examples
            ]
            yield torch.from_numpy(scaled(views)), self._labels(examples)

    def loss(self, batch: tuple[Any, Any]) -> Any:
        """Cross entropy; of each class by itself where a picture may have several."""
        pictures, labels = batch
        logits = self.network(pictures)
        self._count(logits.detach(), labels)
        if self._multi_label:
            return functional.binary_cross_entropy_with_logits(
                logits, labels, pos_weight=self._class_weights
            )
        return functional.cross_entropy(logits, labels)

    def remark(self) -> str:
        """The training accuracy."""
        seen = self._seen or 1
        said = f", train accuracy {self._right / seen:.4f}"
        if self._top_k and not self._multi_label:
            said += f", train top-{self._top_k} accuracy {self._in_top_k / seen:.4f}"
        self._seen = self._right = self._in_top_k = 0.0
        return said

    def metrics(self) -> Mapping[str, float]:
        """The share of pictures with the right class, or of classes with the right answer."""
        right = []
        for start in range(0, len(self._validation), self._size):
            examples = self._validation[start : start + self._size]
            views = [self._preparation.for_validation(e.image, e.name) for e in examples]
            logits = self.network(torch.from_numpy(scaled(views)))
            right.append(self._correct(logits, self._labels(examples)))
        return {"validation:accuracy": float(torch.cat(right).mean())}

    def _labels(self, examples: Sequence[Example[Array]]) -> Any:
        labels = torch.from_numpy(np.stack([example.label for example in examples]))
        return labels if self._multi_label else labels[:, 0]

    def _correct(self, logits: Any, labels: Any) -> Any:
        if self._multi_label:
            return ((logits > 0) == (labels > 0)).float().mean(dim=1)
        return (logits.argmax(dim=1) == labels).float()

    def _count(self, logits: Any, labels: Any) -> None:
        self._seen += len(labels)
        self._right += float(self._correct(logits, labels).sum())
        if self._top_k and not self._multi_label:
            top = logits.topk(self._top_k, dim=1).indices
            self._in_top_k += float((top == labels[:, None]).any(dim=1).sum())

    def _balance(self) -> Any:
        """For each class how many pictures are without it for one with it."""
        having = np.stack([example.label for example in self._train]).sum(axis=0)
        without = len(self._train) - having
        ratios = np.where((having > 0) & (without > 0), without / np.maximum(having, 1), 1.0)
        return torch.from_numpy(ratios.astype(np.float32))
