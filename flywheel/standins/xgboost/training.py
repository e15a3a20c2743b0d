"""Training as Amazon's container does it: XGBoost gets what the request writes, no defaults."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xgboost as xgb

from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Job
from flywheel.standins.remarks import log, log_without_effect
from flywheel.standins.xgboost.data import channel_matrix, first_line
from flywheel.standins.xgboost.measures import MAXIMIZED, MEASURES, custom_metric

MODEL_FILE = "xgboost-model"
CHECKPOINT = "xgboost-checkpoint"
CHECKPOINT_ROUNDS = 10
_MANY_NUMBERS = 2_000_000
"""From so many on a second thread pays; below, threads on a busy machine wait for each other."""
_NO_PARAMETERS = {
    *("_tuning_objective_metric", "csv_weights", "early_stopping_rounds", "eval_metric"),
    *("num_round", "save_model_on_termination", "use_dask_gpu_training"),
}
_WITHOUT_EFFECT = {
    "nthread": "a local job takes one thread, and two for much data",
    "predictor": "XGBoost has one since 2.0",
    "dsplit": "there is one instance",
    "sketch_eps": "XGBoost has max_bin instead since 2.0",
    "deterministic_histogram": "it is of GPUs",
    "prob_buffer_row": "XGBoost does not have it any more",
}


def train(job: Job) -> None:
    """Boost; report every metric each round; write `xgboost-model`."""
    _refuse_what_cannot_be_had(job)
    log_without_effect(job, _WITHOUT_EFFECT)
    weighted = bool(job.get("csv_weights", False))
    matrices = {
        name: channel_matrix(job.channels[name], weighted=weighted)
        for name in ("train", "validation")
        if name in job.channels
    }
    _check_labels(job, matrices["train"].get_label())
    _save(_boosted(job, matrices), job.model_dir)


def parameters(job: Job) -> dict[str, Any]:
    """What XGBoost gets: what the request writes, in XGBoost's form."""
    names = job.written & job.hyperparameters.keys() - _NO_PARAMETERS - _WITHOUT_EFFECT.keys()
    given = {name: _written(job.hyperparameters[name]) for name in sorted(names)}
    if given.get("tree_method") == "gpu_hist":
        log("tree_method gpu_hist is hist here: there is no GPU")
        given["tree_method"] = "hist"
    return given


def metrics_of(job: Job) -> list[str]:
    """The metrics to report; the last one decides on early stopping."""
    written = list(job.get("eval_metric", []))
    tuned = job.get("_tuning_objective_metric")
    wanted = tuned.partition(":")[2] if tuned else None
    if wanted is None:
        return written
    return [*sorted(set(written) - {wanted}), wanted]


def _boosted(job: Job, matrices: dict[str, Any]) -> Any:
    metrics = metrics_of(job)
    objective = job.hyperparameters["objective"]
    own = [name for name in metrics if name not in MEASURES]
    start, begun = _checkpoint(job.checkpoint_dir)
    rounds = job.hyperparameters["num_round"]
    with warnings.catch_warnings():
        # They are about files and parameters that Amazon's container has as well.
        warnings.simplefilter("ignore")
        try:
            return xgb.train(
                parameters(job) | _added(matrices["train"], own),
                matrices["train"],
                num_boost_round=max(rounds - start, 0),
                evals=[(matrix, name) for name, matrix in matrices.items()],
                custom_metric=custom_metric(metrics, objective),
                callbacks=_callbacks(job, metrics, "validation" in matrices, start),
                xgb_model=begun,
                verbose_eval=False,
            )
        except (xgb.core.XGBoostError, ValueError) as error:
            raise RefusedError(f"XGBoost refuses the training: {first_line(error)}") from error


def _added(matrix: Any, metrics: Sequence[str]) -> dict[str, Any]:
    """Parameters that the request does not write itself."""
    many = matrix.num_row() * matrix.num_col() >= _MANY_NUMBERS
    return {"nthread": 2 if many else 1, **({"eval_metric": metrics} if metrics else {})}


def _callbacks(job: Job, metrics: Sequence[str], validated: bool, start: int) -> list[Any]:
    callbacks: list[Any] = [_Report(start)]
    if job.checkpoint_dir.is_dir():
        callbacks.append(_Checkpoints(job.checkpoint_dir, start))
    if job.get("save_model_on_termination", False):
        callbacks.append(_EachRound(job.model_dir))
    patience = job.get("early_stopping_rounds")
    if patience and metrics and validated:
        callbacks.append(
            xgb.callback.EarlyStopping(
                rounds=patience,
                data_name="validation",
                metric_name=metrics[-1],
                maximize=metrics[-1].partition("@")[0] in MAXIMIZED,
                save_best=True,
            )
        )
    elif patience:
        log("early_stopping_rounds has no effect without eval_metric, as in Amazon's container")
    return callbacks


class _Report(xgb.callback.TrainingCallback):  # type: ignore[misc]
    """The line of each round, with tabs as CloudWatch shows them."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self._start = start

    def after_iteration(self, _: Any, epoch: int, evals_log: Any) -> bool:
        """Print it."""
        cells = [
            f"{data}-{metric}:{values[-1]:.5f}"
            for data, metrics in evals_log.items()
            for metric, values in metrics.items()
        ]
        print("#011".join([f"[{self._start + epoch}]", *cells]), flush=True)  # noqa: T201
        return False


class _Checkpoints(xgb.callback.TrainingCallback):  # type: ignore[misc]
    """Keeps the newest model where a job that is taken away can go on from it."""

    def __init__(self, folder: Path, start: int) -> None:
        super().__init__()
        self._folder = folder
        self._start = start

    def after_iteration(self, model: Any, epoch: int, _: Any) -> bool:
        """Save it now and then."""
        done = self._start + epoch + 1
        if done % CHECKPOINT_ROUNDS == 0:
            _save(model, self._folder, f"{CHECKPOINT}.{done}")
            for path in self._folder.glob(f"{CHECKPOINT}.*"):
                if path.name != f"{CHECKPOINT}.{done}":
                    path.unlink()
        return False


class _EachRound(xgb.callback.TrainingCallback):  # type: ignore[misc]
    """Keeps the model of every round, so that a job that is stopped has one."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def after_iteration(self, model: Any, _: int, __: Any) -> bool:
        """Save it."""
        _save(model, self._folder)
        return False


def _checkpoint(folder: Path) -> tuple[int, Any]:
    """After how many rounds the newest checkpoint is, and the model; 0 and None without one."""
    found = {
        int(match[1]): path
        for path in folder.glob(f"{CHECKPOINT}.*")
        if (match := re.fullmatch(rf"{CHECKPOINT}\.(\d+)", path.name))
    }
    if not found:
        return 0, None
    rounds = max(found)
    log(f"resuming after {rounds} rounds, from a checkpoint")
    return rounds, xgb.Booster(model_file=found[rounds])


def _save(model: Any, folder: Path, name: str = MODEL_FILE) -> None:
    # Beside the folder: what is in it becomes the model, also when the job is stopped now.
    partial = folder.with_name(f".{name}.ubj")
    model.save_model(partial)
    partial.rename(folder / name)


def _written(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list):
        words = ", ".join(map(str, value))
        if any(isinstance(entry, str) for entry in value):
            return words.replace(" ", "")
        return f"[{words}]" if any(isinstance(e, list) for e in value) else f"({words})"
    return value


def _refuse_what_cannot_be_had(job: Job) -> None:
    if job.get("_kfold") is not None:
        raise RefusedError("_kfold is given; the stand-in does not cross-validate. Remove it.")
    if job.get("use_dask_gpu_training", False):
        raise RefusedError(
            "use_dask_gpu_training is true; there is no GPU on this machine. Leave it out here."
        )


def _check_labels(job: Job, labels: Any) -> None:
    objective = job.hyperparameters["objective"]
    low, high = float(labels.min()), float(labels.max())
    logistic = objective in ("binary:logistic", "binary:logitraw", "binary:hinge", "reg:logistic")
    if logistic and (low < 0 or high > 1):
        raise RefusedError(
            f"the labels of channel train are from {low:g} to {high:g}; with {objective} they must "
            "be in [0,1]"
        )
    if objective.startswith("multi:") and (low < 0 or high >= job.hyperparameters["num_class"]):
        raise RefusedError(
            f"the labels of channel train are from {low:g} to {high:g}; with {objective} they must "
            f"be in [0, num_class), and num_class is {job.hyperparameters['num_class']}"
        )
