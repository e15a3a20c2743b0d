"""Trains the flight-delay model: XGBoost on the Parquet files of the clean months.

Runs under Amazon's training toolkit: hyperparameters arrive as arguments, places as SM_*
environment variables. The running order is the reading order: read, split whole days off for
validation, search the best number of rounds, fit all days with that many, save.

A run that is killed goes on from its last checkpoint and gives the same model, byte for byte.

What the model needs to be used lies in its attributes: `categories` (JSON: categorical feature →
its known values; the code of a value is its position, what is not in the list counts as missing),
`label` and `not_features`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# A thread that waits for another gives its processor away. XGBoost synchronises often: with other
# work on the machine, 190 rounds cost 2.6 s of processor time instead of 16.6.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when XGBoost is loaded

import xgboost as xgb

SEARCH, FIT = "search", "fit"
CODE = "inference_code"
LEAST_VALIDATION_DAYS = 2


@dataclass(frozen=True)
class Arguments:
    """The hyperparameters of the workload's settings, and where things lie."""

    label: str
    not_features: tuple[str, ...]
    day: str
    validation_every: int
    num_round: int
    early_stopping_rounds: int
    checkpoint_every: int
    max_depth: int
    eta: float
    subsample: float
    colsample_bytree: float
    min_child_weight: float
    seed: int
    train_dir: Path
    model_dir: Path
    checkpoint_dir: Path
    num_threads: int

    def booster_parameters(self) -> dict[str, Any]:
        """What XGBoost is told."""
        return {
            "objective": "binary:logistic",
            "eval_metric": "auc",
            "tree_method": "hist",
            "max_depth": self.max_depth,
            "eta": self.eta,
            "subsample": self.subsample,
            "colsample_bytree": self.colsample_bytree,
            "min_child_weight": self.min_child_weight,
            "seed": self.seed,
            "seed_per_iteration": True,  # a resumed run draws the same rows and columns
            "nthread": self.num_threads,
        }


@dataclass(frozen=True)
class Examples:
    """What the model learns from; categories are codes, what is unknown is NaN."""

    features: np.ndarray  # (rows, features) float32
    labels: np.ndarray  # (rows,) float32, 0 or 1
    days: np.ndarray  # (rows,) the n-th day of the data, from 0
    names: list[str]
    categories: dict[str, list[str]]

    def matrix(
        self,
        arguments: Arguments,
        rows: np.ndarray | None = None,
        bins_of: xgb.QuantileDMatrix | None = None,
    ) -> xgb.QuantileDMatrix:
        """The rows of a mask (none: all), cut into their own histogram bins or into another's."""
        chosen = slice(None) if rows is None else rows
        return xgb.QuantileDMatrix(
            self.features[chosen],
            self.labels[chosen],
            feature_names=self.names,
            feature_types=["c" if name in self.categories else "q" for name in self.names],
            enable_categorical=True,
            ref=bins_of,
            nthread=arguments.num_threads,
        )


@dataclass(frozen=True)
class Progress:
    """How far the run is; a checkpoint carries it in its attribute `progress`."""

    data: str  # fingerprint of arguments and examples
    phase: str = SEARCH
    round: int = 0  # rounds done in this phase
    best_round: int = 0  # rounds after which the validation AUC was best
    best_auc: float = 0.0


def main() -> None:
    """Train and save the model."""
    started = time.perf_counter()
    arguments = parse_arguments()
    print(f"seed={arguments.seed} num_threads={arguments.num_threads} xgboost={xgb.__version__}")
    examples = read_examples(arguments)
    print(f"rows={len(examples.labels)} features={len(examples.names)} {seconds(started)}")
    trees, progress = resume(arguments, fingerprint(arguments, examples))
    if progress.phase == SEARCH:
        trees, progress = None, search(arguments, examples, trees, progress)
    booster = fit(arguments, examples, trees, progress)
    save(arguments, examples, booster)
    print(f"rounds={booster.num_boosted_rounds()} {seconds(started)}")


def parse_arguments(values: list[str] | None = None) -> Arguments:
    """Read the command line; the places come from the container's environment."""
    parser = argparse.ArgumentParser(description="Train the flight-delay model.")
    parser.add_argument("--label", required=True, help="column with 0 or 1")
    parser.add_argument("--not_features", default="", help="columns to leave out: flight_id,dest")
    parser.add_argument("--day", required=True, help="column with the date; days stay together")
    parser.add_argument("--validation_every", type=int, default=10, help="one day in so many")
    parser.add_argument("--num_round", type=int, default=200)
    parser.add_argument("--early_stopping_rounds", type=int, default=20)
    parser.add_argument("--checkpoint_every", type=int, default=25, help="rounds")
    parser.add_argument("--max_depth", type=int, default=6)
    parser.add_argument("--eta", type=float, default=0.1)
    parser.add_argument("--subsample", type=float, default=1.0)
    parser.add_argument("--colsample_bytree", type=float, default=1.0)
    parser.add_argument("--min_child_weight", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    environment = os.environ
    for name, path in (
        ("train", environment.get("SM_CHANNEL_TRAIN", base / "input" / "data" / "train")),
        ("model", environment.get("SM_MODEL_DIR", base / "model")),
        ("checkpoint", base / "checkpoints"),
    ):
        parser.add_argument(f"--{name}_dir", type=Path, default=Path(path))
    threads = int(environment.get("SM_NUM_CPUS") or os.cpu_count() or 1)
    parser.add_argument("--num_threads", type=int, default=threads)
    given = vars(parser.parse_args(values))
    for name in ("num_round", "early_stopping_rounds", "checkpoint_every"):
        if given[name] < 1:
            parser.error(f"{name} is {given[name]}; it must be at least 1.")
    given["not_features"] = tuple(filter(None, given["not_features"].split(",")))
    return Arguments(**given)


def read_examples(arguments: Arguments) -> Examples:
    """Read every Parquet file of the channel, in the order of the file names."""
    files = sorted(arguments.train_dir.rglob("*.parquet"))
    if not files:
        refuse(f"The channel train has no Parquet file in {arguments.train_dir}.")
    parts = [pq.ParquetFile(file).read() for file in files]
    table = pa.concat_tables(parts, promote_options="permissive")
    for column in (arguments.label, arguments.day):
        if column not in table.column_names:
            refuse(f"The training data has no column {column}.")
    table = table.filter(pc.is_valid(table[arguments.label]))
    left_out = {arguments.label, *arguments.not_features}
    names = [name for name in table.column_names if name not in left_out]
    for name in names:
        kind = table.schema.field(name).type
        if not (is_text(kind) or is_number(kind)):
            refuse(f"The column {name} is {kind}; a feature is a number or text: not_features?")
    categories = {
        name: sorted(pc.unique(table[name]).drop_null().to_pylist())
        for name in names
        if is_text(table.schema.field(name).type)
    }
    labels = table[arguments.label].to_numpy().astype(np.float32)
    if set(np.unique(labels)) != {0, 1}:
        refuse(f"The label {arguments.label} must have both values 0 and 1.")
    return Examples(
        features=encode(table, names, categories),
        labels=labels,
        days=np.unique(table[arguments.day].to_numpy(), return_inverse=True)[1],
        names=names,
        categories=categories,
    )


def refuse(message: str) -> NoReturn:
    """End the job; the toolkit puts what follows a Python error's name into the failure reason."""
    sys.exit(f"ValueError: {message}")


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type is a categorical feature."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_number(kind: pa.DataType) -> bool:
    """Whether a column of this type is a numeric feature."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def encode(table: pa.Table, names: list[str], categories: dict[str, list[str]]) -> np.ndarray:
    """The features as numbers: a category's position in its list, NaN for what is not known."""
    columns = []
    for name in names:
        column = table[name]
        if name in categories:
            column = pc.index_in(column, pa.array(categories[name], column.type))
        columns.append(column.cast(pa.float64()).to_numpy().astype(np.float32))
    matrix: np.ndarray = np.column_stack(columns)  # (rows, features)
    return matrix


def fingerprint(arguments: Arguments, examples: Examples) -> str:
    """Tells whether a checkpoint belongs to this very training."""
    settings = {name: str(value) for name, value in asdict(arguments).items() if "_dir" not in name}
    text = json.dumps([settings, examples.names, examples.categories, xgb.__version__])
    digest = hashlib.sha256(text.encode())
    for array in (examples.features, examples.labels, examples.days):
        digest.update(array.tobytes())
    return digest.hexdigest()


def search(
    arguments: Arguments, examples: Examples, trees: bytearray | None, progress: Progress
) -> Progress:
    """Find the best number of rounds, on days that the model has not seen."""
    held_out = examples.days % arguments.validation_every == arguments.validation_every - 1
    num_days = len(np.unique(examples.days[held_out]))
    if num_days < LEAST_VALIDATION_DAYS or len(np.unique(examples.labels[held_out])) < 2:
        print(f"validation days={num_days}: too few, num_round is taken as it is")
        return replace(progress, phase=FIT, round=0, best_round=arguments.num_round)
    print(f"validation days={num_days} rows={held_out.sum()}")
    learnt = examples.matrix(arguments, ~held_out)
    unseen = examples.matrix(arguments, held_out, bins_of=learnt)
    booster = new_booster(arguments, learnt, trees)
    while progress.round < arguments.num_round:
        booster.update(learnt, progress.round)
        progress = replace(progress, round=progress.round + 1)
        auc = auc_of(booster, unseen)
        # As XGBoost writes it itself: SageMaker reads the metrics of its image in this form only.
        line = f"[{progress.round}]\tvalidation-auc:{auc:.5f}"
        if auc > progress.best_auc:
            progress = replace(progress, best_round=progress.round, best_auc=auc)
        if progress.round % arguments.checkpoint_every == 0:
            line += f"\ttrain-auc:{auc_of(booster, learnt):.5f}"
            booster = checkpoint(arguments, booster, learnt, progress)
        print(line)
        if progress.round - progress.best_round >= arguments.early_stopping_rounds:
            break
    print(f"best-auc={progress.best_auc:.5f} best-round={progress.best_round}")
    return replace(progress, phase=FIT, round=0)


def fit(
    arguments: Arguments, examples: Examples, trees: bytearray | None, progress: Progress
) -> xgb.Booster:
    """Learn from all days, with the number of rounds that the search found."""
    learnt = examples.matrix(arguments)
    booster = new_booster(arguments, learnt, trees)
    while progress.round < progress.best_round:
        booster.update(learnt, progress.round)
        progress = replace(progress, round=progress.round + 1)
        if progress.round % arguments.checkpoint_every == 0:
            booster = checkpoint(arguments, booster, learnt, progress)
    return booster


def new_booster(
    arguments: Arguments, learnt: xgb.DMatrix, trees: bytearray | None = None
) -> xgb.Booster:
    """A booster that learns from this matrix, with no trees or with these."""
    return xgb.Booster(arguments.booster_parameters(), [learnt], model_file=trees)


def auc_of(booster: xgb.Booster, matrix: xgb.DMatrix) -> float:
    """The area under the ROC curve."""
    return float(booster.eval(matrix).rpartition(":")[2])


def checkpoint(
    arguments: Arguments, booster: xgb.Booster, learnt: xgb.DMatrix, progress: Progress
) -> xgb.Booster:
    """Save where the run is, and go on from what was saved.

    A loaded booster adds up its trees' answers anew, which can differ in the last bit from the sums
    that it had kept. So every run loads at the same rounds, killed or not.
    """
    booster.set_attr(progress=json.dumps(asdict(progress)))
    trees = booster.save_raw("ubj")
    if arguments.checkpoint_dir.is_dir():  # it exists where the job asks for checkpoints
        unfinished = arguments.checkpoint_dir / ".checkpoint.ubj"
        unfinished.write_bytes(trees)
        unfinished.replace(arguments.checkpoint_dir / "checkpoint.ubj")
        print(f"checkpoint={progress.phase}-{progress.round}", flush=True)
    return new_booster(arguments, learnt, trees)


def resume(arguments: Arguments, data: str) -> tuple[bytearray | None, Progress]:
    """The trees and the progress of the checkpoint, if there is one of this very training."""
    path = arguments.checkpoint_dir / "checkpoint.ubj"
    if not path.is_file():
        return None, Progress(data)
    trees = bytearray(path.read_bytes())
    try:
        progress = Progress(**json.loads(xgb.Booster(model_file=trees).attr("progress") or "{}"))
    except (xgb.core.XGBoostError, TypeError, ValueError):
        print("the checkpoint cannot be read, its copy may have been cut off; starting anew")
        return None, Progress(data)
    if progress.data != data:
        print("the checkpoint is of other data or hyperparameters; starting anew")
        return None, Progress(data)
    print(f"resuming the {progress.phase} after round {progress.round}")
    return trees, progress


def save(arguments: Arguments, examples: Examples, booster: xgb.Booster) -> None:
    """Write the model, and beside it the code that serves it."""
    # Amazon's XGBoost container runs the script installed as a package; the bundle's other files
    # are where the toolkit has unpacked it.
    places = [Path(__file__).parent, arguments.model_dir.parent / "code"]
    code = next((place / CODE for place in places if (place / CODE).is_dir()), None)
    if code is None:
        refuse(f"The bundle must have the folder {CODE} beside train.py.")
    booster.set_attr(
        progress=None,
        categories=json.dumps(examples.categories),
        label=arguments.label,
        not_features=",".join(arguments.not_features),
    )
    booster.save_model(arguments.model_dir / "model.ubj")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(code, arguments.model_dir / "code", dirs_exist_ok=True, ignore=ignored)


def seconds(started: float) -> str:
    """How long it has been."""
    return f"seconds={time.perf_counter() - started:.2f}"


if __name__ == "__main__":
    main()
