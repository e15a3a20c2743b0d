"""Evaluates the challenger, and the champion if there is one, on the same hold-out month.

Runs as one file in the training image. What it needs to know of a model (features, categories,
label) it reads from the model itself; see train.py. Writes `evaluation.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xgboost as xgb

CALIBRATION_PARTS = 10
SLICE = "carrier"


@dataclass(frozen=True)
class Arguments:
    """What is compared, and on what."""

    challenger: Path
    champion: Path | None
    holdout: Path
    holdout_month: str
    output: Path


def main() -> None:
    """Evaluate and write evaluation.json."""
    arguments = parse_arguments()
    holdout = read_holdout(arguments.holdout, arguments.holdout_month)
    challenger, features = evaluate(arguments.challenger, holdout)
    champion = evaluate(arguments.champion, holdout)[0] if arguments.champion else None
    report = {
        "holdout_month": arguments.holdout_month,
        "rows": holdout.num_rows,
        "features": features,
        "challenger": challenger,
        "champion": champion,
    }
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "evaluation.json").write_text(json.dumps(report, indent=1, allow_nan=False))
    for name, result in (("challenger", challenger), ("champion", champion)):
        if result:
            print(f"{name}: auc={result['auc']} log_loss={result['log_loss']}")


def parse_arguments(values: list[str] | None = None) -> Arguments:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Evaluate two models on the same hold-out.")
    parser.add_argument("--challenger", type=Path, required=True, help="model.tar.gz")
    parser.add_argument("--champion", type=Path, help="model.tar.gz; left out: there is none")
    parser.add_argument("--holdout", type=Path, required=True, help="folder with Parquet files")
    parser.add_argument("--holdout-month", required=True, help="2013-03")
    parser.add_argument("--output", type=Path, required=True, help="folder for evaluation.json")
    return Arguments(**vars(parser.parse_args(values)))


def read_holdout(folder: Path, month: str) -> pa.Table:
    """The month's rows; folders of other months are passed over."""
    files = [
        file
        for file in sorted(folder.rglob("*.parquet"))
        if all(part in (f"month={month}", part.replace("month=", "")) for part in file.parts)
    ]
    if not files:
        sys.exit(f"The hold-out {month} has no Parquet file in {folder}.")
    parts = [pq.ParquetFile(file).read() for file in files]
    return pa.concat_tables(parts, promote_options="permissive")


def evaluate(archive: Path, holdout: pa.Table) -> tuple[dict[str, Any], list[str]]:
    """The numbers of one model, and the names of its features."""
    artifact = read_artifact(archive)
    booster = xgb.Booster(model_file=bytearray(artifact))
    features = booster.feature_names or []
    label = booster.attr("label") or ""
    if label not in holdout.column_names:
        sys.exit(f"The hold-out has no column {label}, the label of the model in {archive}.")
    late = holdout[label].to_numpy().astype(np.float64)  # (rows,) 0 or 1
    probability = booster.inplace_predict(encode(holdout, booster)).astype(np.float64)  # (rows,)
    clipped = np.clip(probability, 1e-7, 1 - 1e-7)
    log_loss = -np.mean(late * np.log(clipped) + (1 - late) * np.log(1 - clipped))
    result = {
        "auc": auc(late, probability),
        "log_loss": rounded(log_loss),
        "brier": rounded(np.mean((probability - late) ** 2)),
        "late_rate": rounded(late.mean()),
        "sha256": hashlib.sha256(artifact).hexdigest(),
        "calibration": calibration(late, probability),
        "by_carrier": slices(holdout, late, probability),
    }
    return result, features


def read_artifact(archive: Path) -> bytes:
    """The bytes of model.ubj; nothing of the archive is written to disk."""
    try:
        with tarfile.open(archive) as files:
            for member in files:
                if member.isfile() and Path(member.name) == Path("model.ubj"):
                    content = files.extractfile(member)
                    return content.read() if content else b""
    except (OSError, tarfile.TarError) as error:
        sys.exit(f"The model archive {archive} cannot be read: {error}")
    sys.exit(f"The model archive {archive} has no model.ubj.")


def encode(table: pa.Table, booster: xgb.Booster) -> np.ndarray:
    """The features as the model learnt them: a category's code is its position in the list.

    A column that the hold-out does not have is missing in every row: a champion from before a
    change of the features can still be compared.
    """
    categories = json.loads(booster.attr("categories") or "{}")
    columns = []
    for name in booster.feature_names or []:
        if name not in table.column_names:
            print(f"the hold-out has no column {name}, which the model learnt from")
            columns.append(np.full(table.num_rows, np.nan, np.float32))
            continue
        column = table[name]
        if name in categories:
            column = pc.index_in(column, pa.array(categories[name], column.type))
        columns.append(column.cast(pa.float64()).to_numpy().astype(np.float32))
    matrix: np.ndarray = np.column_stack(columns)  # (rows, features)
    return matrix


def auc(late: np.ndarray, probability: np.ndarray) -> float | None:
    """The area under the ROC curve; None where all flights are late, or none.

    Source: the rank-sum form, Hanley and McNeil 1982; equal scores share their mean rank.
    """
    num_late, num_rows = int(late.sum()), len(late)
    if num_late in (0, num_rows):
        return None
    _, group, sizes = np.unique(probability, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(sizes) - (sizes - 1) / 2
    rank_sum = mean_ranks[group][late == 1].sum()
    won = rank_sum - num_late * (num_late + 1) / 2
    return rounded(won / (num_late * (num_rows - num_late)))


def calibration(late: np.ndarray, probability: np.ndarray) -> list[dict[str, Any]]:
    """Predicted and observed share, in ten parts of equal size from the lowest prediction up."""
    parts = np.array_split(np.argsort(probability, kind="stable"), CALIBRATION_PARTS)
    return [
        {
            "predicted": rounded(probability[part].mean()),
            "observed": rounded(late[part].mean()),
            "rows": len(part),
        }
        for part in parts
        if len(part)
    ]


def slices(holdout: pa.Table, late: np.ndarray, probability: np.ndarray) -> list[dict[str, Any]]:
    """The same numbers for each carrier, the largest first."""
    if SLICE not in holdout.column_names:
        return []
    values = np.array(holdout[SLICE].to_pylist(), dtype=object)
    found = []
    for value in sorted(set(values) - {None}):
        rows = values == value
        found.append(
            {
                SLICE: value,
                "rows": int(rows.sum()),
                "auc": auc(late[rows], probability[rows]),
                "late_rate": rounded(late[rows].mean()),
            }
        )
    return sorted(found, key=lambda part: -part["rows"])


def rounded(value: float) -> float:
    """Six digits: more say nothing with some ten thousand rows."""
    return round(float(value), 6)


if __name__ == "__main__":
    main()
