"""What the hyperparameters say of the two encoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Job

AUTO_LAYERS = {"hcnn": 4, "bilstm": 1, "pooled_embedding": 1}
"""Source: Amazon SageMaker Developer Guide, "Object2Vec Hyperparameters": `enc0_layers`."""


@dataclass(frozen=True)
class EncoderSettings:
    """One encoder.

    Attributes:
        network: hcnn, bilstm or pooled_embedding.
        layers: of hcnn and bilstm.
        filter_width: of hcnn.
        embedding_file, vocab_file: names in the auxiliary channel; empty: none.
        frozen: whether vectors from the file stay as they are.
        dim: numbers of an encoding.
    """

    network: str
    vocab_size: int
    max_seq_len: int
    token_dim: int
    layers: int
    filter_width: int
    embedding_file: str
    vocab_file: str
    frozen: bool
    dim: int


def encoder_settings(job: Job) -> tuple[EncoderSettings, EncoderSettings]:
    """Both encoders.

    Raises:
        RefusedError: they do not go together.
    """
    first, second = _encoder(job, 0), _encoder(job, 1)
    if first.dim != second.dim:
        raise RefusedError(
            f"the encodings have {first.dim} and {second.dim} numbers; both must have as many: "
            "that of pooled_embedding has token_embedding_dim, the others enc_dim"
        )
    if job.get("tied_token_embedding_weight"):
        for name, sizes in {
            "vocab_size": (first.vocab_size, second.vocab_size),
            "token_embedding_dim": (first.token_dim, second.token_dim),
        }.items():
            if sizes[0] != sizes[1]:
                raise RefusedError(
                    f"tied_token_embedding_weight is True, but enc0_{name} is {sizes[0]} and "
                    f"enc1_{name} is {sizes[1]}; they must be the same"
                )
    return first, second


def _encoder(job: Job, side: int) -> EncoderSettings:
    like_first = side == 1 and job.get("enc1_network") == "enc0"

    def value(name: str, default: Any = None) -> Any:
        own = f"enc{side}_{name}"
        if like_first and own not in job.written:
            return job.get(f"enc0_{name}", default)
        return job.get(own, job.get(f"enc0_{name}", default))

    network = job.get("enc0_network") if like_first else value("network")
    layers = value("layers", "auto")
    token_dim = value("token_embedding_dim")
    return EncoderSettings(
        network=network,
        vocab_size=value("vocab_size"),
        max_seq_len=value("max_seq_len"),
        token_dim=token_dim,
        layers=AUTO_LAYERS[network] if layers == "auto" else layers,
        filter_width=value("cnn_filter_width", 3),
        embedding_file=value("pretrained_embedding_file", ""),
        vocab_file=value("vocab_file", ""),
        frozen=value("freeze_pretrained_embedding", True),
        dim=token_dim if network == "pooled_embedding" else job.get("enc_dim"),
    )
