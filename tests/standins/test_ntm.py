"""The Neural Topic Model's stand-in: topics of real counts, the pixels of handwritten digits."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flywheel.local_aws.images import ImageCatalogue
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Channel
from flywheel.standins.ntm.topics import described, read_vocabulary
from tests.standins.container import Asked, Container, Input
from tests.standins.datasets import Dataset, digits
from tests.standins.jobs import (
    Done,
    Work,
    accepts,
    asked_in_every_form,
    form_of,
    not_accounted_for,
    run_jobs,
    shape_of,
)
from tests.standins.tables import csv_input, csv_request, record_input

KEY = "ntm"
TEN: dict[str, Any] = {"feature_dim": 64, "num_topics": 10}
LEARNS = TEN | {"optimizer": "adam", "learning_rate": 0.01, "mini_batch_size": 64, "epochs": 15}
EVERYTHING = TEN | {
    "batch_norm": "true",
    "clip_gradient": 0.5,
    "encoder_layers": "20,15",
    "encoder_layers_activation": "relu",
    "epochs": 3,
    "learning_rate": 0.1,
    "mini_batch_size": 100,
    "num_patience_epochs": 1,
    "optimizer": "sgd",
    "rescale_gradient": 0.5,
    "sub_sample": 0.5,
    "tolerance": 0.01,
    "weight_decay": 0.0001,
}
PIXELS = [f"pixel{number}" for number in range(64)]


def vocabulary(folder: Path, words: Sequence[str], name: str = "vocab.txt") -> Channel:
    path = folder / name
    path.write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    return Channel("auxiliary", folder, "text/plain", {}, (path,))


def test_a_topic_is_shown_with_its_words_and_how_much_of_it_is_its_own() -> None:
    assert described([[0, 1], [1, 2]], ["oak", "elm", "ash"]) == [
        "topic 1 [tu 0.75]: oak elm",
        "topic 2 [tu 0.75]: elm ash",
    ]
    assert described([[0, 1]], None) == ["topic 1 [tu 1.00]: 0 1"]


def test_the_vocabulary_has_a_word_for_each_column(tmp_path: Path) -> None:
    assert read_vocabulary(vocabulary(tmp_path, ["été", "b"]), 2) == ["été", "b"]
    with pytest.raises(RefusedError, match=r"vocab.txt has 2 words; it must have feature_dim = 3"):
        read_vocabulary(vocabulary(tmp_path, ["a", "b"]), 3)
    with pytest.raises(RefusedError, match=r"channel auxiliary has no file vocab.txt"):
        read_vocabulary(vocabulary(tmp_path, ["a"], "words.txt"), 1)


# What follows runs in the environment of the image.


@pytest.fixture(scope="module")
def data(tabular: Container) -> Dataset:
    return digits(tabular.python)


@pytest.fixture(scope="module")
def torch(images: ImageCatalogue, tmp_path_factory: pytest.TempPathFactory) -> Container:
    return Container(images.python("ntm:1"), tmp_path_factory.mktemp("ntm"))


@pytest.fixture(scope="module")
def works(data: Dataset) -> dict[str, Work]:
    train, test = data.part(0, 0.8).features, data.part(0.8, 1).features
    words = Input({"vocab.txt": "".join(f"{word}\n" for word in PIXELS).encode()}, "text/plain")
    all_channels = {
        "train": csv_input(train),
        "validation": csv_input(test),
        "test": csv_input(test),
        "auxiliary": words,
    }
    asked = [
        *asked_in_every_form(KEY, test[0]),
        *(csv_request(test[:1], accept) for accept in accepts(KEY)),
        csv_request(test, "application/json"),
        csv_request(test[:, :63]),
        csv_request(-test),
        csv_request(test[:1], "text/csv"),
        Asked(b"<a/>", "application/xml"),
    ]
    both = {"train": csv_input(train), "validation": csv_input(test)}
    few = {"auxiliary": Input({"vocab.txt": b"one\ntwo\n"}, "text/plain")}
    return {
        "learns": Work(KEY, LEARNS, all_channels, asked),
        "again": Work(KEY, LEARNS, {"train": csv_input(train), "test": csv_input(test)}),
        "sparse": Work(KEY, LEARNS, both | {"train": record_input(train, sparse=True)}),
        "everything": Work(KEY, EVERYTHING, both),
        "adadelta": Work(KEY, TEN | {"epochs": 2, "learning_rate": 0.1}, both),
        "impatient": Work(
            KEY, LEARNS | {"tolerance": 0.1, "num_patience_epochs": 2, "epochs": 30}, both
        ),
        "overshoots": Work(KEY, LEARNS | {"learning_rate": 0.3, "num_patience_epochs": 20}, both),
        "negative": Work(KEY, TEN, {"train": csv_input(-train)}),
        "few words": Work(KEY, TEN, both | few),
    }


@pytest.fixture(scope="module")
def done(torch: Container, works: dict[str, Work]) -> dict[str, Done]:
    return run_jobs(torch, works)


LOSS_OF_TWO_DOCUMENTS = """
import json, torch
from flywheel.standins.ntm.network import TopicModel
torch.manual_seed(0)
model = TopicModel(feature_dim=3, num_topics=2, layers=[4], activation="tanh", batch_norm=False)
counts = torch.tensor([[1.0, 0, 3], [0, 9, 0]])
with torch.no_grad():
    hidden = model.encoder(torch.log1p(counts))
    found = {
        "loss": model.eval().losses(counts),
        "mean": model.mean(hidden),
        "log_variance": model.log_variance(hidden),
        "weights": model.topic_weights(counts),
        "words": model.words.weight,
        "bias": model.words.bias,
    }
print(json.dumps({name: values.tolist() for name, values in found.items()}))
"""


@pytest.mark.algorithms
@pytest.mark.xdist_group("standin-torch")
class TestInItsEnvironment:
    def test_topics_explain_documents_better_than_the_words_own_frequencies(
        self, data: Dataset, done: dict[str, Done]
    ) -> None:
        assert done["learns"].exit_code == 0, done["learns"].failure
        train, test = data.part(0, 0.8).features, data.part(0.8, 1).features
        frequencies = (train.sum(0) + 0.5) / (train.sum(0) + 0.5).sum()
        naive = np.mean(-(test @ np.log(frequencies)) / test.sum(1))
        assert done["learns"].metrics["validation:total_loss"] < naive - 0.05
        assert done["learns"].metrics["test:total_loss"] == pytest.approx(
            done["learns"].metrics["validation:total_loss"]
        )

    def test_the_total_loss_is_that_of_the_words_and_the_divergence_of_the_topics(
        self, torch: Container
    ) -> None:
        printed = torch.run(["-c", LOSS_OF_TWO_DOCUMENTS], {})
        assert printed.returncode == 0, printed.stderr
        given = {name: np.array(values) for name, values in json.loads(printed.stdout).items()}
        counts = np.array([[1.0, 0, 3], [0, 9, 0]])
        scores = given["weights"] @ given["words"].T + given["bias"]
        log_words = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        variance = np.exp(given["log_variance"])
        # Source: Kingma and Welling, "Auto-encoding variational Bayes", 2014, appendix B.
        divergence = -0.5 * (1 + np.log(variance) - given["mean"] ** 2 - variance).sum(1)
        expected = (divergence - (counts * log_words).sum(1)) / counts.sum(1)
        assert given["loss"] == pytest.approx(expected, abs=1e-5)

    def test_documents_of_one_kind_have_alike_topics(
        self, data: Dataset, done: dict[str, Done]
    ) -> None:
        rows = done["learns"].answers[-5].json["predictions"]
        weights = np.sqrt([row["topic_weights"] for row in rows])
        alike = weights @ weights.T - np.eye(len(weights))
        labels = data.part(0.8, 1).labels
        assert np.mean(labels[alike.argmax(1)] == labels) > 0.6  # by chance 0.1

    def test_weights_are_a_share_of_each_topic(self, done: dict[str, Done]) -> None:
        rows = done["learns"].answers[-5].json["predictions"]
        weights = np.array([row["topic_weights"] for row in rows])
        assert weights.shape[1] == 10
        assert weights.min() >= 0
        assert np.allclose(weights.sum(1), 1, atol=1e-5)

    def test_every_form_of_a_request_is_answered_alike(
        self, data: Dataset, done: dict[str, Done]
    ) -> None:
        asked = asked_in_every_form(KEY, data.part(0.8, 1).features[0])
        answers = [answer.json["predictions"] for answer in done["learns"].answers[: len(asked)]]
        assert len(asked) >= 8
        first = answers[0][0]["topic_weights"]
        for (row,) in answers:
            assert row["topic_weights"] == pytest.approx(first, abs=1e-6)

    def test_every_accept_is_answered_as_the_catalogue_shows_it(
        self, data: Dataset, done: dict[str, Done]
    ) -> None:
        start = len(asked_in_every_form(KEY, data.features[0]))
        examples = accepts(KEY)
        answers = done["learns"].answers[start : start + len(examples)]
        for (accept, example), answer in zip(examples.items(), answers, strict=True):
            assert shape_of(form_of(answer, accept)) == shape_of(example), accept

    def test_bad_requests_are_refused(self, done: dict[str, Done]) -> None:
        narrow, negative, accept, xml = done["learns"].answers[-4:]
        assert [a.status for a in (narrow, negative, accept, xml)] == [400, 400, 406, 415]
        assert b"a count is negative" in negative.body

    def test_the_same_data_gives_the_same_model_in_any_form(self, done: dict[str, Done]) -> None:
        metric = "validation:total_loss"
        assert done["sparse"].metrics[metric] == pytest.approx(done["learns"].metrics[metric])

    def test_the_model_is_that_of_the_smallest_loss(self, done: dict[str, Done]) -> None:
        *losses, last = re.findall(r"validation:total_loss=(\S+)", done["overshoots"].log)
        assert float(last) == min(map(float, losses)) < float(losses[-1])

    def test_topics_are_said_with_the_words_of_the_vocabulary(self, done: dict[str, Done]) -> None:
        assert "topic 10 [tu 0." in done["learns"].log
        assert "]: pixel" in done["learns"].log
        assert "]: pixel" not in done["again"].log

    def test_without_validation_only_the_test_data_is_reported(self, done: dict[str, Done]) -> None:
        assert set(done["again"].metrics) == {"test:total_loss"}

    def test_training_stops_where_the_loss_hardly_falls(self, done: dict[str, Done]) -> None:
        assert "stopped early after epoch" in done["impatient"].log
        assert "stopped early" not in done["learns"].log
        assert "epoch 30:" not in done["impatient"].log

    def test_every_hyperparameter_is_used_or_named(
        self, works: dict[str, Work], done: dict[str, Done]
    ) -> None:
        assert not_accounted_for(KEY, works, done) == set()
        assert done["adadelta"].named_without_effect == {"learning_rate"}
        assert done["everything"].exit_code == 0, done["everything"].failure

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("negative", "channel train has a negative count"),
            ("few words", "vocab.txt has 2 words; it must have feature_dim = 64"),
        ],
    )
    def test_bad_jobs_are_the_senders_mistake(
        self, done: dict[str, Done], name: str, message: str
    ) -> None:
        assert done[name].failure.startswith("ClientError: "), done[name].log
        assert message in done[name].failure
