"""What answers are worth beside the truth. Of every score, larger is better."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import r2_score, roc_auc_score, silhouette_score

from training_code.builtin.answers import Truth, labels, true_masks

SEED = 2013
MAX_COMPARED = 3000
"""Rows of which every pair is compared: more cost much and change little."""
MIN_OVERLAP = 0.5
"""Of a found and a true box. Source: PASCAL VOC challenge."""


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
