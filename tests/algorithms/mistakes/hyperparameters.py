"""Hyperparameters that an algorithm does not take."""

from collections.abc import Mapping

from tests.algorithms.trainings import (
    C,
    Mistake,
    P,
    with_channels,
    with_hyperparameters,
)

MISTAKES: Mapping[str, Mistake] = {
    "a whole number that is too small": (
        "kmeans",
        with_hyperparameters("kmeans", k=0),
        [P + "k is 0; it must be a whole number of at least 1. The nearest is 1."],
    ),
    "a number that is too large": (
        "ip_insights",
        with_hyperparameters("ip_insights", vector_dim=5000),
        [P + "vector_dim is 5000; it must be a whole number from 4 to 4,096. The nearest is 4096."],
    ),
    "an open bound": (
        "xgboost",
        with_hyperparameters("xgboost", subsample=0),
        [P + "subsample is 0; it must be a number more than 0 and at most 1."],
    ),
    "a fraction for a whole number": (
        "kmeans",
        with_hyperparameters("kmeans", epochs=1.5),
        [P + "epochs is 1.5; it must be a whole number of at least 1. For example 2."],
    ),
    "a number in quotes": (
        "kmeans",
        with_hyperparameters("kmeans", k="3"),
        [P + "k is '3'; it must be a whole number of at least 1. Remove the quotes."],
    ),
    "true for a number": (
        "kmeans",
        with_hyperparameters("kmeans", k=True),
        [P + "k is true; it must be a whole number of at least 1."],
    ),
    "infinity": (
        "lda",
        with_hyperparameters("lda", alpha0=float("inf")),
        [P + "alpha0 is inf; it must be a number more than 0."],
    ),
    "an odd number": (
        "seq2seq",
        with_hyperparameters("seq2seq", rnn_num_hidden=101),
        [P + "rnn_num_hidden is 101; it must be a whole number of at least 2, a multiple of 2."],
    ),
    "a word that is not one of the choices": (
        "kmeans",
        with_hyperparameters("kmeans", init_method="kmeans+"),
        [P + "init_method is kmeans+; it must be random or kmeans++. The nearest is kmeans++."],
    ),
    "a word beside a number": (
        "kmeans",
        with_hyperparameters("kmeans", extra_center_factor="automatic"),
        [
            P + "extra_center_factor is automatic; it must be auto or a whole number of at "
            "least 1. The nearest is auto."
        ],
    ),
    "a number that is not one of the choices": (
        "image_classification",
        with_hyperparameters("image_classification", num_layers=19),
        [
            P + "num_layers is 19; it must be 18, 34, 50, 101, 152, 200, 20, 32, 44, 56 or "
            "110. The nearest is 18."
        ],
    ),
    "yes for true": (
        "pca",
        with_hyperparameters("pca", subtract_mean="yes"),
        [P + "subtract_mean is yes; it must be true or false. Write true, without quotes."],
    ),
    "the wrong word for true": (
        "blazingtext_word2vec",
        with_hyperparameters("blazingtext_word2vec", subwords="true"),
        [P + "subwords is 'true'; it must be true or false. Write true, without quotes."],
    ),
    "a number for a choice": (
        "deepar",
        with_hyperparameters("deepar", likelihood=1),
        [
            P + "likelihood is 1; it must be gaussian, beta, negative-binomial, student-T or "
            "deterministic-L1. Put it in quotes."
        ],
    ),
    "a pattern": (
        "deepar",
        with_hyperparameters("deepar", time_freq="hourly"),
        [P + "time_freq is hourly; it must be a number and M, W, D, H or min, for example 5min."],
    ),
    "a word for a list": (
        "kmeans",
        with_hyperparameters("kmeans", eval_metrics="msd"),
        [P + 'eval_metrics is msd; it must be a list of msd or ssd. It is written as ["msd"].'],
    ),
    "an entry of a list": (
        "object2vec",
        with_hyperparameters("object2vec", comparator_list="hadamard, conkat"),
        [
            P + "comparator_list is hadamard, conkat; it must be a list of hadamard, concat or "
            "abs_diff. conkat is none; the nearest is concat."
        ],
    ),
    "a number in a list": (
        "deepar",
        with_hyperparameters("deepar", test_quantiles=[0.1, 1.5]),
        [P + "test_quantiles is [0.1, 1.5]; it must be a list of numbers from 0 to 1."],
    ),
    "a nested list that is none": (
        "xgboost",
        with_hyperparameters("xgboost", tree_method="hist", interaction_constraints="[1, 2]"),
        [
            P + "interaction_constraints is [1, 2]; it must be a list of whole numbers of at "
            "least 1. It is written as [[1, 2], [3, 4]]."
        ],
    ),
    "more text than SageMaker takes": (
        "xgboost",
        with_hyperparameters(
            "xgboost", tree_method="hist", interaction_constraints=[list(range(1, 2000))]
        ),
        [
            P + "interaction_constraints is "
            "[[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22…; "
            "as text it must have at most 2500 characters."
        ],
    ),
    "a name that is misspelt": (
        "kmeans",
        with_hyperparameters("kmeans", init_metod="random"),
        [
            P + "init_metod is random; K-Means has no such hyperparameter. "
            "The nearest is init_method."
        ],
    ),
    "a required name that is misspelt": (
        "kmeans",
        with_hyperparameters("kmeans", feature_dim=..., feature_dims=4),
        [P + "feature_dims is 4; K-Means has no such hyperparameter. The nearest is feature_dim."],
    ),
    "a name that is like none": (
        "kmeans",
        with_hyperparameters("kmeans", sagemaker=1),
        [P + "sagemaker is 1; K-Means has no such hyperparameter. Remove it."],
    ),
    "a required one that is missing": (
        "kmeans",
        with_hyperparameters("kmeans", k=...),
        [P + "k is missing; K-Means requires it. Add it: a whole number of at least 1."],
    ),
    "one that another one requires": (
        "xgboost",
        with_hyperparameters("xgboost", objective="multi:softmax"),
        [
            P + "num_class is missing; it is required when objective is multi:softmax or "
            "multi:softprob. Add it: a whole number of at least 2."
        ],
    ),
    "one that must stand beside it": (
        "xgboost",
        with_hyperparameters("xgboost", eval_metric="rmse"),
        [P + "objective is missing; with eval_metric it is required. Add it."],
    ),
    "two names of the same": (
        "xgboost",
        with_hyperparameters("xgboost", eta=0.1, learning_rate=0.2),
        [
            P + "learning_rate is 0.2; it is another name of eta, which is given too. "
            "Keep one of them."
        ],
    ),
    "a choice that another one forbids": (
        "knn",
        with_hyperparameters("knn", index_type="faiss.IVFPQ", index_metric="COSINE"),
        [P + "index_metric is COSINE; when index_type is faiss.IVFPQ it must be L2."],
    ),
    "a default that another one forbids": (
        "xgboost",
        with_hyperparameters("xgboost", monotone_constraints="(1, 0)"),
        [
            P + "tree_method is missing; when monotone_constraints is given it must be exact or "
            "hist. Add it; without it, it is auto."
        ],
    ),
    "an entry that another one forbids": (
        "xgboost",
        with_hyperparameters("xgboost", eval_metric="rmse,auc", objective="reg:squarederror"),
        [
            P + "objective is reg:squarederror; when eval_metric is auc it must be "
            "binary:logistic, binary:logitraw, binary:hinge, rank:pairwise, rank:ndcg or "
            "rank:map."
        ],
    ),
    "two entries of which one is allowed": (
        "xgboost",
        with_hyperparameters("xgboost", booster="gblinear", updater="shotgun,coord_descent"),
        [
            P + "updater is shotgun,coord_descent; when booster is gblinear it must have one of "
            "shotgun or coord_descent. Keep one of them."
        ],
    ),
    "an entry for another booster": (
        "xgboost",
        with_hyperparameters("xgboost", updater="shotgun"),
        [
            P + "updater is shotgun; when process_type is default and booster is gbtree or dart "
            "it must be grow_colmaker, distcol, grow_histmaker, grow_skmaker, sync, refresh or "
            "prune."
        ],
    ),
    "one that must be less than another": (
        "knn",
        with_hyperparameters("knn", dimension_reduction_type="sign", dimension_reduction_target=4),
        [P + "dimension_reduction_target is 4; it must be less than feature_dim, which is 4."],
    ),
    "one that must be at most a default": (
        "image_classification",
        with_hyperparameters("image_classification", checkpoint_frequency=31),
        [P + "checkpoint_frequency is 31; it must be at most epochs, which is 30."],
    ),
    "two that add up to too little": (
        "ip_insights",
        with_hyperparameters(
            "ip_insights", random_negative_sampling_rate=0, shuffled_negative_sampling_rate=0
        ),
        [
            P + "shuffled_negative_sampling_rate is 0; together with "
            "random_negative_sampling_rate it must be from 1 to 500; it is 0."
        ],
    ),
    "one that needs a channel": (
        "xgboost",
        with_hyperparameters("xgboost", early_stopping_rounds=5),
        [
            C + "validation is missing; early_stopping_rounds needs it. "
            "Add the channel or remove early_stopping_rounds."
        ],
    ),
    "one that images need": (
        "image_classification",
        with_channels(
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
}
