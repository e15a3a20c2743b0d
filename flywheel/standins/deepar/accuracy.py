"""How far predictions of the test channel are from the truth.

Source: Amazon SageMaker Developer Guide, "DeepAR Forecasting Algorithm".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from flywheel.standins.codecs.wire import Array


def root_mean_square_error(truths: Sequence[Array], means: Sequence[Array]) -> float:
    """Over all values that are known."""
    errors = np.concatenate(means) - np.concatenate(truths)
    return float(np.sqrt(np.nanmean(errors.astype(np.float64) ** 2)))


def weighted_quantile_losses(
    truths: Sequence[Array], quantiles: Mapping[float, Sequence[Array]]
) -> dict[float, float]:
    """Twice the quantile loss, divided by the sum of the absolute values, for each quantile.

    Args:
        truths: of each series; NaN where a value is missing.
        quantiles: the predicted values of each quantile.
    """
    truth = np.concatenate(truths).astype(np.float64)
    total = np.nansum(np.abs(truth))
    losses = {}
    for share, predicted in quantiles.items():
        above = truth - np.concatenate(predicted)
        loss = 2 * np.nansum(np.maximum(share * above, (share - 1) * above))
        losses[share] = float(loss / total) if total else float(loss)
    return losses
