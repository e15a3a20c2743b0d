"""XGBoost's stand-in: what Amazon's open container takes, reports and answers."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from flywheel.algorithms import catalogue
from flywheel.standins.codecs.matrix import write_rows
from flywheel.standins.codecs.records import read_records
from flywheel.standins.remarks import MARK
from tests.standins.container import Answer, Asked, Container, Input, write_job
from tests.standins.datasets import Dataset, breast_cancer, diabetes, digits
from tests.standins.jobs import Done, Work, run_jobs

pytestmark = pytest.mark.xdist_group("standin-tabular")
RECORDS = "application/x-recordio-protobuf"
BINARY = {"objective": "binary:logistic", "num_round": 15, "eta": 0.3, "max_depth": 3}
MULTI = {"objective": "multi:softprob", "num_round": 2, "num_class": 3, "max_depth": 4}


@pytest.fixture(scope="module")
def cancer(tabular: Container) -> Dataset:
    return breast_cancer(tabular.python)


@pytest.fixture(scope="module")
def holdout(cancer: Dataset) -> Dataset:
    return cancer.part(0.8, 1)


@pytest.fixture(scope="module")
def numerals(tabular: Container) -> Dataset:
    return digits(tabular.python)


def channels(data: Dataset) -> dict[str, Input]:
    return {
        "train": Input({"part-0.csv": data.part(0, 0.6).csv}),
        "validation": Input({"part-0.csv": data.part(0.6, 0.8).csv}),
    }


def scores(body: bytes) -> Any:
    return np.array([float(line) for line in body.split()])


def last(log: str, metric: str) -> float:
    """As SageMaker finds it, with the catalogue's expression; the next metric is no part of it."""
    pattern = catalogue.find("xgboost").metric_regex
    assert pattern is not None
    found = re.findall(pattern.replace("<metric>", re.escape(metric)), log)[-1]
    return float(found.partition("#")[0])


def libsvm_of(rows: Any, labels: Any = None) -> bytes:
    lines = [" ".join(f"{i}:{float(v)!r}" for i, v in enumerate(row)) for row in rows]
    if labels is not None:
        lines = [f"{float(y)!r} {line}" for y, line in zip(labels, lines, strict=True)]
    return "\n".join(lines).encode()


def csv_of(rows: Any) -> bytes:
    return "\n".join(",".join(repr(float(v)) for v in row) for row in rows).encode()


FORMS = (None, "application/json", "application/jsonlines", RECORDS)


def requests_of_every_kind(holdout: Dataset) -> dict[str, list[Asked]]:
    rows = holdout.features[:5].astype(np.float32)
    good = ",".join("1" * 30).encode()
    return {
        "forms": [Asked(holdout.body, accept=accept) for accept in FORMS],
        "content types": [
            Asked(csv_of(rows)),
            Asked(csv_of(rows).replace(b",", b";"), "text/csv; label_size=1"),
            Asked(libsvm_of(rows), "text/libsvm"),
            Asked(libsvm_of(rows), "text/x-libsvm"),
            Asked(write_rows(rows), RECORDS),
            Asked(write_rows(csr_matrix(rows + 1e-30)), RECORDS),
        ],
        "refused": [
            Asked(b"1,x"),
            Asked(good, "application/json"),
            Asked(good, "text/csv; label_size=2"),
            Asked(good + b",1"),
            Asked(good, accept="text/html"),
            Asked(b""),
        ],
        "empty": [Asked(b"," * 29)],
    }


def regressions(container: Container, data: Dataset) -> dict[str, Input]:
    """The same rows in each content type."""
    features, labels = data.features[:300].astype(np.float32), data.labels[:300]
    columns = np.column_stack([labels, features])
    lines = csv_of(columns).split(b"\n")
    return {
        "csv": Input({"a": b"\n".join(lines[:150]), "b": b"\n".join(lines[150:])}, "csv"),
        "libsvm": Input({"a.libsvm": libsvm_of(features, labels)}, None),
        "records": Input({"a": write_rows(features, labels)}, RECORDS),
        "parquet": Input({"a.parquet": parquet(container, columns)}, "application/x-parquet"),
    }


def parquet(container: Container, columns: Any) -> bytes:
    program = (
        "import sys, json, numpy as np, pyarrow as pa, pyarrow.parquet as pq\n"
        "t = np.array(json.load(sys.stdin)).T\n"
        "pq.write_table(pa.table({f'c{i}': c for i, c in enumerate(t)}), 'x.parquet')"
    )
    done = container.run(["-c", program], {}, json.dumps(columns.tolist()))
    assert done.returncode == 0, done.stderr
    return (container.folder / "x.parquet").read_bytes()


# Two groups with the same feature: the heavier decides what is learnt.
WEIGHTED = b"\n".join([b"1,100,5"] * 20 + [b"0,1,5"] * 20)
GROUPS = {
    f"{query}": "\n".join(f"{i % 3} qid:{query} 0:{i % 3}.5 1:{i}" for i in range(12)).encode()
    for query in range(4)
}


@pytest.fixture(scope="module")
def done(
    xgboost: Container, tabular: Container, cancer: Dataset, holdout: Dataset, numerals: Dataset
) -> Mapping[str, Done]:
    """The jobs of this file, in one process."""
    asked = [one for some in requests_of_every_kind(holdout).values() for one in some]
    validation = [Asked(cancer.part(0.6, 0.8).body)]
    jobs: dict[str, tuple[dict[str, Any], dict[str, Input], list[Asked]]] = {
        "binary": (
            BINARY | {"eval_metric": "auc,error,accuracy,f1"},
            channels(cancer),
            [*asked, *validation],
        ),
        "several": (
            MULTI
            | {
                "num_class": 10,
                "num_round": 8,
                "eval_metric": "merror,accuracy,f1_macro,balanced_accuracy,precision_micro",
            },
            channels(numerals),
            [Asked(numerals.part(0.8, 1).body)],
        ),
        "equal": (
            {"num_round": 20},
            {"train": Input({"a": re.sub(rb",(100|1),", b",", WEIGHTED)})},
            [Asked(b"5")],
        ),
        "weighted": (
            {"num_round": 20, "csv_weights": 1},
            {"train": Input({"a": WEIGHTED})},
            [Asked(b"5")],
        ),
        "early": (
            BINARY
            | {
                "num_round": 200,
                "eta": 1,
                "early_stopping_rounds": 3,
                "eval_metric": "error,logloss",
            },
            channels(cancer),
            [],
        ),
        "tuned": (
            BINARY | {"_tuning_objective_metric": "validation:f1", "eval_metric": "auc"},
            channels(cancer),
            [],
        ),
        "ranking": (
            {"objective": "rank:ndcg", "num_round": 5, "eval_metric": "ndcg@3"},
            {name: Input(GROUPS, "text/libsvm") for name in ("train", "validation")},
            [],
        ),
        **{
            name: ({"num_round": 5, "seed": 1}, {"train": given}, [])
            for name, given in regressions(xgboost, diabetes(tabular.python)).items()
        },
    }
    found = run_jobs(xgboost, {name: Work("xgboost", *job) for name, job in jobs.items()})
    assert {name: job.failure for name, job in found.items() if job.failure} == {}
    return found


@pytest.fixture(scope="module")
def answers(done: Mapping[str, Done], holdout: Dataset) -> Mapping[str, list[Answer]]:
    """Of the classifier, by kind of request."""
    rest = iter(done["binary"].answers)
    kinds = requests_of_every_kind(holdout)
    return {kind: [next(rest) for _ in some] for kind, some in kinds.items()}


def test_each_round_reports_every_metric_of_both_channels(done: Mapping[str, Done]) -> None:
    log = done["binary"].log
    lines = [line for line in log.splitlines() if re.match(r"\[\d+\]", line)]

    assert len(lines) == 15
    assert re.fullmatch(
        r"\[14\]#011train-auc:\S+#011train-error:\S+#011train-accuracy:\S+#011train-f1:\S+"
        r"#011validation-auc:\S+#011validation-error:\S+#011validation-accuracy:\S+"
        r"#011validation-f1:\S+",
        lines[-1],
    )
    assert last(log, "accuracy") == pytest.approx(1 - last(log, "error"), abs=1e-4)


def test_metrics_of_labels_are_those_of_the_predictions(
    done: Mapping[str, Done], cancer: Dataset
) -> None:
    rows, log = cancer.part(0.6, 0.8), done["binary"].log
    decided = scores(done["binary"].answers[-1].body) > 0.5

    right = [np.sum((decided == c) & (rows.labels == c)) for c in (0, 1)]
    both = [np.sum(decided == c) + np.sum(rows.labels == c) for c in (0, 1)]
    f1 = np.mean([2 * r / b for r, b in zip(right, both, strict=True)])
    assert last(log, "f1") == pytest.approx(f1, abs=1e-5)
    assert last(log, "accuracy") == pytest.approx(np.mean(decided == rows.labels), abs=1e-5)


def test_every_line_of_the_log_says_that_it_is_a_stand_in(
    xgboost: Container, cancer: Dataset
) -> None:
    log = xgboost.train("xgboost", BINARY | {"num_round": 2}, channels(cancer)).log
    first, *rounds = log.splitlines()
    assert first == (
        f"{MARK}This is a stand-in for Amazon's XGBoost, on xgboost: the same inputs and outputs, "
        "other numbers."
    )
    assert [line.partition("#011")[0] for line in rounds] == [f"{MARK}[0]", f"{MARK}[1]"]


def test_the_model_is_xgboosts_own_file_with_a_mark_beside_it(done: Mapping[str, Done]) -> None:
    model_dir = done["binary"].model_dir

    assert sorted(path.name for path in model_dir.iterdir()) == [
        "flywheel-stand-in.json",
        "xgboost-model",
    ]
    assert (model_dir / "xgboost-model").read_bytes()[:1] == b"{"
    mark = json.loads((model_dir / "flywheel-stand-in.json").read_text())
    assert mark == {"key": "xgboost", "library": "xgboost"}


def test_a_classifier_beats_the_majority_and_answers_in_every_form(
    answers: Mapping[str, list[Answer]], holdout: Dataset
) -> None:
    csv, as_json, as_lines, as_records = answers["forms"]

    assert [(answer.status, answer.content_type) for answer in answers["forms"]] == [
        (200, form or "text/csv") for form in FORMS
    ]
    found = scores(csv.body)
    right = np.mean((found > 0.5) == holdout.labels)
    assert right > 0.9 > max(np.mean(holdout.labels), 1 - np.mean(holdout.labels)) + 0.2
    assert [entry["score"] for entry in as_json.json["predictions"]] == found.tolist()
    assert [json.loads(line)["score"] for line in as_lines.body.splitlines()] == found.tolist()
    records = read_records(as_records.body)
    assert [record.label["score"].values.tolist() for record in records] == [[s] for s in found]


def test_every_content_type_of_a_request_gives_the_same_scores(
    answers: Mapping[str, list[Answer]],
) -> None:
    given = answers["content types"]

    assert {answer.body for answer in given} == {given[0].body}
    assert len(scores(given[0].body)) == 5


def test_what_cannot_be_answered_is_refused_with_the_status_of_amazons_container(
    answers: Mapping[str, list[Answer]],
) -> None:
    refused = answers["refused"]

    assert [answer.status for answer in refused] == [415, 415, 415, 400, 406, 400]
    assert refused[0].body.startswith(b"the body cannot be read as text/csv: row 1, column 2")
    assert b"Number of columns does not match" in refused[3].body


def test_empty_cells_are_missing_values(answers: Mapping[str, list[Answer]]) -> None:
    assert 0 < scores(answers["empty"][0].body)[0] < 1


def test_selected_output_has_what_the_environment_asks_for(
    xgboost: Container, done: Mapping[str, Done], holdout: Dataset
) -> None:
    selected = {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label, probabilities,predicted_score"}
    body = holdout.part(0, 0.02).body

    json_answer, csv = xgboost.ask(
        done["binary"].model_dir, [Asked(body, accept="application/json"), Asked(body)], selected
    )

    rows = json_answer.json["predictions"]
    assert all(row["predicted_label"] == int(row["probabilities"][1] > 0.5) for row in rows)
    assert all(np.isnan(row["predicted_score"]) for row in rows)
    first = rows[0]
    wanted = f'{first["predicted_label"]},"{first["probabilities"]}",nan'
    assert csv.body.decode().splitlines()[0] == wanted


def test_several_classes_are_a_list_of_probabilities(
    xgboost: Container, done: Mapping[str, Done], numerals: Dataset
) -> None:
    job, rest = done["several"], numerals.part(0.8, 1)

    (batch,) = xgboost.ask(job.model_dir, [Asked(rest.body)], {"SAGEMAKER_BATCH": "true"})

    table = np.loadtxt(io.BytesIO(job.answers[0].body), delimiter=",")
    assert table.shape == (len(rest.labels), 10)
    assert np.mean(table.argmax(axis=1) == rest.labels) > 0.85
    assert last(job.log, "accuracy") == pytest.approx(1 - last(job.log, "merror"), abs=1e-4)
    assert json.loads(batch.body.splitlines()[0]) == table[0].tolist()


def test_regression_on_every_content_type_of_training_learns_the_same(
    done: Mapping[str, Done],
) -> None:
    names = ("csv", "libsvm", "records", "parquet")

    logs = [re.findall(r"\[\d\]#011train-rmse:\S+", done[name].log) for name in names]
    assert len(logs[0]) == 5
    assert logs == [logs[0]] * 4


def test_weights_stand_in_the_second_column(done: Mapping[str, Done]) -> None:
    predicted = {name: scores(done[name].answers[0].body)[0] for name in ("equal", "weighted")}

    assert predicted["equal"] == pytest.approx(0.5, abs=0.05)
    assert predicted["weighted"] > 0.9


def test_training_stops_early_on_the_last_metric(done: Mapping[str, Done]) -> None:
    losses = [float(x) for x in re.findall(r"validation-logloss:(\S+)", done["early"].log)]

    assert len(losses) == int(np.argmin(losses)) + 1 + 3 < 200


def test_a_tuning_job_tells_the_metric_that_it_goes_by(done: Mapping[str, Done]) -> None:
    assert last(done["tuned"].log, "f1") > 0.9
    assert last(done["tuned"].log, "auc") > 0.9


def test_ranking_reads_groups_and_several_files_of_libsvm(done: Mapping[str, Done]) -> None:
    assert last(done["ranking"].log, "ndcg@3") > 0.9


REFUSED: list[tuple[dict[str, Any], bytes, str | None, str]] = [
    ({"num_round": 0}, b"1,2", "text/csv", "hyperparameters.num_round is 0; it must be a whole"),
    ({"num_round": "5.5"}, b"1,2", "text/csv", "hyperparameters.num_round is 5.5; it must be"),
    ({"num_rounds": 5}, b"1,2", "text/csv", "The nearest is num_round"),
    ({"num_round": 5, "eta": "fast"}, b"1,2", "text/csv", "hyperparameters.eta is fast"),
    ({"num_round": 5}, b"a,b\n1,2", "text/csv", "channel train, file a: row 1, column 1 is 'a'"),
    ({"num_round": 5}, b"1,2", None, "the first line is '1,2'; it must be libsvm"),
    ({"num_round": 5}, b"1,2", "text/html", "channels.train.content_type is text/html"),
    ({"num_round": 5}, b"", "text/csv", "channel train has no rows"),
    ({"num_round": 5}, write_rows(np.ones((2, 2))), RECORDS, "the records have no label"),
    (BINARY, b"1,2\n7,3", "text/csv", "with binary:logistic they must be in [0,1]"),
    (MULTI, b"3,2\n0,3", "text/csv", "they must be in [0, num_class), and num_class is 3"),
    (MULTI | {"eval_metric": "f1_binary"}, b"1,2\n0,3", "text/csv", "it is for two classes"),
    ({"num_round": 5, "_kfold": 3}, b"1,2", "text/csv", "does not cross-validate"),
    ({"num_round": 5, "early_stopping_rounds": 2}, b"1,2", "text/csv", "channels.validation"),
]


def test_a_job_that_cannot_be_done_fails_with_the_reason_as_a_client_error(
    xgboost: Container,
) -> None:
    done = xgboost.train_all(
        "xgboost",
        [
            (hyperparameters, {"train": Input({"a": train}, content_type)})
            for hyperparameters, train, content_type, _ in REFUSED
        ]
        + [({"num_round": 1}, {"train": Input({"a": b"1,2"}, "text/csv", "Pipe")})],
    )

    said_of_pipes = "train.input_mode is Pipe; to XGBoost text/csv comes by File."
    for job, said in zip(done, [*(s for *_, s in REFUSED), said_of_pipes], strict=True):
        assert job.exit_code == 1
        assert job.failure.startswith("ClientError: ")
        assert said in job.failure
        assert "Traceback" not in job.log


def test_a_job_that_is_stopped_keeps_the_model_of_its_last_round_where_it_is_told_to(
    xgboost: Container, cancer: Dataset
) -> None:
    hyperparameters = BINARY | {"num_round": 100_000, "save_model_on_termination": "true"}
    opt_ml = write_job(xgboost.folder, hyperparameters, channels(cancer))
    process = subprocess.Popen(
        [xgboost.python, "-m", "flywheel.standins.train", "xgboost"],
        env={"SAGEMAKER_BASE_DIR": str(opt_ml), "PYTHONPATH": sys.path[0], "OMP_NUM_THREADS": "2"},
        stdout=subprocess.PIPE,
        text=True,
        cwd=xgboost.folder,
    )
    assert process.stdout is not None
    assert any("[3]#011" in line for line in process.stdout)  # the job ended where there is none
    process.terminate()
    rest = process.communicate(timeout=30)[0]

    assert process.returncode == 0
    assert f"{MARK}The job is stopped." in rest
    assert not (opt_ml / "output" / "failure").exists()
    (answer,) = xgboost.ask(opt_ml / "model", [Asked(cancer.part(0, 0.01).body)])
    assert answer.status == 200


def test_a_job_goes_on_from_its_checkpoint(xgboost: Container, cancer: Dataset) -> None:
    given = channels(cancer)
    opt_ml = write_job(xgboost.folder, BINARY | {"num_round": 25}, given)
    (opt_ml / "checkpoints").mkdir()
    environment = {"SAGEMAKER_BASE_DIR": str(opt_ml)}
    command = ["-m", "flywheel.standins.train", "xgboost"]

    first = xgboost.run(command, environment)
    kept = [path.name for path in (opt_ml / "checkpoints").iterdir()]
    second = xgboost.run(command, environment)

    assert kept == ["xgboost-checkpoint.20"]
    rounds = [re.findall(r"\[(\d+)\]#011", done.stdout) for done in (first, second)]
    assert rounds[0] == [str(i) for i in range(25)]
    assert rounds[1] == [str(i) for i in range(20, 25)]
    assert first.stdout.splitlines()[-1] == second.stdout.splitlines()[-1]
