"""The sample data: real rows, the same bytes every time, in the order in which they arrive."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
from pathlib import Path

import pytest

from flywheel import samples
from flywheel.environments import Environment
from flywheel.errors import UserError
from flywheel.retraining_loop import RawObject
from flywheel.samples.kept import MAKER, REQUIREMENTS
from flywheel.settings import load_workloads

ROOT = Path(__file__).parents[2]

ROWS = {
    "blazingtext_text_classification": (1317, 1317, 1317),
    "blazingtext_word2vec": (1613, 1566, 1545),
    "deepar": (2226, 2010, 2227),
    "factorization_machines": (6004, 5833, 6888),
    "image_classification": (150, 150, 150),
    "ip_insights": (8000, 8000, 8000),
    "kmeans": (50, 50, 50),
    "knn": (599, 599, 599),
    "lda": (264, 264, 264),
    "linear_learner_classification": (190, 190, 189),
    "linear_learner_regression": (148, 147, 147),
    "ntm": (264, 264, 264),
    "object2vec": (3000, 3000, 3000),
    "object_detection": (60, 60, 60),
    "pca": (599, 599, 599),
    "random_cut_forest": (127, 126, 126),
    "semantic_segmentation": (40, 40, 40),
    "seq2seq": (6000, 6000, 6000),
    "xgboost": (6737, 6768, 6685),
}
"""Of each month; pictures are counted as files."""


def table(item: RawObject) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(item.body.decode())))


def month_of(item: RawObject) -> str:
    return next((p for p in item.key.split("/") if p.startswith("month=")), "")


def rows_of(items: list[RawObject]) -> int:
    """Pictures, or lines without the header of a CSV file."""
    pictures = [item for item in items if item.key.endswith(".jpg")] or [
        item for item in items if item.key.endswith(".png")
    ]
    if pictures:
        return len(pictures)
    return sum(item.body.count(b"\n") - item.key.endswith(".csv") for item in items)


@pytest.mark.parametrize("key", samples.keys())
def test_every_row_of_the_catalogue_has_three_months_of_data(key: str) -> None:
    objects = samples.raw_objects(key)
    months = [[o for o in objects if month_of(o) == f"month={month}"] for month in samples.MONTHS]
    assert tuple(map(rows_of, months)) == ROWS[key]


@pytest.mark.parametrize("key", samples.keys())
def test_every_month_lies_below_the_prefix_that_starts_the_loop(key: str) -> None:
    prefix = load_workloads(ROOT / "config", "local", builtin=True)[key].data.trigger_prefix
    for item in samples.raw_objects(key):
        assert item.key.startswith(prefix) == bool(month_of(item)), item.key


@pytest.mark.parametrize("key", samples.keys())
def test_what_a_month_needs_arrives_before_it(key: str) -> None:
    objects = samples.raw_objects(key)
    months = [month_of(item) for item in objects]
    assert months == sorted(months), "what is no month's is first"
    for month in set(months):
        pictures = [o.key.endswith((".png", ".jpg")) for o in objects if month_of(o) == month]
        assert pictures == sorted(pictures), "labels are first"


@pytest.mark.parametrize("key", ["deepar", "ip_insights", "lda", "object_detection", "seq2seq"])
def test_a_data_set_that_is_made_again_has_the_same_bytes(key: str, tmp_path: Path) -> None:
    environment = Environment(ROOT / ".flywheel", REQUIREMENTS, "samples")
    environment.run(["-P", MAKER, key, tmp_path])
    for item in samples.raw_objects(key):
        assert (tmp_path / item.key).read_bytes() == item.body, item.key


@pytest.mark.parametrize(
    ("key", "digest"),
    [
        ("blazingtext_text_classification", "84b607aea029"),
        ("factorization_machines", "ad172d180e73"),
        ("kmeans", "1f392f16d560"),
        ("lda", "4b9336fecb84"),
        ("xgboost", "9478f7084aaf"),
    ],
)
def test_the_data_are_those_that_the_figures_were_measured_on(key: str, digest: str) -> None:
    together = hashlib.sha256()
    for item in samples.raw_objects(key):
        together.update(item.key.encode() + b"\0" + item.body)
    assert together.hexdigest()[:12] == digest


def test_a_persons_years_are_in_one_month() -> None:
    for item in samples.raw_objects("xgboost"):
        answers = [tuple(row.values())[1:] for row in table(item)]
        people = sum(one != other for one, other in itertools.pairwise(answers)) + 1
        assert len(answers) / people > 3, "three to five years each, one below the other"


def test_a_word_and_a_message_are_in_one_month_only() -> None:
    words = [row["word"] for o in samples.raw_objects("object2vec") for row in table(o)]
    assert len(words) == len(set(words))
    messages = [
        (line["language"], line["message"])
        for o in samples.raw_objects("blazingtext_text_classification")
        for line in map(json.loads, o.body.decode().splitlines())
    ]
    assert len(messages) == len(set(messages))


def test_the_vocabulary_knows_nothing_of_later_months() -> None:
    vocabulary, first, *_ = samples.raw_objects("lda")
    words = vocabulary.body.decode().split()
    text = first.body.decode().lower()
    assert len(words) == len(set(words)) == 1000
    assert all(word in text for word in words)


def test_rare_tumours_are_rare() -> None:
    rows = [row for o in samples.raw_objects("random_cut_forest") for row in table(o)]
    assert 0.04 < sum(row["malignant"] == "1" for row in rows) / len(rows) < 0.08


def test_boxes_lie_on_their_pictures() -> None:
    for item in samples.raw_objects("object_detection"):
        if item.key.endswith(".jsonl"):
            for line in map(json.loads, item.body.decode().splitlines()):
                assert line["boxes"]
                for left, top, right, bottom in line["boxes"]:
                    assert 0 <= left < right <= 96
                    assert 0 <= top < bottom <= 72


def test_an_unknown_data_set_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UserError, match=r"sample is kmean; .* The nearest is kmeans\."):
        samples.raw_objects("kmean")


def test_an_interrupted_making_leaves_nothing_that_is_taken_for_complete(tmp_path: Path) -> None:
    samples.raw_objects("kmeans")  # the environment is there
    (tmp_path / "samples").mkdir()
    for folder in (ROOT / ".flywheel").glob("samples-*"):
        (tmp_path / folder.name).symlink_to(folder)
    half = next((ROOT / ".flywheel" / "samples").glob("kmeans-*[0-9a-f]")).name + ".partial"
    (tmp_path / "samples" / half).mkdir()
    (tmp_path / "samples" / half / "rest").touch()
    assert [o.key for o in samples.raw_objects("kmeans", home=tmp_path)] == [
        f"rows/month={month}/rows.csv" for month in samples.MONTHS
    ]
