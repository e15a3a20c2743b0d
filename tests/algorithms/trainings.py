"""The least that each built-in algorithm can be given, and trainings that differ from it."""

from collections.abc import Mapping
from dataclasses import replace

from flywheel.algorithms import catalogue
from flywheel.algorithms.validation import ChannelUse, RangeUse, Training, Tuning

RECORDIO = "application/x-recordio-protobuf"
CSV = "text/csv"
CPU, GPU = "ml.m5.xlarge", "ml.g5.xlarge"
P = "training.hyperparameters."
C = "training.channels."
T = "training.tuning."

type Mistake = tuple[str, Training, list[str]]
"""The row of the catalogue, a training of it, and what must be said."""


def _training(
    instance_type: str, channels: Mapping[str, str | None], **hyperparameters: object
) -> Training:
    return Training(
        hyperparameters=hyperparameters,
        channels={name: ChannelUse(content_type=held) for name, held in channels.items()},
        instance_type=instance_type,
    )


_IMAGES = {"num_classes": 2, "num_training_samples": 100}
_MASKS = {
    "train": "image/jpeg",
    "validation": "image/jpeg",
    "train_annotation": "image/png",
    "validation_annotation": "image/png",
}
MINIMAL: Mapping[str, Training] = {
    "blazingtext_text_classification": _training(CPU, {"train": "text/plain"}, mode="supervised"),
    "blazingtext_word2vec": _training(CPU, {"train": "text/plain"}, mode="batch_skipgram"),
    "deepar": _training(
        CPU, {"train": None}, context_length=24, epochs=10, prediction_length=24, time_freq="1H"
    ),
    "factorization_machines": _training(
        CPU, {"train": RECORDIO}, feature_dim=100, num_factors=8, predictor_type="regressor"
    ),
    "image_classification": _training(
        GPU, {"train": "application/x-recordio", "validation": "application/x-recordio"}, **_IMAGES
    ),
    "ip_insights": _training(CPU, {"train": CSV}, num_entity_vectors=1000, vector_dim=16),
    "kmeans": _training(CPU, {"train": CSV}, feature_dim=4, k=3),
    "knn": _training(
        CPU, {"train": CSV}, feature_dim=4, k=3, predictor_type="classifier", sample_size=200
    ),
    "lda": _training(CPU, {"train": CSV}, feature_dim=50, num_topics=5, mini_batch_size=100),
    "linear_learner_classification": _training(
        CPU, {"train": CSV}, predictor_type="binary_classifier"
    ),
    "linear_learner_regression": _training(CPU, {"train": CSV}, predictor_type="regressor"),
    "ntm": _training(CPU, {"train": CSV}, feature_dim=50, num_topics=5),
    "object2vec": _training(
        CPU, {"train": "application/jsonlines"}, enc0_max_seq_len=10, enc0_vocab_size=100
    ),
    "object_detection": _training(
        GPU, {"train": "application/x-recordio", "validation": "application/x-recordio"}, **_IMAGES
    ),
    "pca": _training(CPU, {"train": CSV}, feature_dim=8, num_components=2, mini_batch_size=100),
    "random_cut_forest": _training(CPU, {"train": CSV}, feature_dim=1),
    "semantic_segmentation": _training(GPU, _MASKS, **_IMAGES),
    "seq2seq": _training(
        GPU, {"train": RECORDIO, "validation": RECORDIO, "vocab": "application/json"}
    ),
    "xgboost": _training(CPU, {"train": CSV}, num_round=10),
}


def tuned(key: str) -> Training:
    """The minimal training, tuned over everything that fits it, by a metric that it reports."""
    algorithm, least = catalogue.find(key), MINIMAL[key]
    for metric in algorithm.metrics:
        channels = dict(least.channels)
        measured_on = metric.partition(":")[0]
        if measured_on in algorithm.channels:
            channels.setdefault(measured_on, channels["train"])
        ranges = {
            name: RangeUse()
            for name, known in algorithm.hyperparameters.items()
            if known.tuning and not known.applies_when
        }
        fixed = {n: v for n, v in least.hyperparameters.items() if n not in ranges}
        training = replace(
            least,
            channels=channels,
            hyperparameters=fixed,
            tuning=Tuning(objective=metric, ranges=ranges),
        )
        if _is_reported(key, training):
            return training
    raise AssertionError(f"{key} reports no metric for its minimal training")


def _is_reported(key: str, training: Training) -> bool:
    from flywheel.algorithms.validation import check

    return not any("reported only" in found.rule for found in check(key, training).problems)


def with_hyperparameters(key: str, **hyperparameters: object) -> Training:
    """The minimal training with other hyperparameters; those set to `...` are taken away."""
    values = {**MINIMAL[key].hyperparameters, **hyperparameters}
    given = {name: value for name, value in values.items() if value is not ...}
    return replace(MINIMAL[key], hyperparameters=given)


def with_channels(key: str, **channels: tuple[str | None, str] | None) -> Training:
    """The minimal training with other channels: content type and input mode."""
    used = dict(MINIMAL[key].channels)
    for name, use in channels.items():
        used.pop(name, None)
        if use:
            used[name] = ChannelUse(content_type=use[0], input_mode=use[1])
    return replace(MINIMAL[key], channels=used)


def tuning_of(key: str, objective: str, /, **ranges: RangeUse) -> Training:
    fixed = {n: v for n, v in MINIMAL[key].hyperparameters.items() if n not in ranges}
    channels = dict(MINIMAL[key].channels)
    measured_on = objective.partition(":")[0]
    if measured_on in {"test", "validation"}:
        channels.setdefault(measured_on, channels["train"])
    tuning = Tuning(objective=objective, ranges=ranges)
    return replace(MINIMAL[key], hyperparameters=fixed, channels=channels, tuning=tuning)
