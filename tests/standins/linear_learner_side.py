"""Runs in the environment of the tabular algorithms: checks Linear Learner's parts against plain
arithmetic.

Prints JSON: by how much each loss's derivative differs from a difference quotient, and for how many
of some random cases the threshold is not as good as the best of all.
"""

import json
from typing import Any

import numpy as np

from flywheel.standins.linear_learner import losses, thresholds
from flywheel.standins.linear_learner.measures import binary

OPTIONS = {"margin": 0.7, "loss_insensitivity": 0.2, "quantile": 0.8, "huber_delta": 0.5}
STEP = 1e-6


def derivative_error(name: str, chance: np.random.Generator) -> float:
    """The largest difference between the derivative and the quotient, away from kinks."""
    loss = losses.loss_named(name, OPTIONS)
    classes = name == "softmax_loss"
    scores: Any = chance.normal(size=(40, 3, 4) if classes else (40, 3))
    labels: Any = chance.integers(0, 4 if classes else 2, 40).astype(float)
    slopes = loss(scores, labels)[1]
    differences = []
    for at in np.ndindex(scores.shape):
        low, high = scores.copy(), scores.copy()
        low[at] -= STEP
        high[at] += STEP
        row, model = at[:2]
        quotient = (loss(high, labels)[0] - loss(low, labels)[0])[row, model] / (2 * STEP)
        differences.append(abs(quotient - slopes[at]))
    return float(max(differences))


def value(criterion: str, found: dict[str, float]) -> float:
    """How well the metrics of one threshold meet a criterion."""
    precision, recall = found["precision"], found["recall"]
    if criterion == "accuracy":
        return found["binary_classification_accuracy"]
    if criterion in ("f1", "f_beta"):
        return found["binary_f_beta"]
    wanted, then = (recall, precision) if "target_recall" in criterion else (precision, recall)
    return 1 + then if wanted >= 0.75 else wanted - 0.75


def worse_thresholds(criterion: str, chance: np.random.Generator) -> int:
    """Random cases in which another threshold is better than the one that is found."""
    beta = 2.0 if criterion == "f_beta" else 1.0
    options = {
        "binary_classifier_model_selection_criteria": criterion,
        "f_beta": beta,
        "target_recall": 0.75,
        "target_precision": 0.75,
    }
    worse = 0
    for _ in range(150):
        count = int(chance.integers(1, 12))
        scores: Any = chance.integers(0, 6, count) / 5
        labels: Any = chance.integers(0, 2, count).astype(float)
        at, _ = thresholds.best_cut(scores, labels, options)
        own = value(criterion, binary(scores, at, labels, beta))
        every = [value(criterion, binary(scores, t, labels, beta)) for t in {*scores, -1.0}]
        # With a threshold above all scores nothing is predicted, and nothing is wrong.
        worse += own < max(every) - 1e-12 and (scores >= at).any()
    return int(worse)


chance = np.random.default_rng(1)
NAMES = ("logistic", "hinge_loss", "softmax_loss", "squared_loss", "absolute_loss")
MORE = ("eps_insensitive_squared_loss", "eps_insensitive_absolute_loss", "quantile_loss")
CRITERIA = ("accuracy", "f1", "f_beta", "precision_at_target_recall", "recall_at_target_precision")
print(  # noqa: T201
    json.dumps(
        {
            "derivatives": {
                name: derivative_error(name, chance) for name in (*NAMES, *MORE, "huber_loss")
            },
            "thresholds": {name: worse_thresholds(name, chance) for name in CRITERIA},
        }
    )
)
