"""Object2Vec's stand-in. The pairs are Unicode's: the words that name a letter and its capital."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flywheel.algorithms import catalogue
from flywheel.local_aws.images import ImageCatalogue
from flywheel.standins.contract import RefusedError, Request
from flywheel.standins.job import Channel, Job, typed
from flywheel.standins.object2vec.pairs import max_lengths, read_pairs, read_request
from flywheel.standins.object2vec.pretrained import read_vectors
from flywheel.standins.object2vec.settings import encoder_settings
from tests.standins.container import Asked, Container, Input
from tests.standins.jobs import (
    Done,
    Work,
    accepts,
    form_of,
    not_accounted_for,
    run_jobs,
    shape_of,
)

KEY = "object2vec"
JSON, LINES = "application/json", "application/jsonlines"


def capitals() -> tuple[list[str], list[tuple[str, str]]]:
    """The words of all names, and the names of each small letter and of its capital."""
    pairs = []
    for letter in map(chr, range(0x61, 0x2FFF)):
        small, large = unicodedata.name(letter, ""), unicodedata.name(letter.upper()[0], "")
        if " SMALL LETTER " in small and " CAPITAL LETTER " in large:
            pairs.append((small, large))
    words = sorted({word for pair in pairs for name in pair for word in name.split()})
    return words, [pairs[place] for place in np.random.default_rng(0).permutation(len(pairs))]


WORDS, PAIRS = capitals()
TOKENS = {word: number for number, word in enumerate(WORDS, start=1)}
SIZES: dict[str, Any] = {"enc0_max_seq_len": 10, "enc0_vocab_size": len(WORDS) + 1}
SMALL = SIZES | {
    "enc_dim": 32,
    "enc0_token_embedding_dim": 24,
    "mlp_dim": 16,
    "epochs": 8,
    "learning_rate": 0.005,
}
EVERYTHING: dict[str, Any] = SMALL | {
    "bucket_width": 3,
    "comparator_list": "concat, abs_diff",
    "dropout": 0.1,
    "early_stopping_patience": 1,
    "early_stopping_tolerance": 0.1,
    "enc0_network": "hcnn",
    "enc0_cnn_filter_width": 2,
    "enc0_layers": 3,
    "enc0_freeze_pretrained_embedding": "False",
    "enc0_pretrained_embedding_file": "vectors.txt",
    "enc0_vocab_file": "vocab.json",
    "enc1_network": "hcnn",
    "enc1_cnn_filter_width": 3,
    "enc1_layers": 1,
    "enc1_max_seq_len": 9,
    "enc1_token_embedding_dim": 24,
    "enc1_vocab_size": len(WORDS) + 1,
    "enc1_freeze_pretrained_embedding": "True",
    "enc1_pretrained_embedding_file": "vectors.txt",
    "enc1_vocab_file": "vocab.json",
    "epochs": 2,
    "mini_batch_size": 50,
    "mlp_activation": "tanh",
    "mlp_layers": 1,
    "negative_sampling_rate": 1,
    "num_classes": 3,
    "optimizer": "rmsprop",
    "output_layer": "softmax",
    "token_embedding_storage_type": "row_sparse",
    "weight_decay": 0.001,
}
SCORES = SMALL | {
    "output_layer": "mean_squared_error",
    "enc0_network": "bilstm",
    "enc1_network": "pooled_embedding",
    "enc1_token_embedding_dim": 32,
    "enc0_token_embedding_dim": 32,
    "tied_token_embedding_weight": "True",
    "epochs": 2,
    "optimizer": "adadelta",
}


def tokens(name: str) -> list[int]:
    return [TOKENS[word] for word in name.split()]


def lines(start: float, stop: float) -> Input:
    """Every second name of a capital is that of another letter."""
    rows = PAIRS[int(start * len(PAIRS)) : int(stop * len(PAIRS))]
    entries = [
        {
            "label": 1 - place % 2,
            "in0": tokens(small),
            "in1": tokens(rows[(place + 7) % len(rows)][1] if place % 2 else large),
        }
        for place, (small, large) in enumerate(rows)
    ]
    return Input({"a.jsonl": "\n".join(map(json.dumps, entries)).encode()}, LINES)


def channel(folder: Path, files: Mapping[str, str], name: str = "train") -> Channel:
    for file, content in files.items():
        (folder / file).write_text(content)
    return Channel(name, folder, LINES, {}, tuple(folder / file for file in files))


def job(hyperparameters: Mapping[str, Any], channels: Mapping[str, Channel] | None = None) -> Job:
    algorithm = catalogue.find(KEY)
    texts = {name: str(value) for name, value in hyperparameters.items()}
    written, folder = frozenset(texts), Path()
    return Job(algorithm, typed(algorithm, texts), written, channels or {}, folder, folder)


def request(body: object, content_type: str = JSON, **parameters: str) -> Request:
    return Request(json.dumps(body).encode(), content_type, parameters, None)


def test_the_second_encoder_is_like_the_first_where_it_says_nothing_else() -> None:
    first, second = encoder_settings(job(SMALL | {"enc0_layers": 2, "enc0_cnn_filter_width": 5}))
    assert first == second
    assert (first.network, first.layers, first.filter_width, first.dim) == ("hcnn", 2, 5, 32)
    _, own = encoder_settings(job(SMALL | {"enc1_vocab_size": 7, "enc1_max_seq_len": 3}))
    assert (own.vocab_size, own.max_seq_len, own.token_dim) == (7, 3, 24)


def test_auto_is_four_layers_of_a_cnn_and_one_of_a_bilstm() -> None:
    assert encoder_settings(job(SMALL))[0].layers == 4
    assert encoder_settings(job(SMALL | {"enc0_network": "bilstm"}))[0].layers == 1


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"enc1_network": "pooled_embedding"}, "the encodings have 32 and 300 numbers"),
        (
            {"tied_token_embedding_weight": "True", "enc1_vocab_size": 9},
            "enc1_vocab_size is 9; they must be the same",
        ),
    ],
)
def test_encoders_that_do_not_go_together_are_refused(
    hyperparameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(RefusedError, match=message):
        encoder_settings(job(SMALL | hyperparameters))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"label": 1, "in0": [1]}', "in1 of channel train, file a, line 1 must be a list"),
        ('{"label": 1, "in0": [], "in1": [1]}', "in0 of .* must be a list of at least one"),
        ('{"label": 1, "in0": [1], "in1": [9]}', "has the token 9; with enc1_vocab_size = 5"),
        ('{"label": 1, "in0": [-1], "in1": [1]}', "has the token -1"),
        ('{"label": 2, "in0": [1], "in1": [1]}', "label of .* is 2; with num_classes = 2"),
        ('{"label": true, "in0": [1], "in1": [1]}', "label of .* must be a number"),
        ('{"in0": [1], "in1": [1]}', "label of .* must be a number"),
        ("[1]", "is no object"),
        ("", "channel train has no line"),
    ],
)
def test_a_line_that_is_no_pair_is_refused(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        read_pairs(channel(tmp_path, {"a": line}), (5, 5), 2)


def test_scores_may_be_any_number(tmp_path: Path) -> None:
    line = '{"label": -2.5, "in0": [1], "in1": [1, 4]}'
    pairs = read_pairs(channel(tmp_path, {"a": line}), (5, 5), None)
    assert (pairs.labels, pairs.tokens, pairs.lengths()) == ([-2.5], ([[1]], [[1, 4]]), [2])


def test_one_side_asks_for_embeddings_and_a_mixture_is_refused() -> None:
    assert read_request(request({"in1": [1, 2]}, LINES), (5, 5)) == (None, [[1, 2]])
    mixed = {"instances": [{"in0": [1]}, {"in0": [1], "in1": [2]}]}
    bodies: list[Any] = [mixed, {"instances": [{}]}, {"instances": []}]
    for body in (*bodies, {"instances": [{"in0": [7]}]}):
        with pytest.raises(RefusedError):
            read_request(request(body), (5, 5))
    with pytest.raises(RefusedError) as refused:
        read_request(request({}, "text/csv"), (5, 5))
    assert refused.value.status_code == 415


def test_the_content_type_may_say_how_much_is_looked_at() -> None:
    assert max_lengths(request({}, infer_max_seqlens="3, 40"), (9, 9)) == (3, 40)
    assert max_lengths(request({}), (9, 8)) == (9, 8)
    for text in ("3", "0,1", "1,5001", "a,b", "1,2,3"):
        with pytest.raises(RefusedError, match="two whole numbers from 1 to 5000"):
            max_lengths(request({}, infer_max_seqlens=text), (9, 9))


def test_pretrained_vectors_are_those_of_the_vocabularys_words(tmp_path: Path) -> None:
    def read(vectors: str, vocabulary: str = '{"a": 2, "c": 1}') -> dict[int, list[float]]:
        auxiliary = channel(tmp_path, {"v.txt": vectors, "w.json": vocabulary}, "auxiliary")
        given = {
            **{"enc0_max_seq_len": 3, "enc0_vocab_size": 4, "enc0_token_embedding_dim": 2},
            **{"enc0_pretrained_embedding_file": "v.txt", "enc0_vocab_file": "w.json"},
        }
        work = job(given, {"auxiliary": auxiliary})
        found = read_vectors(work, encoder_settings(work)[0])
        return {token: vector.tolist() for token, vector in found.items()}

    assert read("3 2\na 1 2\nb 3 4\nc 5 6.5\n") == {2: [1, 2], 1: [5, 6.5]}
    for vectors, vocabulary in (
        ("a 1 2 3", '{"a": 2}'),
        ("a 1 x", '{"a": 2}'),
        ("a 1 2", '{"a": 4}'),
        ("a 1 2", "[1]"),
    ):
        with pytest.raises(RefusedError):
            read(vectors, vocabulary)


# What follows runs in the environment of the image.

SHORT_AND_LONG = sorted(PAIRS[:40], key=lambda pair: len(pair[0].split()))[::19]
BODY = [{"in0": tokens(small), "in1": tokens(large)} for small, large in SHORT_AND_LONG]
ONE_SIDE = [{"in0": pair["in0"]} for pair in BODY]


def both_forms(rows: list[dict[str, list[int]]], parameters: str = "") -> list[Asked]:
    return [
        Asked(json.dumps({"instances": rows}).encode(), JSON + parameters, LINES),
        Asked("\n".join(map(json.dumps, rows)).encode(), LINES + parameters, JSON),
    ]


ASKED = [
    *both_forms(BODY),
    *both_forms(ONE_SIDE),
    *both_forms(ONE_SIDE, "; infer_max_seqlens=1,1"),
    Asked(json.dumps({"instances": BODY}).encode(), JSON, "text/csv"),
    Asked(json.dumps({"instances": BODY}).encode(), JSON),
    *(Asked(json.dumps(row).encode(), LINES, LINES) for row in (*BODY, *ONE_SIDE)),
]


@pytest.fixture(scope="module")
def works() -> dict[str, Work]:
    three = {"train": lines(0, 0.7), "validation": lines(0.7, 0.85), "test": lines(0.85, 1)}
    vectors = "\n".join(f"{word} {' '.join(['0.5'] * 24)}" for word in WORDS[:50])
    auxiliary = Input(
        {"vectors.txt": vectors.encode(), "vocab.json": json.dumps(TOKENS).encode()}, None
    )
    return {
        "classes": Work(KEY, SMALL, three, ASKED),
        "everything": Work(KEY, EVERYTHING, three | {"auxiliary": auxiliary}),
        "scores": Work(KEY, SCORES, three, ASKED),
        "no perceptron": Work(
            KEY, SCORES | {"mlp_layers": 0, "enc_dim": 32, "optimizer": "sgd"}, three
        ),
        "out of the vocabulary": Work(KEY, SMALL | {"enc0_vocab_size": 5}, three),
        "no vectors": Work(KEY, EVERYTHING, three),
    }


@pytest.fixture(scope="module")
def done(
    images: ImageCatalogue, tmp_path_factory: pytest.TempPathFactory, works: dict[str, Work]
) -> dict[str, Done]:
    container = Container(images.python("object2vec:1"), tmp_path_factory.mktemp("object2vec"))
    return run_jobs(container, works)


@pytest.mark.algorithms
@pytest.mark.xdist_group("standin-torch")
class TestInItsEnvironment:
    def test_pairs_that_belong_together_are_told_from_others(self, done: dict[str, Done]) -> None:
        assert done["classes"].exit_code == 0, done["classes"].failure
        metrics = done["classes"].metrics
        assert metrics["test:accuracy"] > 0.75  # by chance 0.5
        assert metrics["validation:cross_entropy"] < np.log(2)
        assert set(metrics) == {
            f"{name}:{metric}"
            for name in ("validation", "test")
            for metric in ("accuracy", "cross_entropy")
        }

    def test_scores_have_their_own_metric(self, done: dict[str, Done]) -> None:
        for name in ("scores", "no perceptron"):
            assert set(done[name].metrics) == {
                "validation:mean_squared_error",
                "test:mean_squared_error",
            }
            assert done[name].metrics["test:mean_squared_error"] < 0.4

    def test_every_answer_has_the_form_of_the_catalogue(self, done: dict[str, Done]) -> None:
        examples = [(r.accept, r.example) for r in catalogue.find(KEY).inference.responses]
        scores_json, scores_lines = done["classes"].answers[1], done["classes"].answers[0]
        embeddings_json, embeddings_lines = done["classes"].answers[3], done["classes"].answers[2]
        answers = [scores_json, scores_lines, embeddings_json, embeddings_lines]
        for (accept, example), answer in zip(examples, answers, strict=True):
            assert answer.content_type == accept
            assert shape_of(form_of(answer, accept)) == shape_of(example)
        assert set(accepts(KEY)) == {JSON, LINES}

    def test_classes_have_probabilities_and_scores_one_number(self, done: dict[str, Done]) -> None:
        rows = done["classes"].answers[1].json["predictions"]
        assert [sum(row["scores"]) for row in rows] == pytest.approx([1, 1, 1])
        assert [len(row["scores"]) for row in rows] == [2, 2, 2]
        assert [len(row["scores"]) for row in done["scores"].answers[1].json["predictions"]] == [
            1
        ] * 3

    def test_an_embedding_has_the_size_of_the_encoding(self, done: dict[str, Done]) -> None:
        whole, first_word = (done["classes"].answers[n].json["predictions"] for n in (3, 5))
        assert [len(row["embeddings"]) for row in whole] == [32, 32, 32]
        assert whole != first_word
        assert len({tuple(row["embeddings"]) for row in first_word}) <= len(
            {pair["in0"][0] for pair in BODY}
        )

    @pytest.mark.parametrize("name", ["classes", "scores"])
    def test_an_answer_does_not_depend_on_what_else_is_asked(
        self, done: dict[str, Done], name: str
    ) -> None:
        answers = done[name].answers
        together = [*answers[1].json["predictions"], *answers[3].json["predictions"]]
        for row, alone in zip(together, answers[8:], strict=True):
            for field, values in alone.json.items():
                assert row[field] == pytest.approx(values, abs=1e-5)

    def test_another_accept_is_refused_and_none_is_json(self, done: dict[str, Done]) -> None:
        assert done["classes"].answers[6].status == 406
        assert done["classes"].answers[7].json == done["classes"].answers[1].json

    def test_every_hyperparameter_is_used_or_named(
        self, works: dict[str, Work], done: dict[str, Done]
    ) -> None:
        assert done["everything"].exit_code == 0, done["everything"].failure
        assert not_accounted_for(KEY, works, done) == set()
        assert done["everything"].named_without_effect == {"token_embedding_storage_type"}
        assert done["scores"].named_without_effect == {"learning_rate"}
        assert f"enc0: 50 of {len(WORDS) + 1} tokens have a pretrained vector" in (
            done["everything"].log
        )

    def test_bad_jobs_are_the_senders_mistake(self, done: dict[str, Done]) -> None:
        assert "enc0_vocab_size = 5 tokens are 0 to 4" in done["out of the vocabulary"].failure
        assert done["no vectors"].failure.startswith("ClientError: ")
        assert "auxiliary" in done["no vectors"].failure
