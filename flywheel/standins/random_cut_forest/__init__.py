"""Stand-in for Random Cut Forest, on the published algorithm in numpy.

Source: Amazon SageMaker Developer Guide, "How RCF Works" and "Tune an RCF Model".
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from flywheel.standins.codecs.wire import Array
from flywheel.standins.contract import Predictor, RefusedError, Request, Response
from flywheel.standins.job import Job
from flywheel.standins.metrics import report
from flywheel.standins.random_cut_forest.forest import Forest, Trees, grow
from flywheel.standins.remarks import log, log_without_effect
from flywheel.standins.tabular import (
    SEED,
    answer,
    limit_threads,
    load_arrays,
    read_features,
    read_rows,
    save_arrays,
)

KEY = "random_cut_forest"
LIBRARY = "numpy"
_DEVIATIONS = 3  # AWS's rule for what is anomalous: the three-sigma limit


def train(job: Job) -> None:
    """Grow the trees; report how well the scores tell labelled test rows apart."""
    limit_threads()
    log_without_effect(job, {"mini_batch_size": "the rows are read at once"})
    rows = read_rows(job, "train").dense
    rng = np.random.default_rng(SEED)
    forest = grow(rows, _samples(job, len(rows), rng), rng)
    save_arrays(job.model_dir, asdict(forest.trees))
    if "test" in job.channels:
        _evaluate(job, forest)


@dataclass(frozen=True)
class _Scorer:
    forest: Forest

    def __call__(self, request: Request) -> Response:
        rows = read_features(KEY, request, self.forest.num_features).dense
        scores = [{"score": float(score)} for score in self.forest.scores(rows)]
        return answer(KEY, scores, request.accept, json_key="scores")


def load(model_dir: Path) -> Predictor:
    """The forest."""
    limit_threads()
    arrays = load_arrays(model_dir, [field.name for field in fields(Trees)])
    return _Scorer(Forest(Trees(**arrays)))


def _samples(job: Job, num_rows: int, rng: np.random.Generator) -> Array:
    """The rows of each tree, drawn without replacement.

    Where there are enough, no two trees share a row, as the guide says.
    """
    num_trees, size = job.get("num_trees"), job.get("num_samples_per_tree")
    if size > num_rows:
        log(f"num_samples_per_tree is {size}; each tree has all {num_rows} rows")
        size = num_rows
    if num_trees * size <= num_rows:
        samples: Array = rng.permutation(num_rows)[: num_trees * size].reshape(num_trees, size)
    else:
        every = range(num_trees)
        samples = np.stack([rng.choice(num_rows, size, replace=False) for _ in every])
    return samples


def _evaluate(job: Job, forest: Forest) -> None:
    test = read_rows(job, "test", label_size=1)
    if not np.isin(test.label, (0, 1)).all():
        raise RefusedError(
            "a label of channel test is neither 0 nor 1; it must be 1 for an anomalous row and 0 "
            "for an ordinary one"
        )
    scores = forest.scores(test.dense)
    found = scores > scores.mean() + _DEVIATIONS * scores.std()
    actual = test.label == 1
    right = int((found & actual).sum())
    precision = right / max(int(found.sum()), 1)
    recall = right / max(int(actual.sum()), 1)
    if "accuracy" in job.get("eval_metrics"):
        log(f"channel test: accuracy {(found == actual).mean():.4f}")
    if "precision_recall_fscore" in job.get("eval_metrics"):
        log(f"channel test: precision {precision:.4f}, recall {recall:.4f}")
        report("test:f1", 2 * right / max(int(found.sum()) + int(actual.sum()), 1))
