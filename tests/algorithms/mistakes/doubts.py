"""Trainings that may be right, and the warning that each gets."""

from collections.abc import Mapping
from dataclasses import replace

from flywheel.algorithms.validation import RangeUse, Training
from tests.algorithms.trainings import (
    CSV,
    MINIMAL,
    C,
    P,
    T,
    tuning_of,
    with_channels,
    with_hyperparameters,
)

DOUBTS: Mapping[str, tuple[str, Training, str]] = {
    "what only the SDK refuses": (
        "kmeans",
        with_hyperparameters("kmeans", k=1),
        P + "k is 1; by AWS's SDK it must be a whole number of at least 2.",
    ),
    "what only the guide refuses": (
        "knn",
        with_hyperparameters("knn", index_type="faiss.IVFPQ", faiss_index_pq_m=5),
        P + "faiss_index_pq_m is 5; by the developer guide it must be 1, 2, 3, 4, 8, 12, 16, "
        "20, 24, 28, 32, 40, 48, 56, 64 or 96.",
    ),
    "what has no effect": (
        "image_classification",
        with_hyperparameters("image_classification", beta_1=0.8),
        P + "beta_1 is 0.8; it has no effect unless optimizer is adam.",
    ),
    "what is for the other row": (
        "linear_learner_regression",
        with_hyperparameters("linear_learner_regression", num_classes=3),
        P + "num_classes is 3; it has no effect unless predictor_type is multiclass_classifier.",
    ),
    "what is for several instances": (
        "object_detection",
        with_hyperparameters("object_detection", kv_store="dist_sync"),
        P + "kv_store is dist_sync; it has no effect unless instance_count is more than 1.",
    ),
    "FastFile": (
        "kmeans",
        with_channels("kmeans", train=(CSV, "FastFile")),
        C + "train.input_mode is FastFile; the page of K-Means does not name it; AWS says that "
        "it works wherever File does.",
    ),
    "an input mode of the common page": (
        "blazingtext_word2vec",
        with_channels("blazingtext_word2vec", train=("text/plain", "Pipe")),
        C + "train.input_mode is Pipe; the page of BlazingText (Word2Vec) names File only.",
    ),
    "a parameter that AWS does not name": (
        "kmeans",
        with_channels("kmeans", train=("text/csv; charset=utf-8", "File")),
        C + "train.content_type is text/csv; charset=utf-8; AWS names no parameter charset for "
        "this channel of K-Means.",
    ),
    "a content type where AWS names none": (
        "object2vec",
        with_channels("object2vec", auxiliary=("text/plain", "File")),
        C + "auxiliary.content_type is text/plain; AWS names no content type for this channel "
        "of Object2Vec. Leave it out.",
    ),
    "a newer GPU": (
        "kmeans",
        replace(MINIMAL["kmeans"], instance_type="ml.g6.xlarge"),
        "training.instance_type is ml.g6.xlarge; the GPU families that AWS names for K-Means "
        "are p2, p3, g4dn, g5. Try it before you rely on it.",
    ),
    "a GPU that idles": (
        "random_cut_forest",
        replace(MINIMAL["random_cut_forest"], instance_type="ml.g5.xlarge"),
        "training.instance_type is ml.g5.xlarge; Random Cut Forest makes no use of a GPU. "
        "ml.m5.xlarge costs less.",
    ),
    "a range beyond the recommended one": (
        "xgboost",
        tuning_of("xgboost", "validation:rmse", eta=RangeUse(min=0, max=0.5)),
        T + "ranges.eta.min is 0; for tuning AWS recommends 0.1 to 0.5.",
    ),
    "a value beside the recommended ones": (
        "semantic_segmentation",
        tuning_of(
            "semantic_segmentation", "validation:mIOU", optimizer=RangeUse(values=("sgd", "nag"))
        ),
        T + "ranges.optimizer.values[1] is nag; for tuning AWS recommends sgd, adam or adadelta.",
    ),
    "a range that depends on another setting": (
        "seq2seq",
        replace(
            tuning_of("seq2seq", "validation:bleu", weight_init_scale=RangeUse(min=-1, max=1)),
            hyperparameters={"weight_init_type": "xavier"},
        ),
        T + "ranges.weight_init_scale.min is -1; for tuning AWS recommends 2 to 3.",
    ),
}
