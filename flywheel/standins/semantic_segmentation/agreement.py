"""How far found masks agree with the true ones."""

from __future__ import annotations

import numpy as np

from flywheel.standins.codecs.wire import Array
from flywheel.standins.semantic_segmentation.masks import IGNORED


class Agreement:
    """Counts pixels by their true and their found class, over all pictures."""

    def __init__(self, num_classes: int) -> None:
        self._num_classes = num_classes
        self._counts: Array = np.zeros((num_classes, num_classes), np.int64)

    def add(self, truth: Array, found: Array) -> None:
        """Count the pixels of one picture; ignored ones do not count."""
        counted = truth != IGNORED
        pairs = truth[counted].astype(np.int64) * self._num_classes + found[counted]
        size = self._num_classes**2
        self._counts += np.bincount(pairs, minlength=size).reshape(self._counts.shape)

    @property
    def pixel_accuracy(self) -> float:
        """The share of pixels with the right class."""
        return float(np.trace(self._counts) / max(self._counts.sum(), 1))

    @property
    def mean_iou(self) -> float:
        """Intersection over union, as the mean of the classes that are there or are found."""
        common = np.diag(self._counts)
        union = self._counts.sum(axis=0) + self._counts.sum(axis=1) - common
        occur = union > 0
        return float(np.mean(common[occur] / union[occur])) if occur.any() else 0.0
