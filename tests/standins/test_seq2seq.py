"""Sequence-to-Sequence's stand-in, on real words: letter by letter into the cipher ROT13."""

from __future__ import annotations

import codecs
import json
import math
import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flywheel.algorithms import catalogue
from flywheel.local_aws.images import ImageCatalogue
from flywheel.standins.codecs.records import Record, Tensor, read_records, write_records
from flywheel.standins.contract import RefusedError, Request
from flywheel.standins.job import Channel
from flywheel.standins.seq2seq.bleu import corpus_bleu
from flywheel.standins.seq2seq.pairs import Asked as Sequence
from flywheel.standins.seq2seq.pairs import read_pairs, read_request
from flywheel.standins.seq2seq.schedule import Schedule
from flywheel.standins.seq2seq.vocabulary import Vocabulary, read_vocabularies
from tests.standins.container import Asked, Container, Input
from tests.standins.jobs import Done, Work, not_accounted_for, run_jobs, shape_of

KEY = "seq2seq"
JSON, LINES, RECORDS = (
    "application/json",
    "application/jsonlines",
    "application/x-recordio-protobuf",
)
SYMBOLS = ("<pad>", "<unk>", "<s>", "</s>")
SMALL: dict[str, Any] = {
    "rnn_num_hidden": 48,
    "num_embed_source": 32,
    "num_embed_target": 32,
    "max_seq_len_source": 7,
    "max_seq_len_target": 7,
    "batch_size": 32,
    "learning_rate": 0.01,
    "max_num_epochs": 5,
    "beam_size": 2,
}
OPTIMIZED = SMALL | {"optimized_metric": "bleu", "checkpoint_frequency_num_batches": 35}
EVERY_RNN_SETTING = SMALL | {
    "bleu_sample_size": 10,
    "bucket_width": 3,
    "bucketing_enabled": "false",
    "checkpoint_frequency_num_batches": 5,
    "checkpoint_threshold": 1,
    "clip_gradient": -1,
    "decoder_type": "rnn",
    "embed_dropout_source": 0.1,
    "embed_dropout_target": 0.1,
    "encoder_type": "rnn",
    "fixed_rate_lr_half_life": 2,
    "loss_type": "cross-entropy",
    "lr_scheduler_type": "fixed_rate_inv_sqrt_t",
    "max_num_batches": 12,
    "min_num_epochs": 1,
    "momentum": 0.5,
    "num_layers_decoder": 3,
    "num_layers_encoder": 3,
    "optimized_metric": "accuracy",
    "optimizer_type": "sgd",
    "rnn_attention_in_upper_layers": "true",
    "rnn_attention_num_hidden": 20,
    "rnn_attention_type": "bilinear",
    "rnn_cell_type": "gru",
    "rnn_decoder_hidden_dropout": 0.1,
    "rnn_decoder_state_init": "avg",
    "rnn_first_residual_layer": 2,
    "rnn_residual_connections": "true",
    "training_metric": "accuracy",
    "weight_decay": 0.001,
    "weight_init_scale": 0.1,
    "weight_init_type": "uniform",
    "xavier_factor_type": "avg",
}
EVERY_CNN_SETTING = SMALL | {
    "encoder_type": "cnn",
    "decoder_type": "cnn",
    "cnn_activation_type": "glu",
    "cnn_hidden_dropout": 0.1,
    "cnn_kernel_width_decoder": 3,
    "cnn_kernel_width_encoder": 4,
    "cnn_num_hidden": 32,
    "num_layers_encoder": 2,
    "num_layers_decoder": 2,
    "learning_rate": 0.003,
    "max_num_epochs": 5,
}
UNLIMITED = {name: value for name, value in SMALL.items() if name != "max_num_epochs"} | {
    "bucket_width": 2,
    "checkpoint_frequency_num_batches": 3,
    "checkpoint_threshold": 1,
    "min_num_epochs": 1,
    "lr_scheduler_type": "plateau_reduce",
    "plateau_reduce_lr_factor": 0.5,
    "plateau_reduce_lr_threshold": 1,
    "optimizer_type": "rmsprop",
    "learning_rate": 0.02,
    "max_num_batches": 400,
    "rnn_attention_type": "dot",
    "rnn_decoder_state_init": "zero",
}


def words() -> list[tuple[str, str]]:
    """Words of Unicode's names, their letters with spaces between, in an order of chance."""
    named = (unicodedata.name(chr(code), "") for code in range(0x2FFFF))
    found = sorted({word for name in named for word in name.split() if word.isalpha()})
    short = [" ".join(word) for word in found if 3 <= len(word) <= 6]
    chosen = np.random.default_rng(0).permutation(len(short))[:1600]
    return [(short[place], codecs.encode(short[place], "rot13")) for place in chosen]


PAIRS = words()


def vocabulary(side: int) -> Vocabulary:
    letters = sorted({letter for pair in PAIRS for letter in pair[side].split()})
    return Vocabulary({token: number for number, token in enumerate([*SYMBOLS, *letters])})


SOURCE, TARGET = vocabulary(0), vocabulary(1)


def record(source: list[int], target: list[int] | None = None) -> Record:
    tensors = {"source": source} | ({} if target is None else {"target": target})
    return Record({name: Tensor(np.array(values, np.int32)) for name, values in tensors.items()})


def input_of(start: float, stop: float) -> Input:
    rows = PAIRS[int(start * len(PAIRS)) : int(stop * len(PAIRS))]
    data = write_records(record(SOURCE.encode(a), TARGET.encode(b)) for a, b in rows)
    return Input({"a.rec": data}, RECORDS)


def channel(folder: Path, name: str, files: dict[str, bytes]) -> Channel:
    for file, data in files.items():
        (folder / file).write_bytes(data)
    return Channel(name, folder, RECORDS, {}, tuple(folder / file for file in files))


def request(body: object, content_type: str = JSON) -> Request:
    return Request(json.dumps(body).encode(), content_type, {}, None)


def test_bleu_is_one_for_the_same_and_less_for_what_is_too_short_or_in_another_order() -> None:
    expected = [[1, 2, 3, 4, 5, 6]]
    assert corpus_bleu(expected, expected) == 1
    assert corpus_bleu([[1, 2, 3, 4]], expected) == pytest.approx(math.exp(1 - 6 / 4))
    assert corpus_bleu([[6, 5, 4, 3, 2, 1]], expected) == 0
    # 5 of 6, 4 of 5, 3 of 4 and 2 of 3 in a row are found.
    assert corpus_bleu([[1, 2, 3, 4, 5, 9]], expected) == pytest.approx(
        (5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** 0.25
    )
    assert corpus_bleu([[]], [[1]]) == 0


def test_learning_rates_halve_at_their_half_life_and_on_a_plateau() -> None:
    def schedule(kind: str) -> Schedule:
        return Schedule(kind, 0.8, factor=0.5, threshold=2, half_life=4)

    for kind in ("fixed_rate_inv_t", "fixed_rate_inv_sqrt_t"):
        assert schedule(kind).rate(0) == 0.8
        assert schedule(kind).rate(4) == pytest.approx(0.4)
    plateau = schedule("plateau_reduce")
    rates = []
    for is_better in (True, False, False, False, True, False, False):
        plateau.after_checkpoint(is_better=is_better)
        rates.append(plateau.rate(9))
    assert rates == pytest.approx([0.8, 0.8, 0.4, 0.4, 0.4, 0.4, 0.2])


def test_unknown_words_have_a_number_of_their_own() -> None:
    assert SOURCE.encode("A never") == [SOURCE.numbers["A"], 1]
    assert SOURCE.decode(SOURCE.encode("A  B")) == "A B"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[1]", "must be a JSON object of tokens and numbers"),
        (b"{", "must be a JSON object of tokens and numbers"),
        (b'{"<pad>": 0, "a": 2}', "must be 0, 1, 2 and so on"),
        (b'{"<pad>": 0, "<unk>": 1, "<s>": 2}', "has no </s>"),
    ],
)
def test_a_file_that_is_no_vocabulary_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        read_vocabularies(
            channel(tmp_path, "vocab", {"vocab.src.json": data, "vocab.trg.json": data})
        )
    with pytest.raises(RefusedError, match=r"channel vocab has no file vocab.trg.json"):
        read_vocabularies(channel(tmp_path, "vocab", {"vocab.src.json": data}))


def test_records_of_other_forms_are_refused_and_empty_ones_passed_over(tmp_path: Path) -> None:
    def read(*records: Record) -> list[tuple[list[int], list[int]]]:
        data = {"a.rec": write_records(records)}
        return read_pairs(channel(tmp_path, "train", data), SOURCE, TARGET)

    assert read(record([5, 6], [7]), record([5], [])) == [([5, 6], [7])]
    fractions = Record({"source": Tensor(np.array([1.5], np.float32))})
    for bad, message in {
        "no feature target": record([5]),
        "must be int32 numbers, not float32": fractions,
        "has the number 9999": record([9999], [4]),
        "has no pair of sequences": record([5], []),
    }.items():
        with pytest.raises(RefusedError, match=bad):
            read(message)


def test_requests_are_read_in_every_form_of_the_catalogue() -> None:
    numbers = SOURCE.encode("A B")
    configured = {"data": "A B", "configuration": {"attention_matrix": "true"}}
    assert read_request(request({"instances": [{"data": "A B"}, configured]}), SOURCE) == [
        Sequence(numbers),
        Sequence(numbers, with_attention=True),
    ]
    assert read_request(request({"source": "A B"}, LINES), SOURCE) == [Sequence(numbers)]
    record = Record({"source": Tensor(np.array(numbers, np.int32))})
    body = Request(write_records([record]), RECORDS, {}, None)
    assert read_request(body, SOURCE) == [Sequence(numbers)]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ({"instances": []}, JSON, 400),
        ({"instances": [{"data": ""}]}, JSON, 400),
        ({"instances": [{"source": "a"}]}, JSON, 400),
        ({"instances": [{"data": "a", "configuration": 1}]}, JSON, 400),
        ({"data": "a"}, LINES, 400),
        ("a", RECORDS, 400),
        ("a", "text/plain", 415),
    ],
)
def test_other_requests_are_refused(body: object, content_type: str, status: int) -> None:
    with pytest.raises(RefusedError) as refused:
        read_request(request(body, content_type), SOURCE)
    assert refused.value.status_code == status


# What follows runs in the environment of the image.

HELD_OUT = PAIRS[int(0.85 * len(PAIRS)) :]
TEXTS = [source for source, _ in HELD_OUT]
ASKED = [
    Asked(json.dumps({"instances": [{"data": text} for text in TEXTS]}).encode(), JSON, LINES),
    Asked("\n".join(json.dumps({"source": text}) for text in TEXTS).encode(), LINES, LINES),
    Asked(write_records(record(SOURCE.encode(text)) for text in TEXTS), RECORDS, RECORDS),
    Asked(
        json.dumps(
            {"instances": [{"data": TEXTS[0], "configuration": {"attention_matrix": "true"}}]}
        ).encode(),
        JSON,
    ),
    Asked(json.dumps({"instances": [{"data": "not a word of it " * 9}]}).encode(), JSON),
    Asked(b"{}", "text/csv"),
    *(Asked(json.dumps({"instances": [{"data": text}]}).encode(), JSON) for text in TEXTS[:20]),
]


@pytest.fixture(scope="module")
def works() -> dict[str, Work]:
    files = {"vocab.src.json": SOURCE, "vocab.trg.json": TARGET}
    vocab = Input({name: json.dumps(v.numbers).encode() for name, v in files.items()}, JSON)
    all_channels = {"train": input_of(0, 0.7), "validation": input_of(0.7, 0.85), "vocab": vocab}
    return {
        "learns": Work(KEY, OPTIMIZED, all_channels, ASKED),
        "every rnn setting": Work(KEY, EVERY_RNN_SETTING, all_channels, ASKED[:1]),
        "convolutions": Work(KEY, EVERY_CNN_SETTING, all_channels, ASKED),
        "mixed": Work(
            KEY, EVERY_CNN_SETTING | {"decoder_type": "rnn", "max_num_epochs": 1}, all_channels
        ),
        "fixed": Work(
            KEY,
            SMALL
            | {"rnn_attention_type": "fixed", "num_layers_decoder": 2, "max_num_epochs": 1}
            | {"rnn_attention_in_upper_layers": "false"},
            all_channels,
        ),
        "unlimited": Work(KEY, UNLIMITED, all_channels),
        "limited": Work(KEY, UNLIMITED | {"max_num_epochs": 5}, all_channels),
        "no vocabulary": Work(
            KEY, SMALL, all_channels | {"vocab": Input({"vocab.src.json": b"{}"}, JSON)}
        ),
        "diverges": Work(
            KEY, SMALL | {"optimizer_type": "sgd", "learning_rate": 1e6}, all_channels
        ),
    }


@pytest.fixture(scope="module")
def done(
    images: ImageCatalogue, tmp_path_factory: pytest.TempPathFactory, works: dict[str, Work]
) -> dict[str, Done]:
    container = Container(images.python("seq2seq:1"), tmp_path_factory.mktemp("seq2seq"))
    return run_jobs(container, works)


def share_of_letters(found: list[str]) -> float:
    """How many of the expected letters stand where they should."""
    hits = total = 0
    for text, (_, expected) in zip(found, HELD_OUT, strict=True):
        hits += sum(a == b for a, b in zip(text.split(), expected.split(), strict=False))
        total += len(expected.split())
    return hits / total


@pytest.mark.algorithms
@pytest.mark.xdist_group("standin-torch")
class TestInItsEnvironment:
    @pytest.mark.parametrize("name", ["learns", "convolutions"])
    def test_new_words_are_answered_better_than_by_the_most_frequent_letter(
        self, done: dict[str, Done], name: str
    ) -> None:
        assert done[name].exit_code == 0, done[name].failure
        found = [row["target"] for row in done[name].answers[0].json["predictions"]]
        frequent = "R R R R R R"  # E, as a cipher
        assert share_of_letters(found) > share_of_letters([frequent] * len(found)) + 0.7

    def test_the_metrics_are_those_of_the_best_checkpoint(self, done: dict[str, Done]) -> None:
        log, metrics = done["learns"].log, done["learns"].metrics
        assert log.count("checkpoint ") > 3
        values = [
            float(line.rpartition("=")[2]) for line in log.splitlines() if "validation:bleu" in line
        ]
        assert metrics["validation:bleu"] == max(values)
        assert 0.3 < metrics["validation:bleu"] <= 1
        assert metrics["validation:accuracy"] > 0.5
        assert metrics["validation:perplexity"] > 1

    def test_bleu_is_left_out_where_nobody_asks_for_it(self, done: dict[str, Done]) -> None:
        assert set(done["convolutions"].metrics) == {"validation:accuracy", "validation:perplexity"}
        assert "validation:bleu" in done["every rnn setting"].metrics

    def test_every_form_of_a_request_is_answered_alike(self, done: dict[str, Done]) -> None:
        for name in ("learns", "convolutions"):
            as_json, as_lines, as_records = done[name].answers[:3]
            types = [answer.content_type for answer in (as_json, as_lines, as_records)]
            assert types == [JSON, LINES, RECORDS]
            texts = [row["target"] for row in as_json.json["predictions"]]
            assert [json.loads(line)["target"] for line in as_lines.body.splitlines()] == texts
            for entry, text in zip(read_records(as_records.body), texts, strict=True):
                assert not entry.label
                assert entry.features["target"].values.dtype == np.int32
                assert TARGET.decode(entry.features["target"].values.tolist()) == text

    def test_answers_in_json_have_the_form_of_the_catalogue(self, done: dict[str, Done]) -> None:
        examples = {r.accept: r.example for r in catalogue.find(KEY).inference.responses}
        as_json, as_lines = done["learns"].answers[:2]
        assert set(as_json.json["predictions"][0]) == set(examples[JSON]["predictions"][0])
        assert set(json.loads(as_lines.body.splitlines()[0])) == set(examples[LINES])
        assert shape_of(1.0) == "float"

    def test_the_attention_has_a_row_a_word_of_the_target(self, done: dict[str, Done]) -> None:
        for name in ("learns", "convolutions"):
            (row,) = done[name].answers[3].json["predictions"]
            matrix = np.array(row["matrix"])
            assert matrix.shape == (len(row["target"].split()), len(TEXTS[0].split()))
            assert np.allclose(matrix.sum(1), 1, atol=1e-3)

    def test_an_answer_does_not_depend_on_what_else_is_asked(self, done: dict[str, Done]) -> None:
        for name in ("learns", "convolutions"):
            together = done[name].answers[0].json["predictions"]
            alone = [answer.json["predictions"][0] for answer in done[name].answers[6:]]
            assert [row["target"] for row in alone] == [row["target"] for row in together[:20]]

    def test_answers_end_at_the_longest_target(self, done: dict[str, Done]) -> None:
        answer = done["learns"].answers[4]
        assert answer.status == 200
        assert len(answer.json["predictions"][0]["target"].split()) <= SMALL["max_seq_len_target"]
        assert done["learns"].answers[5].status == 415

    def test_the_model_has_the_files_that_amazons_has(self, done: dict[str, Done]) -> None:
        files = {path.name for path in done["learns"].model_dir.iterdir()}
        assert files >= set(catalogue.find(KEY).artifacts)

    def test_without_a_largest_number_of_epochs_training_stops_early(
        self, done: dict[str, Done]
    ) -> None:
        assert "stopped early after" in done["unlimited"].log
        batches = [re.findall(r"batch (\d+):", done[n].log)[-1] for n in ("unlimited", "limited")]
        assert int(batches[0]) < int(batches[1])
        assert "stopped early" not in done["limited"].log
        assert "batch 12:" in done["every rnn setting"].log
        assert "batch 15:" not in done["every rnn setting"].log

    def test_every_hyperparameter_is_used_or_named(
        self, works: dict[str, Work], done: dict[str, Done]
    ) -> None:
        for name in ("every rnn setting", "mixed", "fixed"):
            assert done[name].exit_code == 0, done[name].failure
        assert not_accounted_for(KEY, works, done) == set()

    def test_bad_jobs_are_the_senders_mistake(self, done: dict[str, Done]) -> None:
        assert done["no vocabulary"].failure.startswith("ClientError: channel vocab has no file")
        assert done["diverges"].failure.startswith("ClientError: the training diverges")
