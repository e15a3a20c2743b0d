"""Scores the answers of a built-in algorithm's models, and a naive model's, on the same hold-out.

SageMaker's batch transform has put the hold-out month's requests to the challenger, and to the
champion if there is one; this script reads the answers in the forms that the algorithms give them
and compares them with the truth. It runs as one file in the scikit-learn image and writes
`evaluation.json`. Of every metric, larger is better.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import struct
import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import r2_score, roc_auc_score, silhouette_score

SEED = 2013
MAX_COMPARED = 3000
"""Rows of which every pair is compared: more cost much and change little."""
MIN_OVERLAP = 0.5
"""Of a found and a true box. Source: PASCAL VOC challenge."""

Truth = list[dict[str, Any]]


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
    answers = read_answers(arguments.challenger, truth, metric)
    naive = metric.naive(answers, truth, reference)
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
        "challenger": result(answers, arguments.challenger_model, "the challenger"),
        "champion": None,
    }
    if arguments.champion:
        champion = read_answers(arguments.champion, truth, metric)
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


# Reading


def read_truth(folder: Path) -> Truth:
    """The lines of all files, in their order."""
    files = sorted(folder.rglob("*.jsonl"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    if not lines:
        sys.exit(f"There is no truth in {folder}: the Spark job writes it as *.jsonl.")
    return [json.loads(line) for line in lines]


def read_answers(folder: Path, truth: Truth, metric: Metric) -> list[Any]:
    """What the metric needs of each answer; one for each line of the truth."""
    outputs = {file.name: file.read_bytes() for file in sorted(folder.rglob("*.out"))}
    if "file" in truth[0]:
        missing = [row["file"] for row in truth if f"{row['file']}.out" not in outputs]
        if missing:
            sys.exit(f"{folder} has no answer to {', '.join(missing[:3])} ({len(missing)} in all).")
        answers = [read_output(outputs[f"{row['file']}.out"])[0] for row in truth]
    else:
        answers = [answer for output in outputs.values() for answer in read_output(output)]
        expected = len({word for row in truth for word in row.get("words", ())}) or len(truth)
        if len(answers) != expected:
            sys.exit(f"{folder} has {len(answers)} answers to {expected} requests.")
    try:
        return [metric.understand(answer) for answer in answers]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        sys.exit(f"An answer in {folder} has another form than the metric needs: {error!r}")


def read_output(output: bytes) -> list[Any]:
    """The answers of one file: a picture, JSON texts one after another, or rows of numbers."""
    if output.startswith(b"\x89PNG"):
        return [output]
    text = output.decode().strip()
    if not text.startswith(("{", "[")):
        return [float(cell) for cell in text.replace("\n", ",").split(",") if cell.strip()]
    answers: list[Any] = []
    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        document, position = decoder.raw_decode(text, position)
        answers += unwrapped(document)
        while position < len(text) and text[position].isspace():
            position += 1
    return answers


def unwrapped(document: Any) -> list[Any]:
    """The answers of one JSON text: a list under the only name, a list, or the answer itself."""
    if isinstance(document, dict) and len(document) == 1:
        (inner,) = document.values()
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            return inner
    if isinstance(document, list) and document and isinstance(document[0], dict):
        return document
    return [document]


def as_label(answer: Any) -> Any:
    """The class that an answer names, or the most probable one."""
    if isinstance(answer, dict) and "predicted_label" in answer:
        return answer["predicted_label"]
    if isinstance(answer, dict) and "label" in answer:
        return answer["label"][0]
    if isinstance(answer, dict) and "score" not in answer:
        (answer,) = answer.values()
    if isinstance(answer, list):
        return int(np.argmax(answer))
    return int(as_number(answer) >= 0.5)


def as_number(answer: Any) -> float:
    """The score, or the only number."""
    if isinstance(answer, dict):
        answer = answer["score"] if "score" in answer else answer["dot_product"]
    return float(answer)


def as_cluster(answer: Any) -> int:
    """The number of the nearest cluster."""
    return int(answer["closest_cluster"])


def as_vector(answer: Any) -> list[float]:
    """The only list of numbers: a projection or the shares of topics."""
    (vector,) = answer.values()
    return [float(value) for value in vector]


def as_forecast(answer: Any) -> list[float]:
    """The mean of the samples, or their median."""
    forecast = answer["mean"] if "mean" in answer else answer["quantiles"]["0.5"]
    return [float(value) for value in forecast]


def as_word(answer: Any) -> tuple[str, list[float]]:
    """A word and its vector."""
    return str(answer["word"]), [float(value) for value in answer["vector"]]


def as_tokens(answer: Any) -> list[str]:
    """The tokens of a sequence."""
    return str(answer["target"]).split()


def as_boxes(answer: Any) -> np.ndarray:
    """Rows of class, score, left, top, right and bottom."""
    boxes: np.ndarray = np.array(answer["prediction"], float).reshape(-1, 6)
    return boxes


def as_mask(png: bytes) -> np.ndarray:
    """The class of each pixel: (height, width). Source: PNG specification, filtering."""
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", png[16:29])
    if depth != 8 or kind not in (0, 3) or interlaced:
        raise ValueError("a mask is a PNG of one byte a pixel: grey or palette, not interlaced")
    packed, position = b"", 8
    while position < len(png):
        (length,) = struct.unpack(">I", png[position : position + 4])
        if png[position + 4 : position + 8] == b"IDAT":
            packed += png[position + 8 : position + 8 + length]
        position += length + 12
    rows: np.ndarray = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, width + 1)
    above = [0] * width
    mask: np.ndarray = np.empty((height, width), np.uint8)
    for index, (rule, *row) in enumerate(rows.tolist()):
        left = corner = 0
        for column, up in enumerate(above):
            row[column] = left = (row[column] + unfiltered(rule, left, up, corner)) % 256
            corner = up
        mask[index] = above = row
    return mask


def unfiltered(rule: int, left: int, up: int, corner: int) -> int:
    """What PNG has subtracted from a byte."""
    estimate = left + up - corner
    nearest = min((left, up, corner), key=lambda value: abs(value - estimate))
    return (0, left, up, (left + up) // 2, nearest)[rule]


# Scores


def labels(truth: Truth) -> list[Any]:
    """What is true of each row."""
    return [row["label"] for row in truth]


def accuracy(answers: list[Any], truth: Truth) -> float:
    """Share of right answers."""
    return float(np.mean([got == label for got, label in zip(answers, labels(truth), strict=True)]))


def auc(answers: list[float], truth: Truth) -> float:
    """Probability that a row of class 1 has a higher score than one of class 0."""
    wanted = labels(truth)
    return float(roc_auc_score(wanted, answers)) if len(set(wanted)) == 2 else float("nan")


def r2(answers: list[float], truth: Truth) -> float:
    """Share of the variance that the answers explain."""
    return float(r2_score(labels(truth), answers))


def silhouette(answers: list[int], truth: Truth) -> float:
    """How much nearer rows are to their own cluster than to the next one, from -1 to 1."""
    chosen = np.random.default_rng(SEED).permutation(len(truth))[:MAX_COMPARED]
    features = np.array([row["features"] for row in truth], float)[chosen]
    clusters = np.array(answers)[chosen]
    grouped = 1 < len(set(clusters)) < len(clusters)
    return float(silhouette_score(features, clusters)) if grouped else -1.0


def explained_variance(answers: list[list[float]], truth: Truth) -> float:
    """Variance of the projections beside that of the rows: the components have length one."""
    features = np.array([row["features"] for row in truth], float)
    return float(np.var(answers, axis=0).sum() / np.var(features, axis=0).sum())


def group_auc(answers: list[list[float]], truth: Truth) -> float:
    """Probability that two documents of one group are more alike than two of different groups."""
    chosen = np.random.default_rng(SEED).permutation(len(truth))[:MAX_COMPARED]
    vectors = np.array(answers, float)[chosen]
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    groups = np.unique([str(truth[row]["group"]) for row in chosen], return_inverse=True)[1]
    first, second = np.triu_indices(len(groups), 1)
    same = groups[first] == groups[second]
    if same.all() or not same.any():
        return float("nan")
    return float(roc_auc_score(same, (vectors @ vectors.T).round(9)[first, second]))


def skill(answers: list[list[float]], truth: Truth) -> float:
    """How much smaller the error is than that of the day before: 1 is no error, 0 no gain."""
    target, season = (
        np.array([row[name] for row in truth], float) for name in ("target", "season")
    )
    error = np.abs(np.array(answers, float) - target)
    naive = np.abs(season - target)
    known = np.isfinite(naive)  # hours without a reading are null
    return float(1 - error[known].mean() / naive[known].mean())


def rank_correlation(answers: list[tuple[str, list[float]]], truth: Truth) -> float:
    """Spearman's, between the vectors' cosines and what people said."""
    vectors = {word: np.array(vector) for word, vector in answers}
    missing = [word for row in truth for word in row["words"] if word not in vectors]
    if missing:
        sys.exit(f"There is no answer for the word {missing[0]} ({len(missing)} in all).")
    cosines = []
    for row in truth:
        one, other = (vectors[word] for word in row["words"])
        length = np.linalg.norm(one) * np.linalg.norm(other)
        cosines.append(round(float(one @ other / length), 9) if length else 0.0)
    if len(set(cosines)) == 1:
        return 0.0
    return float(spearmanr(cosines, [row["similarity"] for row in truth]).statistic)


def token_accuracy(answers: list[list[str]], truth: Truth) -> float:
    """One less the changes that the answers need, as a share of the true tokens."""
    targets = [row["target"].split() for row in truth]
    changes = sum(map(distance, answers, targets))
    return 1 - changes / sum(map(len, targets))


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Levenshtein's: insertions, deletions and replacements."""
    before = list(range(len(other) + 1))
    for row, left in enumerate(one, start=1):
        now = [row]
        for column, right in enumerate(other, start=1):
            replaced = before[column - 1] + (left != right)
            now.append(min(before[column] + 1, now[-1] + 1, replaced))
        before = now
    return before[-1]


def mean_average_precision(answers: list[np.ndarray], truth: Truth) -> float:
    """Area under precision over recall, the mean of all classes. Source: PASCAL VOC challenge."""
    wanted = [np.array(row["boxes"], float).reshape(-1, 5) for row in truth]
    classes = sorted({box[0] for boxes in wanted for box in boxes})
    areas = []
    for kind in classes:
        hits: list[tuple[float, bool]] = []
        for found, boxes in zip(answers, wanted, strict=True):
            free = [box[1:] for box in boxes if box[0] == kind]
            of_kind = found[found[:, 0] == kind]
            for _, score, *box in of_kind[np.argsort(-of_kind[:, 1], kind="stable")]:
                overlaps = [overlap(box, other) for other in free]
                hit = max(overlaps, default=0.0) >= MIN_OVERLAP
                if hit:
                    del free[int(np.argmax(overlaps))]
                hits.append((score, hit))
        total = sum(int((boxes[:, 0] == kind).sum()) for boxes in wanted)
        areas.append(average_precision(hits, total))
    return float(np.mean(areas)) if areas else float("nan")


def average_precision(hits: list[tuple[float, bool]], total: int) -> float:
    """Over all recalls, of the best precision at that recall or beyond."""
    right: np.ndarray = np.cumsum([hit for _, hit in sorted(hits, key=lambda item: -item[0])])
    precision = right / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float((best * np.diff(right, prepend=0)).sum() / total)


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (areas - shared) if areas > shared else 0.0


def mean_iou(answers: list[np.ndarray], truth: Truth) -> float:
    """Intersection over union of the pixels of a class, the mean of all classes."""
    wanted = true_masks(truth)
    for row, answer, mask in zip(truth, answers, wanted, strict=True):
        if answer.shape != mask.shape:
            sys.exit(f"The mask for {row['file']} is {answer.shape}; the picture is {mask.shape}.")
    got, right = (np.concatenate([mask.ravel() for mask in masks]) for masks in (answers, wanted))
    shares = [
        np.sum((got == kind) & (right == kind)) / np.sum((got == kind) | (right == kind))
        for kind in np.union1d(got, right)
    ]
    return float(np.mean(shares))


def true_masks(truth: Truth) -> list[np.ndarray]:
    """The masks as the Spark job put them into the truth."""
    return [as_mask(base64.b64decode(row["mask"])) for row in truth]


# Naive models


def most_frequent(_: list[Any], truth: Truth, reference: Truth) -> list[Any]:
    """The training months' most frequent label."""
    return [Counter(labels(reference)).most_common(1)[0][0]] * len(truth)


def mean_label(_: list[Any], truth: Truth, reference: Truth) -> list[float]:
    """The training months' mean."""
    return [float(np.mean(labels(reference)))] * len(truth)


def all_the_same(answers: list[Any], _: Truth, __: Truth) -> list[float]:
    """No row stands out."""
    return [0.0] * len(answers)


def random_clusters(answers: list[int], _: Truth, __: Truth) -> list[int]:
    """As many clusters, drawn at random."""
    return [int(cluster) for cluster in np.random.default_rng(SEED).permutation(answers)]


def widest_columns(answers: list[Any], truth: Truth, reference: Truth) -> list[list[float]]:
    """As many raw columns as there are components: those that vary most in the training months."""
    spread = np.var([row["features"] for row in reference], axis=0)
    widest = np.argsort(-spread, kind="stable")[: len(answers[0])]
    return [[row["features"][column] for column in widest] for row in truth]


def one_topic(answers: list[Any], _: Truth, __: Truth) -> list[list[float]]:
    """All documents alike."""
    return [[1.0]] * len(answers)


def day_before(_: list[Any], truth: Truth, __: Truth) -> list[list[float]]:
    """The same hour of the day before."""
    return [row["season"] for row in truth]


def one_vector(answers: list[Any], _: Truth, __: Truth) -> list[tuple[str, list[float]]]:
    """All words alike."""
    return [(word, [1.0]) for word, _ in answers]


def token_by_token(_: list[Any], truth: Truth, reference: Truth) -> list[list[str]]:
    """Each source token by what most often stands in its place where both sides are as long."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for row in reference:
        source, target = row["source"].split(), row["target"].split()
        if len(source) == len(target):
            for left, right in zip(source, target, strict=True):
                seen[left][right] += 1
    return [
        [seen[token].most_common(1)[0][0] for token in row["source"].split() if token in seen]
        for row in truth
    ]


def mean_box(_: list[Any], truth: Truth, reference: Truth) -> list[np.ndarray]:
    """The training months' mean box of the most frequent class, in every picture."""
    boxes = np.array([box for row in reference for box in row["boxes"]], float).reshape(-1, 5)
    kinds, numbers = np.unique(boxes[:, 0], return_counts=True)
    kind = kinds[np.argmax(numbers)]
    mean = boxes[boxes[:, 0] == kind][:, 1:].mean(axis=0)
    return [np.array([[kind, 1.0, *mean]])] * len(truth)


def one_class(_: list[Any], truth: Truth, reference: Truth) -> list[np.ndarray]:
    """The training months' most frequent class, everywhere."""
    pixels = np.concatenate([mask.ravel() for mask in true_masks(reference)])
    kind = np.bincount(pixels).argmax()
    return [np.full_like(mask, kind) for mask in true_masks(truth)]


METRICS = {
    "accuracy": Metric(as_label, accuracy, most_frequent, "the most frequent label"),
    "auc": Metric(as_number, auc, all_the_same, "the same score for all"),
    "r2": Metric(as_number, r2, mean_label, "the mean of the training months"),
    "silhouette": Metric(
        as_cluster, silhouette, random_clusters, "the same clusters, dealt at random"
    ),
    "explained_variance": Metric(
        as_vector, explained_variance, widest_columns, "as many raw columns, those that vary most"
    ),
    "group_auc": Metric(as_vector, group_auc, one_topic, "all documents alike"),
    "skill": Metric(as_forecast, skill, day_before, "the same hour of the day before"),
    "rank_correlation": Metric(as_word, rank_correlation, one_vector, "all words alike"),
    "token_accuracy": Metric(
        as_tokens, token_accuracy, token_by_token, "each token by its most frequent counterpart"
    ),
    "mean_average_precision": Metric(
        as_boxes, mean_average_precision, mean_box, "the mean box of the training months"
    ),
    "mean_iou": Metric(as_mask, mean_iou, one_class, "the most frequent class everywhere"),
}


if __name__ == "__main__":
    main()
