"""score.py reads every algorithm's answers, and a worse model gets a worse score."""

from __future__ import annotations

import base64
import json
import os
import struct
import subprocess
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from flywheel import samples
from tests.workload.builtin.lake import ROOT, settings

Lines = Sequence[Mapping[str, Any]]
WORSE = 0.05
RULES = range(5)
"""How PNG filters a row: not at all, by the left, upper, mean and nearest neighbour."""


def png(mask: Sequence[Sequence[int]], rule: int = 0) -> bytes:
    """A grey picture, all of its rows filtered by one rule."""
    above, packed = [0] * len(mask[0]), b""
    for row in mask:
        packed += bytes([rule])
        for column, value in enumerate(row):
            left, up = (row[column - 1], above[column]) if column else (0, above[0])
            corner = above[column - 1] if column else 0
            near = min((left, up, corner), key=lambda v: abs(left + up - corner - v))
            taken = (0, left, up, (left + up) // 2, near)[rule]
            packed += bytes([(value - taken) % 256])
        above = list(row)
    header = struct.pack(">IIBBBBB", len(mask[0]), len(mask), 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(packed)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def json_lines(answers: Lines) -> bytes:
    return "".join(json.dumps(answer) + "\n" for answer in answers).encode()


def documents(name: str) -> Callable[[Lines], bytes]:
    """Two JSON documents one after the other, as batch transform joins two requests' answers."""
    return lambda answers: b"".join(
        json.dumps({name: list(part)}).encode() + b"\n" for part in (answers[:2], answers[2:])
    )


def csv_lines(answers: Lines) -> bytes:
    return "".join(f"{answer['score']}\n" for answer in answers).encode()


def csv_cells(answers: Lines) -> bytes:
    return ",".join(str(answer["score"]) for answer in answers).encode()


@dataclass(frozen=True)
class Case:
    """An algorithm's answers, right and wrong ones, and what is true."""

    truth: Lines
    right: Lines | Mapping[str, bytes]
    """Answers in the order of the truth, or the outputs by file name."""
    wrong: Lines | Mapping[str, bytes]
    best: float
    baseline: float
    form: Callable[[Lines], bytes] = json_lines
    reference: Lines = field(default_factory=list)


BLOBS = [{"features": [x, y]} for x, y in ((0, 0), (0, 1), (1, 0), (9, 9), (9, 8), (8, 9))]
LABELS = [{"label": label} for label in (1, 0, 1, 1, 0, 0)]
NUMBERS = [{"label": value} for value in (1, 2, 3, 4.5)]
GROUPS = [{"group": name} for name in ("A", "B", "A", "B")]
DAY = {"target": [10, 12, None, 8], "season": [12, 12, 9, None]}
PAIRS = [
    {"words": ["cat", "dog"], "similarity": 8},
    {"words": ["cat", "car"], "similarity": 1},
    {"words": ["dog", "car"], "similarity": 2},
]
SPELT = [{"source": "c a t", "target": "K AE T"}, {"source": "t a c", "target": "T AE K"}]
SPELT_BEFORE = [{"source": "c a", "target": "K AH"}, {"source": "t a t", "target": "T AH T"}]
COINS = [
    {"file": "a.png", "boxes": [[0, 0.1, 0.1, 0.5, 0.5], [0, 0.6, 0.6, 0.9, 0.9]]},
    {"file": "b.png", "boxes": [[0, 0.2, 0.2, 0.6, 0.6]]},
]
MASK = [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 2, 1]]
SCENES = [
    {"file": f"{rule}.jpg", "mask": base64.b64encode(png(MASK, rule)).decode()} for rule in RULES
]
DIGITS = [{"file": f"{digit}.png", "label": digit} for digit in (2, 0, 1)]


def scored(*scores: float, name: str = "score", **other: Sequence[Any]) -> Lines:
    return [
        {name: score, **{key: values[row] for key, values in other.items()}}
        for row, score in enumerate(scores)
    ]


def found(*boxes: list[list[float]]) -> dict[str, bytes]:
    return {
        f"{line['file']}.out": json.dumps({"prediction": rows}).encode()
        for line, rows in zip(COINS, boxes, strict=True)
    }


def vectors(cat: list[float], dog: list[float], car: list[float]) -> Lines:
    return [{"vector": v, "word": w} for w, v in (("car", car), ("cat", cat), ("dog", dog))]


def masks(mask: Sequence[Sequence[int]]) -> dict[str, bytes]:
    return {f"{rule}.jpg.out": png(mask, 4 - rule) for rule in RULES}


def probabilities(*classes: int) -> dict[str, bytes]:
    return {
        f"{line['file']}.out": json.dumps(
            {"prediction": [0.8 if kind == chosen else 0.1 for kind in range(3)]}
        ).encode()
        for line, chosen in zip(DIGITS, classes, strict=True)
    }


TWO_CLASSES = Case(
    LABELS,
    scored(0.9, 0.2, 0.8, 0.6, 0.1, 0.3, predicted_label=[1, 0, 1, 1, 0, 0]),
    scored(0.2, 0.9, 0.1, 0.6, 0.8, 0.3, predicted_label=[0, 1, 0, 1, 1, 0]),
    best=1,
    baseline=0.5,
    reference=[{"label": 1}, {"label": 1}, {"label": 0}],
)
TOPICS = {
    "right": [[0.9, 0.1], [0.1, 0.9], [0.8, 0.2], [0.2, 0.8]],
    "wrong": [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8]],
}

CASES = {
    "kmeans": Case(
        BLOBS,
        scored(1, 1, 1, 0, 0, 0, name="closest_cluster", distance_to_cluster=[0.5] * 6),
        scored(1, 0, 1, 0, 1, 0, name="closest_cluster", distance_to_cluster=[0.5] * 6),
        best=0.9,
        baseline=-0.067,
    ),
    "knn": Case(
        [{"label": digit} for digit in (3, 1, 4, 1)],
        scored(3.0, 1.0, 4.0, 1.0, name="predicted_label"),
        scored(3.0, 1.0, 1.0, 4.0, name="predicted_label"),
        best=1,
        baseline=0.5,
        reference=[{"label": 1}, {"label": 3}, {"label": 1}],
    ),
    "linear_learner_classification": TWO_CLASSES,
    "linear_learner_regression": Case(
        NUMBERS,
        scored(1, 2, 3, 4.5),
        scored(2, 1, 3, 4.5),
        best=1,
        baseline=-0.1755,
        form=documents("predictions"),
        reference=[{"label": 2}, {"label": 4.5}, {"label": 3}],
    ),
    "xgboost": Case(
        LABELS,
        scored(0.9, 0.2, 0.8, 0.6, 0.1, 0.3),
        scored(0.9, 0.2, 0.8, 0.1, 0.6, 0.3),
        best=1,
        baseline=0.5,
        form=csv_lines,
    ),
    "pca": Case(
        [{"features": [x, 10 * x, 5]} for x in (-2, -1, 1, 2)],
        [{"projection": [x * 101**0.5]} for x in (-2, -1, 1, 2)],
        [{"projection": [x * 5]} for x in (-2, -1, 1, 2)],
        best=1,
        baseline=0.990099,
        form=documents("projections"),
        reference=[{"features": [1, 10, 5]}, {"features": [2, 20, 5]}],
    ),
    "random_cut_forest": Case(
        LABELS,
        scored(2.5, 0.8, 2.1, 1.9, 0.7, 0.9),
        scored(0.9, 0.8, 2.1, 1.9, 0.7, 2.5),
        best=1,
        baseline=0.5,
        form=documents("scores"),
    ),
    "ip_insights": Case(
        LABELS,
        scored(1.5, -0.2, 0.8, 0.6, -2, 0.3, name="dot_product"),
        scored(-1.5, -0.2, 0.8, 0.6, -2, 0.3, name="dot_product"),
        best=1,
        baseline=0.5,
    ),
    "factorization_machines": TWO_CLASSES,
    "object2vec": Case(
        LABELS,
        [{"scores": [1 - p, p]} for p in (0.9, 0.2, 0.8, 0.6, 0.1, 0.3)],
        [{"scores": [1 - p, p]} for p in (0.9, 0.8, 0.2, 0.6, 0.1, 0.3)],
        best=1,
        baseline=0.5,
        reference=[{"label": 0}],
    ),
    "seq2seq": Case(
        SPELT,
        [{"target": "K AE T"}, {"target": "T AE K"}],
        [{"target": "K AE"}, {"target": "T K AE K"}],
        best=1,
        baseline=0.666667,
        reference=SPELT_BEFORE,
    ),
    "lda": Case(
        GROUPS,
        [{"topic_mixture": mixture} for mixture in TOPICS["right"]],
        [{"topic_mixture": mixture} for mixture in TOPICS["wrong"]],
        best=1,
        baseline=0.5,
        form=documents("predictions"),
    ),
    "ntm": Case(
        GROUPS,
        [{"topic_weights": mixture} for mixture in TOPICS["right"]],
        [{"topic_weights": mixture} for mixture in TOPICS["wrong"]],
        best=1,
        baseline=0.5,
    ),
    "blazingtext_word2vec": Case(
        PAIRS,
        vectors([1, 0.1], [1, 0.2], [0, 1]),
        vectors([1, 0.1], [0, 1], [0.2, 1]),
        best=1,
        baseline=0,
    ),
    "blazingtext_text_classification": Case(
        [{"label": f"__label__{language}"} for language in ("de", "fr", "de")],
        [{"label": [f"__label__{name}"], "prob": [0.9]} for name in ("de", "fr", "de")],
        [{"label": [f"__label__{name}"], "prob": [0.9]} for name in ("fr", "fr", "de")],
        best=1,
        baseline=0.333333,
        reference=[{"label": "__label__fr"}],
    ),
    "deepar": Case(
        [DAY, DAY],
        [{"mean": [10, 12, 1, 1], "quantiles": {"0.5": [0, 0, 0, 0]}}] * 2,
        [{"quantiles": {"0.5": [14, 12, 1, 1]}}] * 2,
        best=1,
        baseline=0,
    ),
    "image_classification": Case(
        DIGITS,
        probabilities(2, 0, 1),
        probabilities(2, 1, 0),
        best=1,
        baseline=0.333333,
        reference=[{"label": 1}],
    ),
    "object_detection": Case(
        COINS,
        found(
            [[0, 0.3, 0.6, 0.6, 0.9, 0.88], [0, 0.9, 0.1, 0.1, 0.5, 0.52]],
            [[0, 0.8, 0.2, 0.2, 0.6, 0.6]],
        ),
        found([[0, 0.9, 0.1, 0.1, 0.5, 0.52], [0, 0.8, 0.1, 0.1, 0.5, 0.5]], []),
        best=1,
        baseline=0.166667,  # one of three found, behind a wrong one
        reference=[{"boxes": [[0, 0.2, 0.2, 0.6, 0.6]]}],
    ),
    "semantic_segmentation": Case(
        SCENES,
        masks(MASK),
        masks([[0, 0, 1, 1], [0, 1, 1, 1], [2, 2, 2, 1]]),
        best=1,
        baseline=0.138889,
        reference=SCENES,
    ),
}
"""Of each algorithm, in a form in which it answers."""


def answers_of(key: str) -> Lines:
    """The right answers of an algorithm that gives them line by line."""
    right = CASES[key].right
    assert not isinstance(right, Mapping)
    return right


OTHER_FORMS = {
    "xgboost in one line": ("xgboost", csv_cells(answers_of("xgboost"))),
    "xgboost as JSON Lines": ("xgboost", json_lines(answers_of("xgboost"))),
    "linear learner as one JSON document": (
        "linear_learner_classification",
        json.dumps({"predictions": TWO_CLASSES.right}).encode(),
    ),
    "BlazingText as a JSON list": (
        "blazingtext_word2vec",
        json.dumps(answers_of("blazingtext_word2vec")).encode(),
    ),
    "JSON documents without a line between them": (
        "lda",
        documents("predictions")(answers_of("lda")).replace(b"\n", b""),
    ),
}
REFUSED = {
    "an answer is missing": (
        "knn",
        json_lines(answers_of("knn")[1:]),
        "has 3 answers to 4 requests.",
    ),
    "an answer has another form": (
        "kmeans",
        json_lines(scored(1, 0, 1, 0, 1, 0)),
        "has another form than the metric needs: KeyError('closest_cluster')",
    ),
    "a word has no answer": (
        "blazingtext_word2vec",
        json_lines([{"vector": [1.0], "word": w} for w in ("cat", "dog", "bus")]),
        "There is no answer for the word car (2 in all).",
    ),
    "a score is no number": (
        "linear_learner_regression",
        json_lines([{"score": 1}, {"score": "three"}, {"score": 3}, {"score": 4}]),
        "has another form than the metric needs: ValueError(",
    ),
    "there is nothing": ("knn", b"", "has 0 answers to 4 requests."),
}


def outputs(case: Case, answers: Lines | Mapping[str, bytes]) -> Mapping[str, bytes]:
    if isinstance(answers, Mapping):
        return answers
    middle = len(answers) // 2 if case.form is json_lines else len(answers)
    parts = (answers[:middle], answers[middle:])
    return {f"part-{i:05d}.out": case.form(part) for i, part in enumerate(parts) if part}


@dataclass(frozen=True)
class Ended:
    """How each run ended, by its name, and where its files are."""

    folder: Path
    said: Mapping[str, str | None]

    def report(self, name: str) -> dict[str, Any]:
        assert self.said[name] is None, self.said[name]
        content = (self.folder / name / "output" / "evaluation.json").read_text()
        report: dict[str, Any] = json.loads(content)
        return report


def prepare(
    folder: Path, key: str, challenger: Mapping[str, bytes], champion: Mapping[str, bytes]
) -> list[str]:
    """The files of a run, and its command line."""
    case = CASES[key]
    files = {
        "truth/part-00000.jsonl": json_lines(case.truth),
        "reference/month=2013-01/part-00000.jsonl": json_lines(case.reference or case.truth),
        "challenger-model/model.tar.gz": b"challenger",
        "champion-model/model.tar.gz": b"champion",
        **{f"challenger/{name}": body for name, body in challenger.items()},
        **{f"champion/{name}": body for name, body in champion.items()},
    }
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    (folder / "challenger").mkdir(exist_ok=True)
    words = ["--algorithm", key, "--metric", settings(key).gate.metric]
    words += [f"--{name}={folder / name}" for name in ("truth", "reference", "challenger")]
    words += ["--holdout-month=2013-03", f"--output={folder / 'output'}"]
    words += [f"--challenger-model={folder / 'challenger-model' / 'model.tar.gz'}"]
    if champion:
        words += [f"--champion={folder / 'champion'}"]
        words += [f"--champion-model={folder / 'champion-model' / 'model.tar.gz'}"]
    return words


@pytest.fixture(scope="module")
def ended(sklearn_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Every run of this file, in one process: importing scikit-learn costs more than a run."""
    folder = tmp_path_factory.mktemp("scores")
    runs = {}
    for key, case in CASES.items():
        right, wrong = outputs(case, case.right), outputs(case, case.wrong)
        runs[key] = prepare(folder / key, key, right, wrong)
    for name, (key, body) in OTHER_FORMS.items():
        runs[name] = prepare(folder / name, key, {"part-00000.out": body}, {})
    for name, (key, body, _) in REFUSED.items():
        runs[name] = prepare(folder / name, key, {"part-00000.out": body}, {})
    some = {"a.png.out": b'{"prediction": []}'}
    runs["a picture has no answer"] = prepare(folder / "picture", "object_detection", some, {})
    small = {name: png([[0, 1]]) for name in masks(MASK)}
    runs["a mask is too small"] = prepare(folder / "mask", "semantic_segmentation", small, {})
    one_class = prepare(folder / "class", "xgboost", {"a.out": b"0.1\n0.2\n"}, {})
    (folder / "class/truth/part-00000.jsonl").write_bytes(json_lines([{"label": 1}] * 2))
    runs["the hold-out has one class"] = one_class
    runs["there is no truth"] = [*runs["knn"], f"--truth={folder / 'knn' / 'champion'}"]
    runs["the metric is unknown"] = [*runs["knn"], "--metric=accurracy"]
    (folder / "runs.json").write_text(json.dumps(list(runs.values())))
    runner = Path(__file__).with_name("run_scores.py")
    done = subprocess.run(
        [sklearn_python, "-W", "error", runner, folder / "runs.json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},  # in place of the archive of the modules
    )
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    return Ended(folder, dict(zip(runs, said, strict=True)))


def test_there_is_a_case_for_every_algorithm() -> None:
    assert set(CASES) == set(samples.keys())


@pytest.mark.parametrize("key", CASES)
def test_right_answers_have_the_best_score(ended: Ended, key: str) -> None:
    report = ended.report(key)
    metric, case = settings(key).gate.metric, CASES[key]
    assert report["challenger"][metric] == pytest.approx(case.best, abs=0.01)
    assert report["rows"] == len(case.truth)
    assert (report["holdout_month"], report["algorithm"]) == ("2013-03", key)


@pytest.mark.parametrize("key", CASES)
def test_wrong_answers_have_a_worse_score(ended: Ended, key: str) -> None:
    report, metric = ended.report(key), settings(key).gate.metric
    assert report["champion"][metric] < report["challenger"][metric] - WORSE


@pytest.mark.parametrize("key", CASES)
def test_the_baseline_is_what_a_naive_model_reaches(ended: Ended, key: str) -> None:
    report = ended.report(key)
    assert report["challenger"]["baseline"] == pytest.approx(CASES[key].baseline, abs=0.01)
    assert report["challenger"]["baseline_name"]
    assert report["champion"]["baseline"] == report["challenger"]["baseline"]


def test_each_model_is_named_by_its_hash(ended: Ended) -> None:
    report = ended.report("knn")
    for name in ("challenger", "champion"):
        assert report[name]["sha256"] == sha256(name.encode()).hexdigest()


@pytest.mark.parametrize("name", OTHER_FORMS)
def test_other_forms_of_the_same_answers_score_the_same(ended: Ended, name: str) -> None:
    key, _ = OTHER_FORMS[name]
    metric = settings(key).gate.metric
    report = ended.report(name)
    assert report["challenger"][metric] == ended.report(key)["challenger"][metric]
    assert report["champion"] is None


@pytest.mark.parametrize("name", REFUSED)
def test_answers_that_cannot_be_scored_are_refused(ended: Ended, name: str) -> None:
    assert REFUSED[name][2] in str(ended.said[name])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a picture has no answer", "has no answer to b.png (1 in all)."),
        ("a mask is too small", "The mask for 0.jpg is (1, 2); the picture is (3, 4)."),
        ("the hold-out has one class", "the hold-out cannot tell good from bad answers."),
        ("there is no truth", "There is no truth in "),
        ("the metric is unknown", "invalid choice: 'accurracy'"),
    ],
)
def test_other_faults_are_said(ended: Ended, name: str, expected: str) -> None:
    assert expected in str(ended.said[name])
