"""What the stand-ins that learn from a table of numbers share."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from flywheel.algorithms import catalogue
from flywheel.standins.codecs.matrix import Matrix, read_channel
from flywheel.standins.codecs.requests import read_request
from flywheel.standins.codecs.responses import Row, write_predictions
from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import RefusedError, Request, Response
from flywheel.standins.job import Job, split_content_type

MODEL_FILE = "model_algo-1"
SEED = 0


def limit_threads() -> None:
    """One thread for this process, from now on.

    On a busy machine the threads of BLAS and OpenMP wait for each other longer than they work: 100
    steps of a topic model took 0.4 s on one thread and 6.7 s on two.
    """
    # Only the image's environment has it; what else is here needs numpy and scipy.
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    threadpool_limits(1)


def read_rows(job: Job, channel: str, *, label_size: int = 0) -> Matrix:
    """The rows of a channel, each with feature_dim features.

    Raises:
        RefusedError: they cannot be read, or there are none.
    """
    return read_channel(
        job.channels[channel],
        label_size=label_size,
        feature_dim=job.hyperparameters["feature_dim"],
    )


def batches(num_rows: int, size: int) -> Iterator[slice]:
    """The rows in their order, so many at a time."""
    return (slice(start, start + size) for start in range(0, num_rows, size))


def save_arrays(model_dir: Path, arrays: Mapping[str, Array]) -> None:
    """Write the model file: arrays by name, in numpy's zip format."""
    with (model_dir / MODEL_FILE).open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_arrays(
    model_dir: Path, names: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Array]:
    """The arrays that `save_arrays` wrote: all of `names`, and of `optional` what is there.

    Raises:
        RefusedError: there is no such file, or it is Amazon's own.
    """
    path = model_dir / MODEL_FILE
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in (*names, *set(optional).intersection(file.files))}
    except FileNotFoundError:
        raise RefusedError(f"the model has no file {MODEL_FILE}") from None
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RefusedError(
            f"{MODEL_FILE} has no arrays {', '.join(names)} of a stand-in; models that were "
            "trained by Amazon's container cannot be served here"
        ) from error


def read_features(key: str, request: Request, feature_dim: int) -> Matrix:
    """The rows of a request, in any form that the algorithm takes."""
    content_types = tuple(catalogue.find(key).inference.requests)
    return read_request(request, feature_dim=feature_dim, content_types=content_types)


def answer(
    key: str, rows: Sequence[Row], accept: str | None, *, json_key: str = "predictions"
) -> Response:
    """The rows in the form that the sender accepts, if the algorithm has it."""
    known = catalogue.find(key).inference.responses
    forms = dict.fromkeys(split_content_type(response.accept)[0] for response in known)
    return write_predictions(rows, accept, key=json_key, accepts=tuple(forms))
