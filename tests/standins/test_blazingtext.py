"""BlazingText's stand-in: word vectors, and labels of sentences. All text is real, gensim's own."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flywheel.local_aws.images import ImageCatalogue
from flywheel.standins.blazingtext import similarity
from flywheel.standins.blazingtext.requests import Text, read_texts, write_answers
from flywheel.standins.blazingtext.text import (
    labels_of,
    read_labelled,
    read_sentences,
    without_labels,
)
from flywheel.standins.codecs.recordio import write_frames
from flywheel.standins.contract import RefusedError, Request
from flywheel.standins.job import Channel
from flywheel.standins.ranking import area_under_roc, mean_ranks, spearman
from tests.standins.container import Answer, Asked, Container, Input
from tests.standins.jobs import Done, Work, not_accounted_for, run_jobs

WORDS, SENTENCES = "blazingtext_word2vec", "blazingtext_text_classification"
JSON, LINES = "application/json", "application/jsonlines"
SMALL: dict[str, Any] = {"vector_dim": 30, "min_count": 2}
EVERY_WORD_SETTING = SMALL | {
    "mode": "cbow",
    "epochs": 1,
    "evaluation": "False",
    "buckets": 1000,
    "min_char": 2,
    "max_char": 4,
    "learning_rate": 0.1,
    "negative_samples": 3,
    "sampling_threshold": 0.001,
    "subwords": "True",
    "window_size": 3,
}
LABELLING = {
    "mode": "supervised",
    "vector_dim": 20,
    "buckets": 5000,
    "min_count": 1,
    "word_ngrams": 2,
    "learning_rate": 0.5,
    "epochs": 15,
}
STOPPING: dict[str, Any] = LABELLING | {
    "early_stopping": "True",
    "patience": 2,
    "min_epochs": 3,
    "epochs": 30,
}


def channel(folder: Path, data: bytes, content_type: str | None = "text/plain") -> Channel:
    path = folder / "a.txt"
    path.write_bytes(data)
    return Channel("train", folder, content_type, {}, (path,))


def request(body: object, content_type: str = JSON) -> Request:
    return Request(json.dumps(body).encode(), content_type, {}, None)


def test_a_line_is_a_sentence_and_empty_lines_are_none(tmp_path: Path) -> None:
    data = "one two\n\nthree\u2028four\r\n".encode()
    assert read_sentences(channel(tmp_path, data)) == ["one two", "three\u2028four\r"]
    with pytest.raises(RefusedError, match="channel train has no sentence"):
        read_sentences(channel(tmp_path, b"\n\n"))
    with pytest.raises(RefusedError, match=r"file a.txt: byte 0 is no UTF-8"):
        read_sentences(channel(tmp_path, b"\xff"))


def test_labels_may_stand_anywhere_in_a_line(tmp_path: Path) -> None:
    (line,) = read_labelled(channel(tmp_path, b"good __label__b film __label__a"))
    assert labels_of(line) == {"__label__a", "__label__b"}
    assert without_labels(line) == "good film"


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({"source": "a  b", "label": 1}, "__label__1 a b"),
        ({"source": "a", "label": [1, 3]}, "__label__1 __label__3 a"),
        ({"source": "a", "label": "__label__x"}, "__label__x a"),
    ],
)
def test_an_augmented_manifest_is_read_as_lines_and_as_what_a_pipe_gives(
    tmp_path: Path, entry: dict[str, object], line: str
) -> None:
    as_lines = json.dumps(entry).encode()
    assert read_labelled(channel(tmp_path, as_lines, LINES)) == [line]
    label = entry["label"]
    value = label if isinstance(label, str) else json.dumps(label)
    frames = write_frames([str(entry["source"]).encode(), value.encode()])
    assert read_labelled(channel(tmp_path, frames, LINES)) == [line]


@pytest.mark.parametrize(
    ("data", "content_type", "message"),
    [
        (b"no label here", "text/plain", "no line of channel train has a label"),
        (b'{"source": 3, "label": 1}', LINES, "line 1 of channel train must be"),
        (b'{"source": "a", "label": "two words"}', LINES, "line 1 of channel train must be"),
        (b"[1]", LINES, "line 1 of channel train must be"),
    ],
)
def test_what_has_no_labels_is_refused(
    tmp_path: Path, data: bytes, content_type: str, message: str
) -> None:
    with pytest.raises(RefusedError, match=message):
        read_labelled(channel(tmp_path, data, content_type))


def test_k_stands_in_the_configuration_or_in_each_line() -> None:
    body = {"instances": ["a b", "c"], "configuration": {"k": 2}}
    assert read_texts(request(body)) == [Text("a b", 2), Text("c", 2)]
    assert read_texts(request({"source": "a", "k": 3}, LINES)) == [Text("a", 3)]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ({"instances": []}, JSON, 400),
        ({"instances": [1]}, JSON, 400),
        ({"instances": ["a"], "configuration": {"k": 0}}, JSON, 400),
        ({"instances": ["a"], "configuration": [2]}, JSON, 400),
        ({"source": "a", "k": True}, LINES, 400),
        ({"text": "a"}, LINES, 400),
        ({"instances": ["a"]}, "text/csv", 415),
    ],
)
def test_other_requests_are_refused(body: object, content_type: str, status: int) -> None:
    with pytest.raises(RefusedError) as refused:
        read_texts(request(body, content_type))
    assert refused.value.status_code == status


def test_an_accept_other_than_the_content_type_is_passed_over() -> None:
    asked = Request(b"", LINES, {}, JSON)
    assert write_answers([{"label": ["__label__1"]}], asked).content_type == LINES


def test_ranks_of_equal_values_are_their_mean() -> None:
    assert mean_ranks(np.array([5.0, 1, 5, 9])).tolist() == [2.5, 1, 2.5, 4]


@given(st.lists(st.floats(-9, 9), min_size=2, max_size=30))
def test_a_rank_correlation_is_one_with_itself_and_none_without_differences(
    values: list[float],
) -> None:
    array = np.array(values)
    expected = 1.0 if len(set(values)) > 1 else 0.0
    assert spearman(array, array) == pytest.approx(expected)
    assert spearman(array, -array) == pytest.approx(-expected)


def test_the_area_under_the_curve_counts_ties_half() -> None:
    assert area_under_roc(np.array([2.0, 3]), np.array([1.0, 0])) == 1
    assert area_under_roc(np.array([1.0]), np.array([1.0, 0])) == 0.75


def test_pairs_with_unknown_words_do_not_count_and_are_named() -> None:
    vectors = {"tiger": [1.0, 0], "cat": [0.9, 0.1], "car": [0, 1.0]}
    pairs = [("Tiger", "cat", 7.0), ("tiger", "car", 1.0), ("tiger", "Mars", 3.0)]
    found = similarity.agreement(
        pairs, dict.fromkeys(vectors, 0), lambda word: np.array(vectors[word])
    )
    assert found == similarity.Agreement(1.0, 2, ("Mars",))


# What follows runs in the environment of the image.


@pytest.fixture(scope="module")
def text(images: ImageCatalogue, tmp_path_factory: pytest.TempPathFactory) -> Container:
    return Container(images.python("blazingtext:1"), tmp_path_factory.mktemp("text"))


def gensims(text: Container, name: str) -> str:
    folder = next(text.python.parents[1].glob("lib/python3*/site-packages/gensim/test/test_data"))
    return (folder / name).read_text(encoding="utf-8", errors="ignore")


def labelled(text: Container) -> tuple[bytes, bytes, bytes]:
    """Analogies with the kind that they are of, for training and validation; and a manifest."""
    kind, lines = "", []
    for line in gensims(text, "questions-words.txt").splitlines():
        if line.startswith(":"):
            kind = line[2:].strip()
        else:
            lines.append((kind, line.lower()))
    chosen = [lines[place] for place in np.random.default_rng(0).permutation(len(lines))[:2500]]
    parts = chosen[:2000], chosen[2000:]
    train, validation = (
        "\n".join(f"__label__{kind} {line}" for kind, line in part).encode() for part in parts
    )
    manifest = "\n".join(json.dumps({"source": line, "label": kind}) for kind, line in parts[0])
    return train, validation, manifest.encode()


SENTENCES_ASKED = ["athens greece oslo norway", "walk walked go went"]
REQUESTS = [
    Asked(json.dumps({"instances": SENTENCES_ASKED}).encode(), JSON, JSON),
    Asked(json.dumps({"instances": SENTENCES_ASKED, "configuration": {"k": 3}}).encode(), JSON),
    Asked("\n".join(json.dumps({"source": s}) for s in SENTENCES_ASKED).encode(), LINES, JSON),
    Asked(json.dumps({"source": SENTENCES_ASKED[0] + "\nand more", "k": 2}).encode(), LINES),
    Asked(b'{"instances": [""], "configuration": {"k": 99}}', JSON),
]
WORDS_ASKED = [
    Asked(b'{"instances": ["government", "zzzz"]}', JSON, JSON),
    Asked(b'{"source": "government"}\n{"source": "zzzz"}\n', LINES),
]


@pytest.fixture(scope="module")
def works(text: Container) -> dict[str, Work]:
    lee = gensims(text, "lee_background.cor").lower()
    plain = "\n".join(" ".join(re.findall("[a-z']+", line)) for line in lee.splitlines()).encode()
    corpus = {"train": Input({"a.txt": plain}, "text/plain")}
    train, validation, manifest = labelled(text)
    lines = {
        "train": Input({"a.txt": train}, "text/plain"),
        "validation": Input({"a.txt": validation}, "text/plain"),
    }
    pipe = lines | {"train": Input({"a.jsonl": manifest}, LINES, "Pipe")}
    return {
        "words": Work(WORDS, SMALL | {"mode": "skipgram", "epochs": 15}, corpus, WORDS_ASKED),
        "parts of words": Work(WORDS, EVERY_WORD_SETTING, corpus, WORDS_ASKED),
        "in batches": Work(
            WORDS, SMALL | {"mode": "batch_skipgram", "epochs": 1, "batch_size": 15}, corpus
        ),
        "rare": Work(WORDS, {"mode": "cbow", "min_count": 100_000}, corpus),
        "labels": Work(SENTENCES, LABELLING, lines, REQUESTS),
        "stopped": Work(SENTENCES, STOPPING, lines),
        "manifest": Work(SENTENCES, LABELLING, pipe),
        "no labels": Work(SENTENCES, LABELLING, corpus),
        "diverges": Work(SENTENCES, LABELLING | {"learning_rate": 1e30}, lines),
    }


@pytest.fixture(scope="module")
def done(text: Container, works: dict[str, Work]) -> dict[str, Done]:
    return run_jobs(text, works)


def json_of(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status == 200, answer.body
    rows: list[dict[str, Any]] = (
        answer.json
        if answer.content_type == JSON
        else [json.loads(line) for line in answer.body.splitlines()]
    )
    return rows


@pytest.mark.algorithms
@pytest.mark.xdist_group("standin-text")
class TestInItsEnvironment:
    def test_word_vectors_agree_with_people(self, done: dict[str, Done]) -> None:
        trained = done["words"]
        assert trained.exit_code == 0, trained.failure
        assert trained.metrics["train:mean_rho"] > 0.1  # vectors by chance have 0
        evaluation = json.loads((trained.model_dir / "eval.json").read_text())
        assert evaluation["mean_rho"] == trained.metrics["train:mean_rho"]
        found = evaluation["WS-353"]
        assert found["num_pairs"] == 353
        assert 100 < found["num_pairs_found"] < 353
        assert found["num_words_not_found"] == len(found["words_not_found"])

    def test_the_vectors_are_a_text_that_other_tools_read_and_fasttexts_own(
        self, done: dict[str, Done]
    ) -> None:
        folder = done["words"].model_dir
        size, *lines = (folder / "vectors.txt").read_text(encoding="utf-8").splitlines()
        assert size == f"{len(lines)} {SMALL['vector_dim']}"
        assert all(len(line.split(" ")) == 1 + SMALL["vector_dim"] for line in lines)
        assert "the" in [line.split(" ")[0] for line in lines[:3]]
        magic = struct.unpack("<i", (folder / "vectors.bin").read_bytes()[:4])
        assert magic == (793712314,)  # Source: fastText, src/fasttext.cc

    def test_words_are_answered_with_their_vectors_and_unknown_ones_with_zeros(
        self, done: dict[str, Done]
    ) -> None:
        for answer in done["words"].answers:
            known, unknown = json_of(answer)
            assert (known["word"], unknown["word"]) == ("government", "zzzz")
            assert len(known["vector"]) == SMALL["vector_dim"]
            assert any(known["vector"])
            assert not any(unknown["vector"])

    def test_subwords_give_unknown_words_a_vector(self, done: dict[str, Done]) -> None:
        for answer in done["parts of words"].answers:
            assert any(json_of(answer)[1]["vector"])

    def test_without_evaluation_there_is_neither_metric_nor_file(
        self, done: dict[str, Done]
    ) -> None:
        assert done["parts of words"].metrics == {}
        assert not (done["parts of words"].model_dir / "eval.json").exists()

    def test_labels_are_found_and_the_most_probable_come_first(self, done: dict[str, Done]) -> None:
        assert done["labels"].metrics["validation:accuracy"] > 0.9  # the largest kind has 0.24
        one, three, lines, two, unknown = map(json_of, done["labels"].answers)
        assert one == lines
        assert [len(row["label"]) for row in three] == [3, 3]
        assert len(two[0]["label"]) == 2
        assert [row["label"][0] for row in three] == [row["label"][0] for row in one]
        assert one[0]["label"][0].startswith("__label__capital")
        for row in [*one, *three, *two, *unknown]:
            numbers = [float(value) for value in row["prob"]]
            assert numbers == sorted(numbers, reverse=True)
            assert 0 <= min(numbers) <= max(numbers) <= 1
        assert len(unknown[0]["label"]) == 14  # all there are

    def test_early_stopping_keeps_the_best_epoch(self, done: dict[str, Done]) -> None:
        reached = [float(x) for x in re.findall(r"accuracy (0\.\d+)\n", done["stopped"].log)]
        assert 3 <= len(reached) < 28
        assert done["stopped"].metrics["validation:accuracy"] == pytest.approx(
            max(reached), abs=1e-4
        )
        assert reached.index(max(reached)) == len(reached) - 1 - STOPPING["patience"]

    def test_a_manifest_teaches_what_the_lines_do(self, done: dict[str, Done]) -> None:
        assert done["manifest"].metrics == done["labels"].metrics

    def test_every_hyperparameter_is_used_or_named(
        self, works: dict[str, Work], done: dict[str, Done]
    ) -> None:
        for key in (WORDS, SENTENCES):
            own = {name: work for name, work in works.items() if work.key == key}
            assert not_accounted_for(key, own, done) == set()
        assert done["in batches"].named_without_effect == {"batch_size"}

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("rare", "no word occurs min_count = 100000 times"),
            ("no labels", "no line of channel train has a label"),
            ("diverges", "diverges with learning_rate = 1e+30"),
        ],
    )
    def test_bad_jobs_are_the_senders_mistake(
        self, done: dict[str, Done], name: str, message: str
    ) -> None:
        assert done[name].failure.startswith("ClientError: ")
        assert message in done[name].failure
