"""Tuning that SageMaker or an algorithm does not take."""

from collections.abc import Mapping
from dataclasses import replace

from flywheel.algorithms.validation import ChannelUse, RangeUse, Tuning
from tests.algorithms.trainings import (
    CSV,
    MINIMAL,
    C,
    Mistake,
    T,
    tuning_of,
    with_hyperparameters,
)

MISTAKES: Mapping[str, Mistake] = {
    "an objective that does not exist": (
        "xgboost",
        tuning_of("xgboost", "validation:acc", eta=RangeUse()),
        [
            T + "objective is validation:acc; XGBoost reports no such metric. "
            "The nearest is validation:auc."
        ],
    ),
    "an objective of another kind of training": (
        "knn",
        tuning_of("knn", "test:mse", k=RangeUse()),
        [
            T + "objective is test:mse; it is reported only when predictor_type is regressor. "
            "Reported are test:accuracy."
        ],
    ),
    "an objective without its channel": (
        "kmeans",
        replace(
            tuning_of("kmeans", "test:msd", epochs=RangeUse()), channels=MINIMAL["kmeans"].channels
        ),
        [C + "test is missing; the objective test:msd is measured on it. Add the channel."],
    ),
    "no range": (
        "knn",
        tuning_of("knn", "test:accuracy"),
        [T + "ranges is empty; it must have at least one hyperparameter. It tunes k, sample_size."],
    ),
    "a range of a name that is misspelt": (
        "xgboost",
        tuning_of("xgboost", "validation:rmse", etta=RangeUse(min=0.1, max=0.2)),
        [T + "ranges.etta is given; XGBoost has no such hyperparameter. The nearest is eta."],
    ),
    "a range of what cannot be tuned": (
        "knn",
        tuning_of("knn", "test:accuracy", feature_dim=RangeUse(min=1, max=2)),
        [
            T + "ranges.feature_dim is given; SageMaker does not tune it for K-Nearest Neighbors. "
            "It tunes k, sample_size."
        ],
    ),
    "a range beyond what the value may be": (
        "xgboost",
        tuning_of("xgboost", "validation:rmse", subsample=RangeUse(min=0.5, max=1.5)),
        [
            T + "ranges.subsample.max is 1.5; it must be a number more than 0 and at most 1. "
            "The nearest is 1."
        ],
    ),
    "a range that is upside down": (
        "xgboost",
        tuning_of("xgboost", "validation:rmse", max_depth=RangeUse(min=8, max=3)),
        [
            T + "ranges.max_depth.max is 3; it must be more than min, which is 8. "
            "A single value is no range."
        ],
    ),
    "a range without an end": (
        "xgboost",
        tuning_of("xgboost", "validation:rmse", max_depth=RangeUse(min=3)),
        [T + "ranges.max_depth.max is missing; a range has min and max. AWS recommends 0 to 10."],
    ),
    "a word for a bound": (
        "linear_learner_regression",
        tuning_of("linear_learner_regression", "validation:mse", wd=RangeUse(min="auto", max=1)),
        [T + "ranges.wd.min is auto; it must be a number."],
    ),
    "values for a range": (
        "xgboost",
        tuning_of("xgboost", "validation:rmse", max_depth=RangeUse(values=(3, 6))),
        [
            T + "ranges.max_depth is given; it is tuned over a range, not by trying some values. "
            "Write min and max, for example 0 to 10."
        ],
    ),
    "a range for values": (
        "kmeans",
        tuning_of("kmeans", "test:msd", init_method=RangeUse(min=0, max=1)),
        [
            T + "ranges.init_method is given; it is tuned by trying some values, not a range. "
            "Write values: [kmeans++, random]."
        ],
    ),
    "a value that does not exist": (
        "kmeans",
        tuning_of("kmeans", "test:msd", init_method=RangeUse(values=("random", "kmeans"))),
        [
            T + "ranges.init_method.values[1] is kmeans; it must be random or kmeans++. "
            "The nearest is kmeans++."
        ],
    ),
    "no values": (
        "kmeans",
        tuning_of("kmeans", "test:msd", init_method=RangeUse(values=())),
        [
            T + "ranges.init_method.values is empty; it must have at least one value. "
            "For example kmeans++ or random."
        ],
    ),
    "a logarithm of zero": (
        "xgboost",
        tuning_of(
            "xgboost", "validation:rmse", alpha=RangeUse(min=0, max=9, scaling="Logarithmic")
        ),
        [
            T + "ranges.alpha.scaling is Logarithmic; on this scale min must be more than 0; "
            "it is 0. Choose Linear or another min."
        ],
    ),
    "a reverse logarithm beyond one": (
        "xgboost",
        tuning_of("xgboost", "validation:rmse", alpha=RangeUse(scaling="ReverseLogarithmic")),
        [
            T + "ranges.alpha.scaling is ReverseLogarithmic; on this scale min must be at least "
            "0 and max less than 1. Choose Linear or another range."
        ],
    ),
    "a scale that is misspelt": (
        "xgboost",
        tuning_of("xgboost", "validation:rmse", alpha=RangeUse(scaling="Log")),
        [
            T + "ranges.alpha.scaling is Log; it must be Auto, Linear, Logarithmic or "
            "ReverseLogarithmic."
        ],
    ),
    "a range of what has a fixed value": (
        "xgboost",
        replace(
            with_hyperparameters("xgboost"),
            channels={**MINIMAL["xgboost"].channels, "validation": ChannelUse(content_type=CSV)},
            tuning=Tuning(objective="validation:rmse", ranges={"num_round": RangeUse()}),
        ),
        [
            T + "ranges.num_round is given; it has a fixed value in training.hyperparameters "
            "too. Keep one of them."
        ],
    ),
    "tuning of what reports no metric": (
        "pca",
        replace(MINIMAL["pca"], tuning=Tuning(objective="test:loss", ranges={})),
        [
            "training.tuning is given; Principal Component Analysis reports no metric, so "
            "SageMaker cannot tune it. Remove it."
        ],
    ),
}
