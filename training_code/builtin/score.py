"""Scores the answers of a built-in algorithm's models, and a naive model's, on the same hold-out.

SageMaker's batch transform has put the hold-out month's requests to the challenger, and to the
champion if there is one; this script reads the answers in the forms that the algorithms give them
and compares them with the truth. It runs in the scikit-learn image and writes `evaluation.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training_code.builtin import answers, naive_models, scores
from training_code.builtin.answers import Truth, read_answers, read_truth


@dataclass(frozen=True)
class Arguments:
    """What is compared, and on what. The folders hold `<request file>.out`, or JSON Lines."""

    algorithm: str
    metric: str
    truth: Path
    reference: Path
    challenger: Path
    champion: Path | None
    holdout_month: str
    challenger_model: Path
    champion_model: Path | None
    output: Path


@dataclass(frozen=True)
class Metric:
    """How answers are scored, and what a model answers that knows next to nothing."""

    understand: Callable[[Any], Any]
    """What the metric needs of an answer."""
    score: Callable[[list[Any], Truth], float]
    naive: Callable[[list[Any], Truth, Truth], list[Any]]
    """From the challenger's answers, the truth and the training months' truth."""
    baseline_name: str


def main() -> None:
    """Score and write evaluation.json."""
    arguments = parse_arguments()
    metric = METRICS[arguments.metric]
    truth, reference = read_truth(arguments.truth), read_truth(arguments.reference)
    challenger = read_answers(arguments.challenger, truth, metric.understand)
    naive = metric.naive(challenger, truth, reference)
    baseline = {
        "baseline": finite(metric.score(naive, truth), "the naive model"),
        "baseline_name": metric.baseline_name,
    }

    def result(answered: list[Any], model: Path | None, who: str) -> dict[str, Any]:
        value = finite(metric.score(answered, truth), who)
        digest = hashlib.sha256(model.read_bytes()).hexdigest() if model else None
        return {arguments.metric: value, **baseline, "sha256": digest}

    report: dict[str, Any] = {
        "holdout_month": arguments.holdout_month,
        "algorithm": arguments.algorithm,
        "rows": len(truth),
        "challenger": result(challenger, arguments.challenger_model, "the challenger"),
        "champion": None,
    }
    if arguments.champion:
        champion = read_answers(arguments.champion, truth, metric.understand)
        report["champion"] = result(champion, arguments.champion_model, "the champion")
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "evaluation.json").write_text(json.dumps(report, indent=1, allow_nan=False))
    for name in ("challenger", "champion"):
        if report[name]:
            print(f"{name}: {arguments.metric}={report[name][arguments.metric]}")
    print(f"baseline ({metric.baseline_name}): {arguments.metric}={baseline['baseline']}")


def parse_arguments(values: list[str] | None = None) -> Arguments:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Score the answers of a built-in algorithm.")
    parser.add_argument("--algorithm", required=True, help="row of the catalogue, for the report")
    parser.add_argument("--metric", required=True, choices=sorted(METRICS))
    parser.add_argument("--truth", type=Path, required=True, help="of the hold-out month")
    parser.add_argument("--reference", type=Path, required=True, help="truth of the other months")
    parser.add_argument("--challenger", type=Path, required=True, help="its answers")
    parser.add_argument("--champion", type=Path, help="its answers; left out: there is none")
    parser.add_argument("--holdout-month", required=True, help="2013-03")
    parser.add_argument("--challenger-model", type=Path, required=True, help="model.tar.gz")
    parser.add_argument("--champion-model", type=Path, help="model.tar.gz")
    parser.add_argument("--output", type=Path, required=True, help="folder for evaluation.json")
    return Arguments(**vars(parser.parse_args(values)))


def finite(value: float, who: str) -> float:
    """Six digits; a score that cannot be computed is an error, not a number."""
    if not np.isfinite(value):
        sys.exit(f"The score of {who} is {value}: the hold-out cannot tell good from bad answers.")
    return round(float(value), 6)


METRICS = {
    "accuracy": Metric(
        answers.as_label, scores.accuracy, naive_models.most_frequent, "the most frequent label"
    ),
    "auc": Metric(
        answers.as_number, scores.auc, naive_models.all_the_same, "the same score for all"
    ),
    "r2": Metric(
        answers.as_number, scores.r2, naive_models.mean_label, "the mean of the training months"
    ),
    "silhouette": Metric(
        answers.as_cluster,
        scores.silhouette,
        naive_models.random_clusters,
        "the same clusters, dealt at random",
    ),
    "explained_variance": Metric(
        answers.as_vector,
        scores.explained_variance,
        naive_models.widest_columns,
        "as many raw columns, those that vary most",
    ),
    "group_auc": Metric(
        answers.as_vector, scores.group_auc, naive_models.one_topic, "all documents alike"
    ),
    "skill": Metric(
        answers.as_forecast,
        scores.skill,
        naive_models.day_before,
        "the same hour of the day before",
    ),
    "rank_correlation": Metric(
        answers.as_word, scores.rank_correlation, naive_models.one_vector, "all words alike"
    ),
    "token_accuracy": Metric(
        answers.as_tokens,
        scores.token_accuracy,
        naive_models.token_by_token,
        "each token by its most frequent counterpart",
    ),
    "mean_average_precision": Metric(
        answers.as_boxes,
        scores.mean_average_precision,
        naive_models.mean_box,
        "the mean box of the training months",
    ),
    "mean_iou": Metric(
        answers.as_mask,
        scores.mean_iou,
        naive_models.one_class,
        "the most frequent class everywhere",
    ),
}


if __name__ == "__main__":
    main()
