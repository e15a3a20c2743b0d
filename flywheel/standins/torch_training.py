"""What the stand-ins that learn with torch share: epochs, early stopping, batches, files."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Job
from flywheel.standins.remarks import log

SEED = 1
Places = np.ndarray[Any, Any]
_OPTIMIZERS = {
    "adadelta": torch.optim.Adadelta,
    "adagrad": torch.optim.Adagrad,
    "adam": torch.optim.Adam,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}


def prepare() -> np.random.Generator:
    """Make random numbers the same each time, torch's and those of the generator that it returns.

    And one thread: on matrices as small as a sample's a second one gains little, and where other
    programs want the processors too, the threads wait for each other many times longer than they
    work.
    """
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    return np.random.default_rng(SEED)


def optimizer(
    name: str,
    parameters: Iterable[nn.Parameter],
    *,
    learning_rate: float,
    weight_decay: float = 0.0,
    momentum: float | None = None,
) -> Any:
    """The optimizer that Amazon's containers know by this name.

    adadelta has no learning rate, as in MXNet, which these containers are built on.

    Args:
        name: adadelta, adagrad, adam, rmsprop or sgd.
        parameters: those that need a gradient.
        learning_rate: the step size.
        weight_decay: added to the gradient, times the parameter.
        momentum: of sgd.
    """
    settings = {"lr": 1.0 if name == "adadelta" else learning_rate, "weight_decay": weight_decay}
    if name == "sgd" and momentum is not None:
        settings["momentum"] = momentum
    chosen = [parameter for parameter in parameters if parameter.requires_grad]
    return _OPTIMIZERS[name](chosen, **settings)


def limit_gradients(
    parameters: Iterable[nn.Parameter], *, rescale: float = 1.0, clip: float | None = None
) -> None:
    """Multiply every gradient, then cut each of its components to at most `clip` either way."""
    for parameter in parameters:
        if parameter.grad is not None:
            if rescale != 1.0:
                parameter.grad.mul_(rescale)
            if clip is not None:
                parameter.grad.clamp_(-clip, clip)


class BestState:
    """The parameters at the smallest loss so far."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._state: dict[str, Any] = {}
        self.loss = float("inf")

    def offer(self, loss: float) -> bool:
        """Remember the parameters if the loss is a new best; returns whether it is.

        Raises:
            RefusedError: the loss is no number any more.
        """
        if not np.isfinite(loss):
            raise RefusedError(
                "the training diverges: the loss is no finite number any more; set learning_rate "
                "lower"
            )
        if loss >= self.loss:
            return False
        self.loss = loss
        state = self._model.state_dict()
        self._state = {name: value.detach().clone() for name, value in state.items()}
        return True

    def restore(self) -> None:
        """Give the model its best parameters back."""
        if self._state:
            self._model.load_state_dict(self._state)


class EarlyStopping:
    """Ends a training whose loss does not fall enough any more.

    Args:
        patience: after so many epochs in a row the loss must have fallen enough.
        tolerance: by this share of what it was before them.
    """

    def __init__(self, patience: int, tolerance: float) -> None:
        self._patience = patience
        self._tolerance = tolerance
        self._reference: float | None = None
        self._num_bad = 0

    def is_over(self, loss: float) -> bool:
        """Whether it was one bad epoch too many."""
        before = self._reference
        if before is None or loss < before - self._tolerance * abs(before):
            self._reference, self._num_bad = loss, 0
        else:
            self._num_bad += 1
        return self._num_bad >= self._patience


def fit(
    job: Job,
    model: nn.Module,
    stopping: EarlyStopping,
    *,
    train: Callable[[Any], float],
    validate: Callable[[], float | None],
    loss_name: str,
) -> None:
    """All epochs; the model has the parameters of the best one afterwards.

    Args:
        job: Its epochs, optimizer, learning rate and weight decay.
        model: What is trained.
        stopping: May end it early.
        train: One epoch with this optimizer; returns its loss.
        validate: The loss that decides, None where there is nothing but the training's.
        loss_name: What the log calls the training's loss.

    Raises:
        RefusedError: the training diverges.
    """
    best = BestState(model)
    learner = optimizer(
        job.get("optimizer"),
        model.parameters(),
        learning_rate=job.get("learning_rate"),
        weight_decay=job.get("weight_decay"),
    )
    for epoch in range(1, job.get("epochs") + 1):
        loss = train(learner)
        log(f"epoch {epoch}: train {loss_name} {loss:.5f}")
        found = validate()
        loss = loss if found is None else found
        best.offer(loss)
        if stopping.is_over(loss):
            log(f"stopped early after epoch {epoch}")
            break
    best.restore()


def batches(
    lengths: Sequence[int], size: int, bucket_width: int, random: np.random.Generator
) -> Iterator[Places]:
    """The places of examples in a random order, `size` at a time.

    With a bucket width only examples whose lengths fall into the same multiple of it come
    together, so that little is filled up.
    """
    order = random.permutation(len(lengths))
    if bucket_width:
        buckets = (np.asarray(lengths) - 1)[order] // bucket_width
        order = order[np.argsort(buckets, kind="stable")]
        edges: Places = np.flatnonzero(np.diff(np.sort(buckets))) + 1
        groups = np.split(order, edges)
    else:
        groups = [order]
    cut = [group[at : at + size] for group in groups for at in range(0, len(group), size)]
    for place in random.permutation(len(cut)) if bucket_width else range(len(cut)):
        yield cut[place]


def pad(sequences: Sequence[Sequence[int]], filler: int, length: int | None = None) -> Any:
    """n × length whole numbers, filled up at the end; by default as long as the longest."""
    width = length or max(1, *(len(sequence) for sequence in sequences))
    padded: Places = np.full((len(sequences), width), filler, np.int64)
    for row, sequence in enumerate(sequences):
        padded[row, : len(sequence)] = sequence
    return torch.from_numpy(padded)


def save(path: Path, config: Mapping[str, Any], model: nn.Module) -> None:
    """Write the parameters and what the network was built with."""
    torch.save({"config": dict(config), "parameters": model.state_dict()}, path)


def read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `save` wrote: the config and the parameters; nothing in the file is run.

    Raises:
        RefusedError: there is no such file, or it is another's.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        return content["config"], content["parameters"]
    except FileNotFoundError:
        raise RefusedError(f"the model has no file {path.name}") from None
    except (RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise RefusedError(
            f"{path.name} is no model of a stand-in; models that were trained by Amazon's "
            "container cannot be served here"
        ) from error
