"""What a built-in algorithm does not take is said with setting, value, rule and remedy."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from flywheel.algorithms import catalogue
from flywheel.algorithms.errors import RefusedError
from flywheel.algorithms.validation import (
    ChannelUse,
    Findings,
    RangeUse,
    Training,
    Tuning,
    check,
    check_hosting,
)
from tests.algorithms.trainings import CSV, MINIMAL, tuned


def _with(key: str, **hyperparameters: object) -> Training:
    """The minimal training with other hyperparameters; those set to `...` are taken away."""
    values = {**MINIMAL[key].hyperparameters, **hyperparameters}
    given = {name: value for name, value in values.items() if value is not ...}
    return replace(MINIMAL[key], hyperparameters=given)


def _channels(key: str, **channels: tuple[str | None, str] | None) -> Training:
    """The minimal training with other channels: content type and input mode."""
    used = dict(MINIMAL[key].channels)
    for name, use in channels.items():
        used.pop(name, None)
        if use:
            used[name] = ChannelUse(content_type=use[0], input_mode=use[1])
    return replace(MINIMAL[key], channels=used)


def _tuning(key: str, objective: str, /, **ranges: RangeUse) -> Training:
    fixed = {n: v for n, v in MINIMAL[key].hyperparameters.items() if n not in ranges}
    channels = dict(MINIMAL[key].channels)
    measured_on = objective.partition(":")[0]
    if measured_on in {"test", "validation"}:
        channels.setdefault(measured_on, channels["train"])
    tuning = Tuning(objective=objective, ranges=ranges)
    return replace(MINIMAL[key], hyperparameters=fixed, channels=channels, tuning=tuning)


def _problems(found: Findings) -> list[str]:
    return [str(problem) for problem in found.problems]


def _warnings(found: Findings) -> list[str]:
    return [str(warning) for warning in found.warnings]


@pytest.mark.parametrize("key", catalogue.keys())
def test_the_minimal_training_of_every_row_passes_without_a_warning(key: str) -> None:
    assert check(key, MINIMAL[key]) == Findings((), ())


@pytest.mark.parametrize("key", sorted(set(catalogue.keys()) - {"pca"}))
def test_every_row_can_be_tuned_over_the_recommended_ranges(key: str) -> None:
    assert check(key, tuned(key)) == Findings((), ())


@pytest.mark.parametrize("key", catalogue.keys())
def test_what_is_required_is_missed(key: str) -> None:
    algorithm = catalogue.find(key)
    required = [known.name for known in algorithm.hyperparameters.values() if known.required]
    for name in required:
        (problem,) = check(key, _with(key, **{name: ...})).problems
        assert problem.steps == ("training", "hyperparameters", name)
        assert problem.value == "missing"
        assert problem.rule == f"{algorithm.name} requires it"


P = "training.hyperparameters."
C = "training.channels."
T = "training.tuning."
BAD: Mapping[str, tuple[str, Training, list[str]]] = {
    "a whole number that is too small": (
        "kmeans",
        _with("kmeans", k=0),
        [P + "k is 0; it must be a whole number of at least 1. The nearest is 1."],
    ),
    "a number that is too large": (
        "ip_insights",
        _with("ip_insights", vector_dim=5000),
        [P + "vector_dim is 5000; it must be a whole number from 4 to 4,096. The nearest is 4096."],
    ),
    "an open bound": (
        "xgboost",
        _with("xgboost", subsample=0),
        [P + "subsample is 0; it must be a number more than 0 and at most 1."],
    ),
    "a fraction for a whole number": (
        "kmeans",
        _with("kmeans", epochs=1.5),
        [P + "epochs is 1.5; it must be a whole number of at least 1. For example 2."],
    ),
    "a number in quotes": (
        "kmeans",
        _with("kmeans", k="3"),
        [P + "k is '3'; it must be a whole number of at least 1. Remove the quotes."],
    ),
    "true for a number": (
        "kmeans",
        _with("kmeans", k=True),
        [P + "k is true; it must be a whole number of at least 1."],
    ),
    "infinity": (
        "lda",
        _with("lda", alpha0=float("inf")),
        [P + "alpha0 is inf; it must be a number more than 0."],
    ),
    "an odd number": (
        "seq2seq",
        _with("seq2seq", rnn_num_hidden=101),
        [P + "rnn_num_hidden is 101; it must be a whole number of at least 2, a multiple of 2."],
    ),
    "a word that is not one of the choices": (
        "kmeans",
        _with("kmeans", init_method="kmeans+"),
        [P + "init_method is kmeans+; it must be random or kmeans++. The nearest is kmeans++."],
    ),
    "a word beside a number": (
        "kmeans",
        _with("kmeans", extra_center_factor="automatic"),
        [
            P + "extra_center_factor is automatic; it must be auto or a whole number of at "
            "least 1. The nearest is auto."
        ],
    ),
    "a number that is not one of the choices": (
        "image_classification",
        _with("image_classification", num_layers=19),
        [
            P + "num_layers is 19; it must be 18, 34, 50, 101, 152, 200, 20, 32, 44, 56 or "
            "110. The nearest is 18."
        ],
    ),
    "yes for true": (
        "pca",
        _with("pca", subtract_mean="yes"),
        [P + "subtract_mean is yes; it must be true or false. Write true, without quotes."],
    ),
    "the wrong word for true": (
        "blazingtext_word2vec",
        _with("blazingtext_word2vec", subwords="true"),
        [P + "subwords is 'true'; it must be true or false. Write true, without quotes."],
    ),
    "a number for a choice": (
        "deepar",
        _with("deepar", likelihood=1),
        [
            P + "likelihood is 1; it must be gaussian, beta, negative-binomial, student-T or "
            "deterministic-L1. Put it in quotes."
        ],
    ),
    "a pattern": (
        "deepar",
        _with("deepar", time_freq="hourly"),
        [P + "time_freq is hourly; it must be a number and M, W, D, H or min, for example 5min."],
    ),
    "a word for a list": (
        "kmeans",
        _with("kmeans", eval_metrics="msd"),
        [P + 'eval_metrics is msd; it must be a list of msd or ssd. It is written as ["msd"].'],
    ),
    "an entry of a list": (
        "object2vec",
        _with("object2vec", comparator_list="hadamard, conkat"),
        [
            P + "comparator_list is hadamard, conkat; it must be a list of hadamard, concat or "
            "abs_diff. conkat is none; the nearest is concat."
        ],
    ),
    "a number in a list": (
        "deepar",
        _with("deepar", test_quantiles=[0.1, 1.5]),
        [P + "test_quantiles is [0.1, 1.5]; it must be a list of numbers from 0 to 1."],
    ),
    "a nested list that is none": (
        "xgboost",
        _with("xgboost", tree_method="hist", interaction_constraints="[1, 2]"),
        [
            P + "interaction_constraints is [1, 2]; it must be a list of whole numbers of at "
            "least 1. It is written as [[1, 2], [3, 4]]."
        ],
    ),
    "more text than SageMaker takes": (
        "xgboost",
        _with("xgboost", tree_method="hist", interaction_constraints=[list(range(1, 2000))]),
        [
            P + "interaction_constraints is "
            "[[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22…; "
            "as text it must have at most 2500 characters."
        ],
    ),
    "a name that is misspelt": (
        "kmeans",
        _with("kmeans", init_metod="random"),
        [
            P + "init_metod is random; K-Means has no such hyperparameter. "
            "The nearest is init_method."
        ],
    ),
    "a required name that is misspelt": (
        "kmeans",
        _with("kmeans", feature_dim=..., feature_dims=4),
        [P + "feature_dims is 4; K-Means has no such hyperparameter. The nearest is feature_dim."],
    ),
    "a name that is like none": (
        "kmeans",
        _with("kmeans", sagemaker=1),
        [P + "sagemaker is 1; K-Means has no such hyperparameter. Remove it."],
    ),
    "a required one that is missing": (
        "kmeans",
        _with("kmeans", k=...),
        [P + "k is missing; K-Means requires it. Add it: a whole number of at least 1."],
    ),
    "one that another one requires": (
        "xgboost",
        _with("xgboost", objective="multi:softmax"),
        [
            P + "num_class is missing; it is required when objective is multi:softmax or "
            "multi:softprob. Add it: a whole number of at least 2."
        ],
    ),
    "one that must stand beside it": (
        "xgboost",
        _with("xgboost", eval_metric="rmse"),
        [P + "objective is missing; with eval_metric it is required. Add it."],
    ),
    "two names of the same": (
        "xgboost",
        _with("xgboost", eta=0.1, learning_rate=0.2),
        [
            P + "learning_rate is 0.2; it is another name of eta, which is given too. "
            "Keep one of them."
        ],
    ),
    "a choice that another one forbids": (
        "knn",
        _with("knn", index_type="faiss.IVFPQ", index_metric="COSINE"),
        [P + "index_metric is COSINE; when index_type is faiss.IVFPQ it must be L2."],
    ),
    "a default that another one forbids": (
        "xgboost",
        _with("xgboost", monotone_constraints="(1, 0)"),
        [
            P + "tree_method is missing; when monotone_constraints is given it must be exact or "
            "hist. Add it; without it, it is auto."
        ],
    ),
    "an entry that another one forbids": (
        "xgboost",
        _with("xgboost", eval_metric="rmse,auc", objective="reg:squarederror"),
        [
            P + "objective is reg:squarederror; when eval_metric is auc it must be "
            "binary:logistic, binary:logitraw, binary:hinge, rank:pairwise, rank:ndcg or "
            "rank:map."
        ],
    ),
    "two entries of which one is allowed": (
        "xgboost",
        _with("xgboost", booster="gblinear", updater="shotgun,coord_descent"),
        [
            P + "updater is shotgun,coord_descent; when booster is gblinear it must have one of "
            "shotgun or coord_descent. Keep one of them."
        ],
    ),
    "an entry for another booster": (
        "xgboost",
        _with("xgboost", updater="shotgun"),
        [
            P + "updater is shotgun; when process_type is default and booster is gbtree or dart "
            "it must be grow_colmaker, distcol, grow_histmaker, grow_skmaker, sync, refresh or "
            "prune."
        ],
    ),
    "one that must be less than another": (
        "knn",
        _with("knn", dimension_reduction_type="sign", dimension_reduction_target=4),
        [P + "dimension_reduction_target is 4; it must be less than feature_dim, which is 4."],
    ),
    "one that must be at most a default": (
        "image_classification",
        _with("image_classification", checkpoint_frequency=31),
        [P + "checkpoint_frequency is 31; it must be at most epochs, which is 30."],
    ),
    "two that add up to too little": (
        "ip_insights",
        _with("ip_insights", random_negative_sampling_rate=0, shuffled_negative_sampling_rate=0),
        [
            P + "shuffled_negative_sampling_rate is 0; together with "
            "random_negative_sampling_rate it must be from 1 to 500; it is 0."
        ],
    ),
    "one that needs a channel": (
        "xgboost",
        _with("xgboost", early_stopping_rounds=5),
        [
            C + "validation is missing; early_stopping_rounds needs it. "
            "Add the channel or remove early_stopping_rounds."
        ],
    ),
    "one that images need": (
        "image_classification",
        _channels(
            "image_classification",
            train=("application/x-image", "Pipe"),
            validation=("application/x-image", "Pipe"),
        ),
        [
            P + "resize is missing; it is required when channels.train.content_type is "
            "image/png, image/jpeg or application/x-image. Add it: a whole number of at "
            "least 1."
        ],
    ),
    "a channel that is missing": (
        "kmeans",
        _channels("kmeans", train=None),
        [C + "train is missing; K-Means requires it. Add the channel."],
    ),
    "a channel that is misspelt": (
        "kmeans",
        _channels("kmeans", train=None, training=(CSV, "File")),
        [C + "training is given; K-Means has no such channel. The nearest is train."],
    ),
    "a channel that is like none": (
        "kmeans",
        _channels("kmeans", pictures=(CSV, "File")),
        [C + "pictures is given; K-Means has no such channel. It has train, test."],
    ),
    "a channel that masks need": (
        "semantic_segmentation",
        _channels("semantic_segmentation", train_annotation=None),
        [
            C + "train_annotation is missing; it is required when channels.train.input_mode is "
            "File or FastFile. Add the channel."
        ],
    ),
    "a content type that is misspelt": (
        "kmeans",
        _channels("kmeans", train=("text/cvs", "File")),
        [
            C + "train.content_type is text/cvs; in this channel K-Means takes "
            "application/x-recordio-protobuf or text/csv. The nearest is text/csv."
        ],
    ),
    "a content type that is missing": (
        "kmeans",
        _channels("kmeans", train=(None, "File")),
        [
            C + "train.content_type is missing; K-Means must be told what the channel holds. "
            "Add it: application/x-recordio-protobuf or text/csv."
        ],
    ),
    "a label column where there is none": (
        "kmeans",
        _channels("kmeans", train=("text/csv;label_size=1", "File")),
        [
            C + "train.content_type is text/csv;label_size=1; its label_size must be 0 in this "
            "channel of K-Means. Write label_size=0, or leave it out."
        ],
    ),
    "something after a content type that is compared as a whole": (
        "xgboost",
        _channels("xgboost", train=("text/csv; label_size=1", "File")),
        [
            C + "train.content_type is text/csv; label_size=1; XGBoost compares the content "
            "type as a whole: nothing may follow it. Write text/csv."
        ],
    ),
    "an input mode that the algorithm has not": (
        "deepar",
        _channels("deepar", train=(None, "Pipe")),
        [C + "train.input_mode is Pipe; to DeepAR Forecasting auto comes by File or FastFile."],
    ),
    "an input mode that the content type has not": (
        "lda",
        _channels("lda", train=(CSV, "Pipe")),
        [
            C + "train.input_mode is Pipe; to Latent Dirichlet Allocation text/csv comes by "
            "File or FastFile."
        ],
    ),
    "an input mode that the container refuses": (
        "xgboost",
        _channels("xgboost", train=(CSV, "FastFile")),
        [C + "train.input_mode is FastFile; to XGBoost text/csv comes by File or Pipe."],
    ),
    "an input mode that is misspelt": (
        "kmeans",
        _channels("kmeans", train=(CSV, "file")),
        [
            C + "train.input_mode is file; to K-Means text/csv comes by File, Pipe or FastFile. "
            "The nearest is File."
        ],
    ),
    "an instance type that does not exist": (
        "kmeans",
        replace(MINIMAL["kmeans"], instance_type="ml.m5.xlarg"),
        [
            "training.instance_type is ml.m5.xlarg; it must be an instance type that SageMaker "
            "offers for training. The nearest is ml.m5.xlarge."
        ],
    ),
    "a GPU for an algorithm of CPUs": (
        "lda",
        replace(MINIMAL["lda"], instance_type="ml.g5.xlarge"),
        [
            "training.instance_type is ml.g5.xlarge; Latent Dirichlet Allocation trains on CPUs "
            "only. For example ml.m5.xlarge."
        ],
    ),
    "a CPU for an algorithm of GPUs": (
        "seq2seq",
        replace(MINIMAL["seq2seq"], instance_type="ml.m5.xlarge"),
        [
            "training.instance_type is ml.m5.xlarge; Sequence-to-Sequence trains on NVIDIA GPUs "
            "only. For example ml.g5.xlarge."
        ],
    ),
    "a Trainium instance": (
        "kmeans",
        replace(MINIMAL["kmeans"], instance_type="ml.trn1.2xlarge"),
        [
            "training.instance_type is ml.trn1.2xlarge; K-Means trains on x86 CPUs or NVIDIA "
            "GPUs. For example ml.g4dn.xlarge."
        ],
    ),
    "a GPU in a mode of CPUs": (
        "blazingtext_word2vec",
        replace(MINIMAL["blazingtext_word2vec"], instance_type="ml.g5.xlarge"),
        [
            "training.instance_type is ml.g5.xlarge; BlazingText (Word2Vec) trains on a GPU only "
            "when mode is skipgram or cbow. For example ml.m5.xlarge."
        ],
    ),
    "several instances for an algorithm of one": (
        "lda",
        replace(MINIMAL["lda"], instance_count=2),
        [
            "training.instance_count is 2; Latent Dirichlet Allocation trains on one instance "
            "only. Write 1."
        ],
    ),
    "several instances in a mode of one": (
        "blazingtext_word2vec",
        replace(_with("blazingtext_word2vec", mode="cbow"), instance_count=2),
        [
            "training.instance_count is 2; BlazingText (Word2Vec) trains on several instances "
            "only when mode is batch_skipgram. Write 1."
        ],
    ),
    "several GPUs by Dask on a CPU": (
        "xgboost",
        _with("xgboost", use_dask_gpu_training=True, tree_method="hist"),
        [
            "training.instance_type is ml.m5.xlarge; when use_dask_gpu_training is true it must be "
            "one with a GPU."
        ],
    ),
    "an objective that does not exist": (
        "xgboost",
        _tuning("xgboost", "validation:acc", eta=RangeUse()),
        [
            T + "objective is validation:acc; XGBoost reports no such metric. "
            "The nearest is validation:auc."
        ],
    ),
    "an objective of another kind of training": (
        "knn",
        _tuning("knn", "test:mse", k=RangeUse()),
        [
            T + "objective is test:mse; it is reported only when predictor_type is regressor. "
            "Reported are test:accuracy."
        ],
    ),
    "an objective without its channel": (
        "kmeans",
        replace(
            _tuning("kmeans", "test:msd", epochs=RangeUse()), channels=MINIMAL["kmeans"].channels
        ),
        [C + "test is missing; the objective test:msd is measured on it. Add the channel."],
    ),
    "no range": (
        "knn",
        _tuning("knn", "test:accuracy"),
        [T + "ranges is empty; it must have at least one hyperparameter. It tunes k, sample_size."],
    ),
    "a range of a name that is misspelt": (
        "xgboost",
        _tuning("xgboost", "validation:rmse", etta=RangeUse(min=0.1, max=0.2)),
        [T + "ranges.etta is given; XGBoost has no such hyperparameter. The nearest is eta."],
    ),
    "a range of what cannot be tuned": (
        "knn",
        _tuning("knn", "test:accuracy", feature_dim=RangeUse(min=1, max=2)),
        [
            T + "ranges.feature_dim is given; SageMaker does not tune it for K-Nearest Neighbors. "
            "It tunes k, sample_size."
        ],
    ),
    "a range beyond what the value may be": (
        "xgboost",
        _tuning("xgboost", "validation:rmse", subsample=RangeUse(min=0.5, max=1.5)),
        [
            T + "ranges.subsample.max is 1.5; it must be a number more than 0 and at most 1. "
            "The nearest is 1."
        ],
    ),
    "a range that is upside down": (
        "xgboost",
        _tuning("xgboost", "validation:rmse", max_depth=RangeUse(min=8, max=3)),
        [
            T + "ranges.max_depth.max is 3; it must be more than min, which is 8. "
            "A single value is no range."
        ],
    ),
    "a range without an end": (
        "xgboost",
        _tuning("xgboost", "validation:rmse", max_depth=RangeUse(min=3)),
        [T + "ranges.max_depth.max is missing; a range has min and max. AWS recommends 0 to 10."],
    ),
    "a word for a bound": (
        "linear_learner_regression",
        _tuning("linear_learner_regression", "validation:mse", wd=RangeUse(min="auto", max=1)),
        [T + "ranges.wd.min is auto; it must be a number."],
    ),
    "values for a range": (
        "xgboost",
        _tuning("xgboost", "validation:rmse", max_depth=RangeUse(values=(3, 6))),
        [
            T + "ranges.max_depth is given; it is tuned over a range, not by trying some values. "
            "Write min and max, for example 0 to 10."
        ],
    ),
    "a range for values": (
        "kmeans",
        _tuning("kmeans", "test:msd", init_method=RangeUse(min=0, max=1)),
        [
            T + "ranges.init_method is given; it is tuned by trying some values, not a range. "
            "Write values: [kmeans++, random]."
        ],
    ),
    "a value that does not exist": (
        "kmeans",
        _tuning("kmeans", "test:msd", init_method=RangeUse(values=("random", "kmeans"))),
        [
            T + "ranges.init_method.values[1] is kmeans; it must be random or kmeans++. "
            "The nearest is kmeans++."
        ],
    ),
    "no values": (
        "kmeans",
        _tuning("kmeans", "test:msd", init_method=RangeUse(values=())),
        [
            T + "ranges.init_method.values is empty; it must have at least one value. "
            "For example kmeans++ or random."
        ],
    ),
    "a logarithm of zero": (
        "xgboost",
        _tuning("xgboost", "validation:rmse", alpha=RangeUse(min=0, max=9, scaling="Logarithmic")),
        [
            T + "ranges.alpha.scaling is Logarithmic; on this scale min must be more than 0; "
            "it is 0. Choose Linear or another min."
        ],
    ),
    "a reverse logarithm beyond one": (
        "xgboost",
        _tuning("xgboost", "validation:rmse", alpha=RangeUse(scaling="ReverseLogarithmic")),
        [
            T + "ranges.alpha.scaling is ReverseLogarithmic; on this scale min must be at least "
            "0 and max less than 1. Choose Linear or another range."
        ],
    ),
    "a scale that is misspelt": (
        "xgboost",
        _tuning("xgboost", "validation:rmse", alpha=RangeUse(scaling="Log")),
        [
            T + "ranges.alpha.scaling is Log; it must be Auto, Linear, Logarithmic or "
            "ReverseLogarithmic."
        ],
    ),
    "a range of what has a fixed value": (
        "xgboost",
        replace(
            _with("xgboost"),
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


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said(name: str) -> None:
    key, training, said = BAD[name]
    assert _problems(check(key, training)) == said


def _range(**values: Any) -> RangeUse:
    return RangeUse(**values)


DOUBTFUL: Mapping[str, tuple[str, Training, str]] = {
    "what only the SDK refuses": (
        "kmeans",
        _with("kmeans", k=1),
        P + "k is 1; by AWS's SDK it must be a whole number of at least 2.",
    ),
    "what only the guide refuses": (
        "knn",
        _with("knn", index_type="faiss.IVFPQ", faiss_index_pq_m=5),
        P + "faiss_index_pq_m is 5; by the developer guide it must be 1, 2, 3, 4, 8, 12, 16, "
        "20, 24, 28, 32, 40, 48, 56, 64 or 96.",
    ),
    "what has no effect": (
        "image_classification",
        _with("image_classification", beta_1=0.8),
        P + "beta_1 is 0.8; it has no effect unless optimizer is adam.",
    ),
    "what is for the other row": (
        "linear_learner_regression",
        _with("linear_learner_regression", num_classes=3),
        P + "num_classes is 3; it has no effect unless predictor_type is multiclass_classifier.",
    ),
    "what is for several instances": (
        "object_detection",
        _with("object_detection", kv_store="dist_sync"),
        P + "kv_store is dist_sync; it has no effect unless instance_count is more than 1.",
    ),
    "FastFile": (
        "kmeans",
        _channels("kmeans", train=(CSV, "FastFile")),
        C + "train.input_mode is FastFile; the page of K-Means does not name it; AWS says that "
        "it works wherever File does.",
    ),
    "an input mode of the common page": (
        "blazingtext_word2vec",
        _channels("blazingtext_word2vec", train=("text/plain", "Pipe")),
        C + "train.input_mode is Pipe; the page of BlazingText (Word2Vec) names File only.",
    ),
    "a parameter that AWS does not name": (
        "kmeans",
        _channels("kmeans", train=("text/csv; charset=utf-8", "File")),
        C + "train.content_type is text/csv; charset=utf-8; AWS names no parameter charset for "
        "this channel of K-Means.",
    ),
    "a content type where AWS names none": (
        "object2vec",
        _channels("object2vec", auxiliary=("text/plain", "File")),
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
        _tuning("xgboost", "validation:rmse", eta=_range(min=0, max=0.5)),
        T + "ranges.eta.min is 0; for tuning AWS recommends 0.1 to 0.5.",
    ),
    "a value beside the recommended ones": (
        "semantic_segmentation",
        _tuning(
            "semantic_segmentation", "validation:mIOU", optimizer=_range(values=("sgd", "nag"))
        ),
        T + "ranges.optimizer.values[1] is nag; for tuning AWS recommends sgd, adam or adadelta.",
    ),
    "a range that depends on another setting": (
        "seq2seq",
        replace(
            _tuning("seq2seq", "validation:bleu", weight_init_scale=_range(min=-1, max=1)),
            hyperparameters={"weight_init_type": "xavier"},
        ),
        T + "ranges.weight_init_scale.min is -1; for tuning AWS recommends 2 to 3.",
    ),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_what_is_doubtful_is_a_warning_and_no_problem(name: str) -> None:
    key, training, said = DOUBTFUL[name]
    found = check(key, training)
    assert not found.problems
    assert said in _warnings(found)


def test_a_range_that_fits_the_other_setting_is_no_warning() -> None:
    training = _tuning("seq2seq", "validation:bleu", weight_init_scale=_range(min=-1, max=1))
    fitting = replace(training, hyperparameters={"weight_init_type": "uniform"})
    assert check("seq2seq", fitting) == Findings((), ())


def test_only_some_metrics_take_a_threshold() -> None:
    ranked = _with("xgboost", objective="rank:map", eval_metric=["map@5", "error@0.7"])
    assert check("xgboost", ranked) == Findings((), ())
    ranked = _with("xgboost", objective="rank:map", eval_metric="auc@0.5")
    (problem,) = check("xgboost", ranked).problems
    assert problem.remedy == "auc@0.5 is none; the nearest is auc."


def test_all_problems_come_at_once() -> None:
    training = Training(
        hyperparameters={"feature_dim": 0, "kk": 3},
        channels={"tran": ChannelUse(content_type=CSV)},
        instance_type="ml.m5.huge",
    )
    settings = [problem.setting for problem in check("kmeans", training).problems]
    assert settings == [
        "training.channels.tran",
        "training.instance_type",
        "training.hyperparameters.feature_dim",
        "training.hyperparameters.kk",
    ]


def test_a_wrong_value_does_not_make_others_wrong_too() -> None:
    training = _with("xgboost", objective="multi:softmx")
    (problem,) = check("xgboost", training).problems
    assert str(problem).startswith(P + "objective is multi:softmx; it must be binary:logistic,")
    assert problem.remedy == "The nearest is multi:softmax."


def test_what_is_not_known_is_not_judged() -> None:
    unknown = replace(
        MINIMAL["kmeans"],
        instance_type=None,
        instance_count=None,
        channels={"train": ChannelUse(content_type=CSV, input_mode=None)},
    )
    assert check("kmeans", unknown) == Findings((), ())


def test_a_tuned_hyperparameter_counts_as_given() -> None:
    training = _tuning("xgboost", "validation:rmse", num_round=RangeUse(min=10, max=50))
    assert "num_round" not in training.hyperparameters
    assert check("xgboost", training) == Findings((), ())


def test_a_tuned_choice_may_be_any_of_its_values() -> None:
    training = _tuning("kmeans", "test:msd", init_method=RangeUse())
    assert check("kmeans", training) == Findings((), ())


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"The nearest is xgboost\."):
        check("xgbost", Training())


def test_endpoints_are_judged_by_the_rules_of_hosting() -> None:
    steps = ("serving", "variants", 0, "instance_type")
    assert check_hosting("seq2seq", "ml.g5.xlarge", steps) == Findings((), ())
    assert check_hosting("image_classification", "ml.m5.large", steps) == Findings((), ())
    assert _problems(check_hosting("lda", "ml.g5.xlarge", steps)) == [
        "serving.variants[0].instance_type is ml.g5.xlarge; Latent Dirichlet Allocation serves "
        "on CPUs only. For example ml.m5.xlarge."
    ]
    assert _problems(check_hosting("kmeans", "ml.inf1.xlarge", steps)) == [
        "serving.variants[0].instance_type is ml.inf1.xlarge; K-Means serves on x86 CPUs or "
        "NVIDIA GPUs. For example ml.m5.xlarge."
    ]
    assert _warnings(check_hosting("seq2seq", "ml.m5.large", steps)) == [
        "serving.variants[0].instance_type is ml.m5.large; AWS's guide speaks of GPUs only for "
        "Sequence-to-Sequence. ml.g5.xlarge is safe."
    ]
