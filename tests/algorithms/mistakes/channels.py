"""Channels, content types and input modes that an algorithm does not take."""

from collections.abc import Mapping

from tests.algorithms.trainings import (
    CSV,
    C,
    Mistake,
    with_channels,
)

MISTAKES: Mapping[str, Mistake] = {
    "a channel that is missing": (
        "kmeans",
        with_channels("kmeans", train=None),
        [C + "train is missing; K-Means requires it. Add the channel."],
    ),
    "a channel that is misspelt": (
        "kmeans",
        with_channels("kmeans", train=None, training=(CSV, "File")),
        [C + "training is given; K-Means has no such channel. The nearest is train."],
    ),
    "a channel that is like none": (
        "kmeans",
        with_channels("kmeans", pictures=(CSV, "File")),
        [C + "pictures is given; K-Means has no such channel. It has train, test."],
    ),
    "a channel that masks need": (
        "semantic_segmentation",
        with_channels("semantic_segmentation", train_annotation=None),
        [
            C + "train_annotation is missing; it is required when channels.train.input_mode is "
            "File or FastFile. Add the channel."
        ],
    ),
    "a content type that is misspelt": (
        "kmeans",
        with_channels("kmeans", train=("text/cvs", "File")),
        [
            C + "train.content_type is text/cvs; in this channel K-Means takes "
            "application/x-recordio-protobuf or text/csv. The nearest is text/csv."
        ],
    ),
    "a content type that is missing": (
        "kmeans",
        with_channels("kmeans", train=(None, "File")),
        [
            C + "train.content_type is missing; K-Means must be told what the channel holds. "
            "Add it: application/x-recordio-protobuf or text/csv."
        ],
    ),
    "a label column where there is none": (
        "kmeans",
        with_channels("kmeans", train=("text/csv;label_size=1", "File")),
        [
            C + "train.content_type is text/csv;label_size=1; its label_size must be 0 in this "
            "channel of K-Means. Write label_size=0, or leave it out."
        ],
    ),
    "something after a content type that is compared as a whole": (
        "xgboost",
        with_channels("xgboost", train=("text/csv; label_size=1", "File")),
        [
            C + "train.content_type is text/csv; label_size=1; XGBoost compares the content "
            "type as a whole: nothing may follow it. Write text/csv."
        ],
    ),
    "an input mode that the algorithm has not": (
        "deepar",
        with_channels("deepar", train=(None, "Pipe")),
        [C + "train.input_mode is Pipe; to DeepAR Forecasting auto comes by File or FastFile."],
    ),
    "an input mode that the content type has not": (
        "lda",
        with_channels("lda", train=(CSV, "Pipe")),
        [
            C + "train.input_mode is Pipe; to Latent Dirichlet Allocation text/csv comes by "
            "File or FastFile."
        ],
    ),
    "an input mode that the container refuses": (
        "xgboost",
        with_channels("xgboost", train=(CSV, "FastFile")),
        [C + "train.input_mode is FastFile; to XGBoost text/csv comes by File."],
    ),
    "an input mode that the container no longer reads": (
        "xgboost",
        with_channels("xgboost", train=(CSV, "Pipe")),
        [C + "train.input_mode is Pipe; to XGBoost text/csv comes by File."],
    ),
    "an input mode that is misspelt": (
        "kmeans",
        with_channels("kmeans", train=(CSV, "file")),
        [
            C + "train.input_mode is file; to K-Means text/csv comes by File, Pipe or FastFile. "
            "The nearest is File."
        ],
    ),
}
