"""The Spark jobs of the built-in workloads write what the algorithms take and what judges them."""

from __future__ import annotations

import ast
import base64
import csv
import io
import json
from pathlib import Path

import duckdb
import pytest

from flywheel import samples
from flywheel.settings.workload import ChannelSettings
from flywheel.standins.codecs.image_records import read_image_records
from flywheel.standins.codecs.records import Record, read_records
from tests.workload.builtin.conftest import BEFORE, DAMAGED_FILES, TWICE, Written
from tests.workload.builtin.lake import DAMAGED, KEYS, MONTH, ROOT, Lake, settings

SCRIPTS = sorted((ROOT / "etl_code" / "builtin").glob("*.py"))
GLUE = {
    "double": "DOUBLE",
    "int": "INTEGER",
    "string": "VARCHAR",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
}
LABELLED_CSV = ("knn", "linear_learner_classification", "linear_learner_regression", "xgboost")
UNLABELLED_CSV = ("kmeans", "pca")

pytestmark = pytest.mark.xdist_group("builtin-lake")


def channels(key: str) -> list[tuple[str, ChannelSettings]]:
    """Folder and settings of each channel."""
    given = settings(key).training.channels
    return [(channel.folder or name, channel) for name, channel in given.items()]


def cells(lines: list[str]) -> list[list[str]]:
    return list(csv.reader(lines))


def read_table(lake: Lake, key: str) -> list[dict[str, float]]:
    """The raw rows of the month, as numbers where they are."""
    (item,) = [o for o in samples.raw_objects(key) if f"month={MONTH}/" in o.key]
    rows = csv.DictReader(io.StringIO(item.body.decode()))
    return [{name: float(v) for name, v in row.items() if not v[:1].isalpha()} for row in rows]


@pytest.mark.parametrize("key", KEYS)
def test_every_channel_requests_and_truth_are_there(lake: Lake, key: str) -> None:
    for folder, channel in channels(key):
        if channel.data == "fixed":
            assert list((lake.folder / "features" / key / folder).glob("*.*"))
        else:
            assert lake.files(key, folder)
    assert lake.files(key, "requests")
    assert [file.name for file in lake.files(key, "truth")] == ["part-00000.jsonl"]
    written = {path.name for path in (lake.folder / "features" / key).iterdir()}
    assert written == {*(folder for folder, _ in channels(key)), "requests", "truth"}


@pytest.mark.parametrize("key", KEYS)
def test_three_months_of_files_fit_into_one_listing(lake: Lake, key: str) -> None:
    folders = [folder for folder, channel in channels(key) if channel.data != "fixed"]
    files = sum(len(lake.files(key, folder)) for folder in {*folders, "requests", "truth"})
    assert 3 * files < 500


@pytest.mark.parametrize("key", KEYS)
def test_curated_columns_are_those_of_the_glue_table(lake: Lake, key: str) -> None:
    pattern = lake.folder / "curated" / key / f"month={MONTH}" / "*.parquet"
    with duckdb.connect() as database:
        found = database.execute(f"DESCRIBE SELECT * FROM read_parquet('{pattern}', "
                                 "hive_partitioning=false)").fetchall()  # fmt: skip
    declared = {name: GLUE[kind] for name, kind in settings(key).data.tables.curated.items()}
    assert {row[0]: row[1] for row in found} == declared
    assert [row[0] for row in found] == list(declared)


@pytest.mark.parametrize("key", KEYS)
def test_the_sample_passes_the_data_checks(lake: Lake, key: str) -> None:
    for check in settings(key).checks:
        ((value,),) = lake.curated(key, check.expression)
        assert check.min is None or value >= check.min, check.name
        assert check.max is None or value <= check.max, check.name


@pytest.mark.parametrize("key", DAMAGED_FILES)
def test_a_damaged_delivery_ends_at_the_data_checks(lake: Lake, key: str) -> None:
    failed = set()
    for check in settings(key).checks:
        ((value,),) = lake.curated(key, check.expression, DAMAGED)
        too_low = check.min is not None and (value is None or value < check.min)
        too_high = check.max is not None and (value is None or value > check.max)
        if too_low or too_high:
            failed.add(check.name)
    assert len(failed) > 1, "its few rows are not all that is wrong with it"


def test_a_bad_number_is_null_in_the_curated_zone(lake: Lake) -> None:
    rows = lake.curated("xgboost", "log_coinsurance, log_incentive, poor_health, visits", DAMAGED)
    assert sorted(rows, key=str) == [(4.6, None, 1.0, None), (None, None, None, None)]


@pytest.mark.parametrize("key", LABELLED_CSV)
def test_a_row_is_its_label_and_then_its_features(lake: Lake, key: str) -> None:
    rows = cells(lake.lines(key, "rows"))
    truth = [line["label"] for line in lake.json_lines(key, "truth")]
    if key == "knn":
        requests = [line["features"] for line in lake.json_lines(key, "requests")]
    else:
        requests = [[float(c) for c in row] for row in cells(lake.lines(key, "requests"))]
    assert [float(row[0]) for row in rows] == truth
    assert [[float(cell) for cell in row[1:]] for row in rows] == requests
    feature_dim = settings(key).training.hyperparameters.get("feature_dim", len(requests[0]))
    assert {len(row) for row in requests} == {feature_dim}
    raw = [list(row.values()) for row in read_table(lake, key)]
    label = (lambda row: float(row[0] > 0)) if key == "xgboost" else (lambda row: row[0])
    assert sorted([label(row), *row[1:]] for row in raw) == sorted(
        [float(truth[i]), *map(float, request)] for i, request in enumerate(requests)
    )


@pytest.mark.parametrize("key", UNLABELLED_CSV)
def test_a_row_without_a_label_is_its_own_truth(lake: Lake, key: str) -> None:
    rows = [[float(cell) for cell in row] for row in cells(lake.lines(key, "rows"))]
    assert rows == [line["features"] for line in lake.json_lines(key, "truth")]
    assert lake.lines(key, "rows") == lake.lines(key, "requests")
    assert {len(row) for row in rows} == {settings(key).training.hyperparameters["feature_dim"]}


def test_rows_are_not_in_the_order_of_their_classes(lake: Lake) -> None:
    labels = [line["label"] for line in lake.json_lines("random_cut_forest", "truth")]
    assert 1 in labels[: len(labels) // 2]
    assert labels != sorted(labels)


def test_random_cut_forest_learns_without_labels_and_is_tested_with_them(lake: Lake) -> None:
    labelled = cells(lake.lines("random_cut_forest", "labelled"))
    assert [row[1:] for row in labelled] == cells(lake.lines("random_cut_forest", "unlabelled"))
    truth = [line["label"] for line in lake.json_lines("random_cut_forest", "truth")]
    assert [int(row[0]) for row in labelled] == truth


def counts(record: Record) -> dict[int, float]:
    """Column → number of a sparse record."""
    tensor = record.features["values"]
    assert tensor.keys is not None
    return dict(zip(map(int, tensor.keys), map(float, tensor.values), strict=True))


def test_a_flight_is_a_sparse_record_of_what_was_known_beforehand(lake: Lake) -> None:
    records = read_records(lake.body("factorization_machines", "records"))
    requests = read_records(lake.body("factorization_machines", "requests"))
    truth = [line["label"] for line in lake.json_lines("factorization_machines", "truth")]
    assert [int(record.label["values"].values[0]) for record in records] == truth
    assert {tuple(record.features["values"].shape) for record in requests} == {(4096,)}
    for record, request in zip(records, requests, strict=True):
        assert counts(record) == counts(request)
        assert not request.label
        assert 4 <= len(request.features["values"].values) <= 5
    landed = lake.curated("factorization_machines", "count(late), sum(late)")
    assert landed == [(len(truth), sum(truth))]
    sizes = [
        len(read_records(f.read_bytes())) for f in lake.files("factorization_machines", "requests")
    ]
    assert max(sizes) == 5000, "one file is one request"


def test_a_document_is_its_counted_words(lake: Lake) -> None:
    dense = [list(map(int, row)) for row in cells(lake.lines("lda", "counts"))]
    sparse = [counts(record) for record in read_records(lake.body("ntm", "counts"))]
    assert [{i: n for i, n in enumerate(row) if n} for row in dense] == sparse
    assert lake.lines("lda", "counts") == lake.lines("ntm", "requests")
    assert {len(row) for row in dense} == {1000}
    vocabulary = (lake.folder / "features/ntm/vocabulary/vocab.txt").read_text().split()
    texts = lake.curated("lda", "article, lower(text)")
    truth = [line["group"] for line in lake.json_lines("lda", "truth")]
    assert truth == [article for article, _ in texts]
    for (_, text), row in zip(texts[:20], dense, strict=False):
        for column, number in enumerate(row):
            if number:
                assert text.count(vocabulary[column]) >= number


def test_a_message_is_a_line_of_words_behind_its_label(lake: Lake) -> None:
    key = "blazingtext_text_classification"
    lines = [line.split(" ", 1) for line in lake.lines(key, "lines")]
    assert [label for label, _ in lines] == [row["label"] for row in lake.json_lines(key, "truth")]
    asked = [row["source"] for row in lake.json_lines(key, "requests")]
    assert [text for _, text in lines] == asked
    assert all(text == " ".join(text.lower().split()) for text in asked)
    assert {label for label, _ in lines} == {
        f"__label__{name}" for name in ("de", "es", "fr", "it", "nl", "pl", "pt", "sv")
    }


def test_every_judged_word_is_asked_once_and_known_from_the_text(lake: Lake) -> None:
    key = "blazingtext_word2vec"
    asked = [line["source"] for line in lake.json_lines(key, "requests")]
    judged = {word for line in lake.json_lines(key, "truth") for word in line["words"]}
    words = lake.body(key, "lines").decode().split()
    assert asked == sorted(judged)
    assert len(asked) > 100
    assert all(words.count(word) >= 3 for word in asked)
    assert all(line["words"][0] != line["words"][1] for line in lake.json_lines(key, "truth"))


@pytest.mark.parametrize("key", ["ip_insights", "object2vec"])
def test_half_of_the_questions_are_wrong_pairs(lake: Lake, key: str) -> None:
    labels = [line["label"] for line in lake.json_lines(key, "truth")]
    assert sum(labels) == len(labels) / 2
    requests = lake.lines(key, "requests")
    assert len(requests) == len(labels)
    assert len(set(requests)) == len(requests)


def test_a_wrong_address_is_never_one_of_the_same_country(lake: Lake) -> None:
    seen = set(lake.lines("ip_insights", "events"))
    labels = [line["label"] for line in lake.json_lines("ip_insights", "truth")]
    for request, label in zip(lake.lines("ip_insights", "requests"), labels, strict=True):
        assert (request in seen) == (label == 1)


def test_a_word_and_its_sounds_are_numbers(lake: Lake) -> None:
    pairs = lake.json_lines("object2vec", "pairs")
    given = settings("object2vec").training.hyperparameters
    for pair, request in zip(pairs, lake.json_lines("object2vec", "requests"), strict=True):
        assert {"label": pair["label"], **request} == pair
        assert 0 < min(pair["in0"]) <= max(pair["in0"]) < given["enc0_vocab_size"]
        assert 0 < min(pair["in1"]) <= max(pair["in1"]) < given["enc1_vocab_size"]
        assert len(pair["in0"]) <= given["enc0_max_seq_len"]
        assert len(pair["in1"]) <= given["enc1_max_seq_len"]


def test_sequences_are_numbers_of_the_vocabularies(lake: Lake) -> None:
    folder = lake.folder / "features/seq2seq/vocabulary"
    source, target = (
        {number: token for token, number in json.loads((folder / name).read_text()).items()}
        for name in ("vocab.src.json", "vocab.trg.json")
    )
    records = read_records(lake.body("seq2seq", "pairs"))
    truth = lake.json_lines("seq2seq", "truth")
    assert len(records) == 6000
    for record, line in zip(records, truth, strict=False):
        assert " ".join(source[n] for n in record.features["source"].values) == line["source"]
        assert " ".join(target[n] for n in record.features["target"].values) == line["target"]
    asked = [line["source"] for line in lake.json_lines("seq2seq", "requests")]
    assert asked == [line["source"] for line in truth]
    given = settings("seq2seq").training.hyperparameters
    assert max(len(line["source"].split()) for line in truth) <= given["max_seq_len_source"]
    assert max(len(line["target"].split()) for line in truth) <= given["max_seq_len_target"]


def test_a_request_knows_the_hours_before_those_that_it_asks_for(lake: Lake) -> None:
    series = {tuple(line["cat"]): line for line in lake.json_lines("deepar", "series")}
    assert [line["start"] for line in series.values()] == [f"{MONTH}-01 05:00:00"] * 3
    requests, truth = lake.json_lines("deepar", "requests"), lake.json_lines("deepar", "truth")
    for request, line in zip(requests, truth, strict=True):
        target = series[tuple(request["cat"])]["target"]
        known = len(request["target"])
        assert known >= 7 * 24
        assert request["target"] == target[:known]
        wanted = [None if value == "NaN" else value for value in target[: known + 24]]
        assert line == {"target": wanted[known:], "season": wanted[known - 24 : known]}
    assert len(requests) == 36


def test_pictures_are_packed_with_their_class(lake: Lake) -> None:
    images = read_image_records(lake.body("image_classification", "images"))
    truth = lake.json_lines("image_classification", "truth")
    requests = lake.files("image_classification", "requests")
    assert len(images) == 150
    assert [file.name for file in requests] == [line["file"] for line in truth]
    for image, request, line in zip(images, requests, truth, strict=False):
        assert image.labels == (line["label"],)
        assert image.image == request.read_bytes()


def test_pictures_are_packed_with_their_boxes(lake: Lake) -> None:
    images = read_image_records(lake.body("object_detection", "images"))
    truth = lake.json_lines("object_detection", "truth")
    requests = lake.files("object_detection", "requests")
    assert (len(images), len(requests)) == (60, 30)
    for image, request, line in zip(images, requests, truth, strict=False):
        numbers = [2, 5, *(value for box in line["boxes"] for value in box)]
        assert image.labels == pytest.approx(numbers)
        assert image.image == request.read_bytes()
        assert request.name == line["file"]
        assert all(0 <= v <= 1 for box in line["boxes"] for v in box[1:])


def test_a_picture_has_its_mask_beside_it(lake: Lake) -> None:
    images, masks = (lake.files("semantic_segmentation", f) for f in ("images", "masks"))
    assert [file.stem for file in images] == [file.stem for file in masks]
    truth = lake.json_lines("semantic_segmentation", "truth")
    requests = lake.files("semantic_segmentation", "requests")
    assert len(requests) == 20
    for request, image, mask, line in zip(requests, images, masks, truth, strict=False):
        assert request.name == line["file"] == image.name
        assert request.read_bytes() == image.read_bytes()
        assert base64.b64decode(line["mask"]) == mask.read_bytes()


@pytest.mark.parametrize("key", TWICE)
def test_a_retry_and_another_month_leave_a_month_as_it_was(written: Written, key: str) -> None:
    features = written.lake.folder / "features" / key
    before = [path for path in (written.first / key).rglob("*") if path.is_file()]
    assert before
    for path in before:
        assert (features / path.relative_to(written.first / key)).read_bytes() == path.read_bytes()
    folder = settings(key).training.channels["train"].folder or "train"
    assert written.lake.body(key, folder, BEFORE)
    assert written.lake.body(key, folder, BEFORE) != written.lake.body(key, folder)


def test_a_workload_that_the_script_does_not_know_is_told_what_to_do(written: Written) -> None:
    assert written.unknown == (
        "The workload is my_table; this script knows kmeans, knn, linear_learner_classification, "
        "linear_learner_regression, pca, random_cut_forest, xgboost. Add a line for it to the "
        "table at the script's top, or name another script in etl.script."
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_run_on_the_python_of_emr(script: Path) -> None:
    ast.parse(script.read_text(), feature_version=(3, 9))
