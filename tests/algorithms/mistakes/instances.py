"""Instances on which an algorithm does not train."""

from collections.abc import Mapping
from dataclasses import replace

from tests.algorithms.trainings import (
    MINIMAL,
    Mistake,
    with_hyperparameters,
)

MISTAKES: Mapping[str, Mistake] = {
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
        replace(with_hyperparameters("blazingtext_word2vec", mode="cbow"), instance_count=2),
        [
            "training.instance_count is 2; BlazingText (Word2Vec) trains on several instances "
            "only when mode is batch_skipgram. Write 1."
        ],
    ),
    "several GPUs by Dask on a CPU": (
        "xgboost",
        with_hyperparameters("xgboost", use_dask_gpu_training=True, tree_method="hist"),
        [
            "training.instance_type is ml.m5.xlarge; when use_dask_gpu_training is true it must be "
            "one with a GPU."
        ],
    ),
}
