"""Linear Learner's stand-in: what it learns, how it chooses among its models, what it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from flywheel.algorithms import catalogue
from flywheel.standins.codecs.matrix import write_rows
from flywheel.standins.codecs.records import read_records
from tests.standins.container import Asked, Container, Input
from tests.standins.datasets import Dataset, breast_cancer, diabetes, digits
from tests.standins.jobs import Done, Work, run_jobs

pytestmark = pytest.mark.xdist_group("standin-tabular")
CSV = "text/csv;label_size=1"
RECORDS = "application/x-recordio-protobuf"
CLASSIFICATION = "linear_learner_classification"
REGRESSION = "linear_learner_regression"
BINARY = {"predictor_type": "binary_classifier", "mini_batch_size": 50}
MULTI = {"predictor_type": "multiclass_classifier", "num_classes": 10, "mini_batch_size": 50}
NUMBER = {"predictor_type": "regressor", "mini_batch_size": 50}
LOSSES = catalogue.find(REGRESSION).hyperparameters["loss"].choices


def channels(data: Dataset, *names: str) -> dict[str, Input]:
    """60 % to train, 20 % each to validate and to test."""
    parts = {"train": (0, 0.6), "validation": (0.6, 0.8), "test": (0.8, 1)}
    wanted = names or tuple(parts)
    return {name: Input({"part-0.csv": data.part(*parts[name]).csv}, CSV) for name in wanted}


def as_records(data: Dataset, *, sparse: bool) -> dict[str, Input]:
    found = {}
    for name, (start, stop) in {"train": (0, 0.6), "validation": (0.6, 0.8)}.items():
        part = data.part(start, stop)
        features = part.features.astype(np.float32)
        rows = write_rows(csr_matrix(features) if sparse else features, part.labels)
        found[name] = Input({"a": rows}, RECORDS)
    return found


@pytest.fixture(scope="module")
def cancer(tabular: Container) -> Dataset:
    return breast_cancer(tabular.python)


@pytest.fixture(scope="module")
def numerals(tabular: Container) -> Dataset:
    return digits(tabular.python)


@pytest.fixture(scope="module")
def disease(tabular: Container) -> Dataset:
    return diabetes(tabular.python)


def criterion(name: str, **more: Any) -> dict[str, Any]:
    return BINARY | {"binary_classifier_model_selection_criteria": name, **more}


@pytest.fixture(scope="module")
def done(
    tabular: Container, cancer: Dataset, numerals: Dataset, disease: Dataset
) -> Mapping[str, Done]:
    """Every job of this file, in one process."""
    rest = cancer.part(0.8, 1)
    forms = ("application/json", "application/jsonlines", RECORDS)
    asked = [Asked(rest.body, "text/csv", form) for form in (None, *forms)]
    asked += [
        Asked(write_rows(rest.features), RECORDS),
        Asked(
            json.dumps(
                {"instances": [{"features": row} for row in rest.features.tolist()]}
            ).encode(),
            "application/json",
        ),
        Asked(rest.body, "text/csv", "text/csv"),
        Asked(b"1,2", "text/csv"),
        Asked(b"1,x", "text/csv"),
        Asked(rest.body, "text/libsvm"),
    ]
    whole = channels(cancer)
    works = {
        "binary": Work(CLASSIFICATION, BINARY, whole, asked),
        "hinge": Work(
            CLASSIFICATION, BINARY | {"loss": "hinge_loss", "margin": 0.5}, whole, asked[:1]
        ),
        "recall": Work(
            CLASSIFICATION, criterion("precision_at_target_recall", target_recall=0.99), whole
        ),
        "precision": Work(
            CLASSIFICATION, criterion("recall_at_target_precision", target_precision=0.99), whole
        ),
        "f_beta": Work(CLASSIFICATION, criterion("f_beta", f_beta=2), whole),
        "cross_entropy": Work(CLASSIFICATION, criterion("cross_entropy_loss"), whole),
        **{
            f"hasty {name}": Work(
                CLASSIFICATION, criterion(name, epochs=1, mini_batch_size=1000), whole
            )
            for name in ("accuracy", "loss_function")
        },
        "one model": Work(
            CLASSIFICATION,
            BINARY | {"num_models": 1, "learning_rate": 0.02, "wd": 0.5, "l1": 0},
            channels(cancer, "train"),
        ),
        "balanced": Work(
            CLASSIFICATION, BINARY | {"positive_example_weight_mult": "balanced"}, whole
        ),
        "several": Work(
            CLASSIFICATION,
            MULTI | {"balance_multiclass_weights": "true"},
            channels(numerals),
            [Asked(numerals.part(0.8, 1).body, "text/csv")],
        ),
        "dense": Work(CLASSIFICATION, MULTI, as_records(numerals, sparse=False)),
        "sparse": Work(CLASSIFICATION, MULTI, as_records(numerals, sparse=True)),
        "unbiased": Work(
            CLASSIFICATION, MULTI | {"unbias_data": "true"}, as_records(numerals, sparse=True)
        ),
        **{
            str(loss): Work(
                REGRESSION,
                NUMBER | {"loss": loss, "epochs": 30},
                channels(disease),
                [Asked(disease.part(0.8, 1).body, "text/csv")],
            )
            for loss in LOSSES
        },
        "high": Work(
            REGRESSION,
            NUMBER | {"loss": "quantile_loss", "quantile": 0.9, "epochs": 40},
            channels(disease),
            [Asked(disease.part(0, 0.6).body, "text/csv")],
        ),
        "as it is": Work(
            REGRESSION,
            NUMBER
            | dict.fromkeys(("normalize_data", "normalize_label", "use_bias"), "false")
            | {"init_method": "normal"},
            channels(disease, "train", "validation"),
        ),
        **{
            name: Work(REGRESSION, NUMBER | {"optimizer": name, "epochs": 40}, channels(disease))
            for name in ("sgd", "rmsprop")
        },
    }
    found = run_jobs(tabular, works)
    assert {name: job.failure for name, job in found.items() if job.failure} == {}
    return found


def lines(job: Done, answer: int = 0) -> list[Any]:
    return [entry["score"] for entry in job.answers[answer].json["predictions"]]


def test_two_classes_are_told_apart_much_better_than_by_the_majority(
    done: Mapping[str, Done], cancer: Dataset
) -> None:
    metrics = done["binary"].metrics

    assert metrics["test:binary_classification_accuracy"] > 0.93
    assert metrics["test:roc_auc_score"] > 0.98
    assert metrics["test:objective_loss"] < 0.25


@pytest.mark.parametrize(
    ("name", "key", "kind"),
    [
        ("binary", CLASSIFICATION, "binary_classifier"),
        ("several", CLASSIFICATION, "multiclass_classifier"),
        ("auto", REGRESSION, "regressor"),
    ],
)
def test_every_metric_of_the_catalogue_is_reported(
    done: Mapping[str, Done], name: str, key: str, kind: str
) -> None:
    known = catalogue.find(key).metrics.values()
    wanted = {
        metric.name
        for metric in known
        if not metric.when or kind in metric.when[0]["predictor_type"]
    }

    assert wanted <= done[name].metrics.keys()


def test_the_metrics_are_those_of_the_answers(done: Mapping[str, Done], cancer: Dataset) -> None:
    labels = cancer.part(0.8, 1).labels
    entries = done["binary"].answers[0].json["predictions"]
    scores = np.array([entry["score"] for entry in entries])
    decided = np.array([entry["predicted_label"] for entry in entries])
    metrics = done["binary"].metrics
    right = np.sum((decided == 1) & (labels == 1))

    assert metrics["test:binary_classification_accuracy"] == pytest.approx(
        np.mean(decided == labels)
    )
    assert metrics["test:precision"] == pytest.approx(right / decided.sum())
    assert metrics["test:recall"] == pytest.approx(right / labels.sum())
    pairs = scores[labels == 1][:, None] > scores[labels == 0]
    assert metrics["test:roc_auc_score"] == pytest.approx(pairs.mean(), abs=1e-6)
    chances = np.where(labels == 1, scores, 1 - scores)
    assert metrics["test:objective_loss"] == pytest.approx(-np.log(chances).mean(), rel=1e-3)


def test_the_answers_have_the_fields_of_the_catalogue_in_every_form(
    done: Mapping[str, Done],
) -> None:
    default, as_json, as_lines, as_records, *_ = done["binary"].answers

    assert default.body == as_json.body
    rows = as_json.json["predictions"]
    assert all(list(row) == ["score", "predicted_label"] for row in rows)
    assert {type(row["predicted_label"]) for row in rows} == {int}
    assert [json.loads(line) for line in as_lines.body.splitlines()] == rows
    labels = [record.label for record in read_records(as_records.body)]
    for row, label in zip(rows, labels, strict=True):
        assert label["score"].values.tolist() == [np.float32(row["score"])]
        assert label["predicted_label"].values.tolist() == [row["predicted_label"]]


def test_every_content_type_of_a_request_gives_the_same_answer(done: Mapping[str, Done]) -> None:
    scores = lines(done["binary"])

    assert lines(done["binary"], 4) == pytest.approx(scores, abs=1e-5)
    assert lines(done["binary"], 5) == pytest.approx(scores, abs=1e-5)


def test_what_cannot_be_answered_is_refused(done: Mapping[str, Done]) -> None:
    refused = done["binary"].answers[6:]

    assert [answer.status for answer in refused] == [406, 400, 400, 415]
    assert b"a row has 2 columns; it must have 30 features" in refused[1].body


def test_the_threshold_keeps_the_recall_that_is_asked_for(done: Mapping[str, Done]) -> None:
    assert done["recall"].metrics["validation:recall"] >= 0.99
    assert done["recall"].metrics["validation:precision"] > 0.8


def test_the_threshold_keeps_the_precision_that_is_asked_for(done: Mapping[str, Done]) -> None:
    assert done["precision"].metrics["validation:precision"] >= 0.99
    assert done["precision"].metrics["validation:recall"] > 0.8


def test_the_f_score_is_the_highest_where_it_is_the_criterion(done: Mapping[str, Done]) -> None:
    best = done["f_beta"].metrics["validation:binary_f_beta"]
    precision, recall = (done["f_beta"].metrics[f"validation:{n}"] for n in ("precision", "recall"))

    assert best == pytest.approx(5 * precision * recall / (4 * precision + recall))
    assert best > 0.95


def test_the_loss_decides_where_it_is_the_criterion(done: Mapping[str, Done]) -> None:
    losses = {
        name: done[name].metrics["validation:objective_loss"]
        for name in done
        if name in ("binary", "recall", "precision", "f_beta", "cross_entropy")
    }

    assert losses["cross_entropy"] == min(losses.values())


def test_the_best_model_by_the_criterion_is_kept(done: Mapping[str, Done]) -> None:
    name = "validation:binary_classification_accuracy"
    by_accuracy, by_loss = (done[f"hasty {c}"].metrics for c in ("accuracy", "loss_function"))

    assert by_accuracy[name] >= by_loss[name]
    assert by_accuracy[name] > 0.9
    assert by_accuracy["validation:objective_loss"] >= by_loss["validation:objective_loss"]


def test_hinge_loss_answers_with_margins(done: Mapping[str, Done], cancer: Dataset) -> None:
    scores = np.array(lines(done["hinge"]))

    assert scores.min() < -1 < 1 < scores.max()
    assert done["hinge"].metrics["test:binary_classification_accuracy"] > 0.93


def test_one_model_is_the_one_that_is_asked_for(done: Mapping[str, Done]) -> None:
    assert (
        "the best of 1 models has learning_rate 0.02, wd 0.5, l1 0, positive_example_weight_mult 1"
        in done["one model"].log
    )
    assert done["one model"].metrics == {}


def test_more_models_are_not_worse_than_one(
    tabular: Container, done: Mapping[str, Done], disease: Dataset
) -> None:
    assert "the best of 32 models has" in done["binary"].log
    loss = done["auto"].metrics["validation:objective_loss"]
    assert loss <= done["sgd"].metrics["validation:objective_loss"] * 1.1


def test_balanced_weights_count_the_rarer_class_more(
    done: Mapping[str, Done], cancer: Dataset
) -> None:
    labels = cancer.part(0, 0.6).labels
    wanted = (len(labels) - labels.sum()) / labels.sum()

    assert f"positive_example_weight_mult {wanted:g}\n" in done["balanced"].log


def test_several_classes_have_a_probability_each(
    done: Mapping[str, Done], numerals: Dataset
) -> None:
    entries = done["several"].answers[0].json["predictions"]
    scores = np.array([entry["score"] for entry in entries])
    labels = numerals.part(0.8, 1).labels
    metrics = done["several"].metrics

    assert scores.shape == (len(labels), 10)
    assert scores.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert [entry["predicted_label"] for entry in entries] == scores.argmax(axis=1).tolist()
    accuracy = np.mean(scores.argmax(axis=1) == labels)
    assert metrics["test:multiclass_accuracy"] == pytest.approx(accuracy)
    assert accuracy > 0.9
    assert metrics["test:multiclass_top_k_accuracy"] > metrics["test:multiclass_accuracy"]
    assert 0.9 < metrics["test:dcg"] < 1


@pytest.mark.parametrize("name", ["dense", "sparse", "unbiased"])
def test_records_are_learnt_as_well_dense_or_sparse(done: Mapping[str, Done], name: str) -> None:
    assert done[name].metrics["validation:multiclass_accuracy"] > 0.9


@pytest.mark.parametrize("loss", LOSSES)
def test_a_regression_with_every_loss_beats_the_mean(
    done: Mapping[str, Done], disease: Dataset, loss: str
) -> None:
    rest = disease.part(0.8, 1)
    predicted = np.array(lines(done[loss]))
    mse = np.mean((predicted - rest.labels) ** 2)

    assert done[loss].metrics["test:mse"] == pytest.approx(mse, rel=1e-4)
    assert mse < 0.85 * np.mean((disease.part(0, 0.6).labels.mean() - rest.labels) ** 2)
    assert list(done[loss].answers[0].json["predictions"][0]) == ["score"]


def test_the_loss_of_a_regression_is_in_units_of_the_label(done: Mapping[str, Done]) -> None:
    metrics = done["auto"].metrics

    assert metrics["test:objective_loss"] == pytest.approx(metrics["test:mse"])
    assert metrics["validation:rmse"] ** 2 == pytest.approx(metrics["validation:mse"])
    absolute = done["absolute_loss"].metrics
    assert absolute["test:objective_loss"] == pytest.approx(absolute["test:absolute_loss"])


def test_a_high_quantile_is_above_as_many_labels(
    done: Mapping[str, Done], disease: Dataset
) -> None:
    above = np.mean(np.array(lines(done["high"])) > disease.part(0, 0.6).labels)

    assert 0.84 < above < 0.96


def test_other_optimizers_learn_as_well(done: Mapping[str, Done]) -> None:
    best = done["auto"].metrics["test:mse"]

    assert done["sgd"].metrics["test:mse"] < best * 1.3
    assert done["rmsprop"].metrics["test:mse"] < best * 1.3


def test_nothing_is_normalized_where_that_is_asked_for(done: Mapping[str, Done]) -> None:
    with np.load(done["as it is"].model_dir / "model_algo-1") as model:
        assert model["bias"].tolist() == [0]


def test_training_stops_where_nothing_improves(done: Mapping[str, Done]) -> None:
    assert done["one model"].log.count("epoch ") < 15


def test_every_hyperparameter_is_looked_at(done: Mapping[str, Done]) -> None:
    looked_at = set().union(*(job.looked_at for job in done.values()))
    known = {
        name for key in (CLASSIFICATION, REGRESSION) for name in catalogue.find(key).hyperparameters
    }

    assert known - looked_at == set()


REFUSED: list[tuple[dict[str, Any], bytes, str]] = [
    (BINARY, b"2,1", "channel train has the label 2; with predictor_type binary_classifier"),
    (MULTI, b"10,1", "labels must be from 0 to 9"),
    (MULTI, b"0.5,1", "channel train has the label 0.5"),
    (BINARY | {"feature_dim": 3}, b"1,2", "it must have 3 features and 1 labels"),
    (BINARY | {"loss": "squared_loss"}, b"1,2", "hyperparameters.loss is squared_loss"),
]
DIVERGING = NUMBER | {"learning_rate": 1e200, "num_models": 1, "optimizer": "sgd"}


def test_data_and_settings_that_cannot_be_learnt_are_refused(tabular: Container) -> None:
    jobs = tabular.train_all(
        CLASSIFICATION,
        [
            *((given, {"train": Input({"a": train}, CSV)}) for given, train, _ in REFUSED),
            (
                BINARY,
                {
                    "train": Input({"a": b"1,2\n0,3"}, CSV),
                    "validation": Input({"a": b"1,2,3"}, CSV),
                },
            ),
        ],
    )
    (diverged,) = tabular.train_all(
        REGRESSION, [(DIVERGING, {"train": Input({"a": b"1,2\n3,5\n9,1"}, CSV)})]
    )

    said = [
        *(said for _, _, said in REFUSED),
        "channel validation has 2 features and channel train 1",
        "no model has a finite loss",
    ]
    for job, wanted in zip([*jobs, diverged], said, strict=True):
        assert job.exit_code == 1
        assert job.failure.startswith("ClientError: ")
        assert wanted in job.failure
        assert "Warning" not in job.log


def test_losses_and_thresholds_agree_with_plain_arithmetic(tabular: Container) -> None:
    script = Path(__file__).with_name("linear_learner_side.py")

    printed = tabular.run([script], {})

    assert printed.returncode == 0, printed.stderr
    found = json.loads(printed.stdout)
    assert {name: error for name, error in found["derivatives"].items() if error > 1e-4} == {}
    assert len(found["derivatives"]) == 9
    assert found["thresholds"] == dict.fromkeys(found["thresholds"], 0)
