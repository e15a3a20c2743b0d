"""Several jobs in one process of an image's environment, because its libraries load slowly."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from flywheel.algorithms import catalogue
from flywheel.standins.codecs.matrix import write_rows
from flywheel.standins.codecs.records import read_records
from tests.standins.container import Answer, Asked, Container, Input, Trained, write_job

RUN = Path(__file__).with_name("run_jobs.py")
RECORDS = "application/x-recordio-protobuf"


@dataclass(frozen=True)
class Work:
    """A job, and what its model is asked afterwards."""

    key: str
    hyperparameters: Mapping[str, Any]
    channels: Mapping[str, Input]
    requests: Sequence[Asked] = ()


@dataclass(frozen=True)
class Done(Trained):
    """What came of it.

    Attributes:
        looked_at: the hyperparameters that the stand-in asked for.
        answers: in the order of the requests.
    """

    looked_at: frozenset[str]
    answers: Sequence[Answer]

    @property
    def named_without_effect(self) -> set[str]:
        """The hyperparameters that the log says mean nothing here."""
        lines = re.findall(r"accepted, without effect here: (.*)", self.log)
        return {name for line in lines for name in re.findall(r"(\w+) \(", line)}


def run_jobs(container: Container, works: Mapping[str, Work]) -> dict[str, Done]:
    """All of them, by the same names."""
    bases = [write_job(container.folder, w.hyperparameters, w.channels) for w in works.values()]
    jobs = [
        [
            work.key,
            str(base),
            [[r.body.decode("latin-1"), r.content_type, r.accept] for r in work.requests],
        ]
        for work, base in zip(works.values(), bases, strict=True)
    ]
    done = container.run([RUN], {}, json.dumps(jobs))
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    return {
        name: Done(
            exit_code=code,
            log=log,
            opt_ml=base,
            looked_at=frozenset(looked_at),
            answers=[Answer(s, body.encode("latin-1"), kind) for s, body, kind in answers],
        )
        for name, base, (code, log, looked_at, answers) in zip(works, bases, results, strict=True)
    }


def not_accounted_for(key: str, works: Mapping[str, Work], done: Mapping[str, Done]) -> set[str]:
    """The algorithm's hyperparameters that no job wrote, used, or named as without effect."""
    known: set[str] = set()
    for name, work in works.items():
        known |= (done[name].looked_at | done[name].named_without_effect) & set(
            work.hyperparameters
        )
    return set(catalogue.find(key).hyperparameters) - known


def asked_in_every_form(key: str, row: Any) -> list[Asked]:
    """The same row of numbers in each form of a request that the catalogue has."""
    forms = catalogue.find(key).inference.requests
    return [
        Asked(_body(example, kind, row), kind) for kind, some in forms.items() for example in some
    ]


def accepts(key: str, **hyperparameters: str) -> dict[str, Any]:
    """Every Accept that the catalogue has with these hyperparameters, with its example."""
    return {
        response.accept: response.example
        for response in catalogue.find(key).inference.responses
        if not response.when
        or any(
            all(hyperparameters.get(name) in values for name, values in alternative.items())
            for alternative in response.when
        )
    }


def assert_all_the_same(answers: Sequence[Answer]) -> None:
    """Requests that say the same in different forms get the same answer."""
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1


def assert_documented(answers: Sequence[Answer], forms: Mapping[str, Any]) -> None:
    """Each answer has the form that the catalogue shows for its Accept; see `accepts`."""
    for (accept, example), answer in zip(forms.items(), answers, strict=True):
        assert answer.content_type == accept.partition(";")[0]
        assert shape_of(form_of(answer, accept)) == shape_of(_as_answered(example, accept))


def assert_client_error(done: Done, reason: str) -> None:
    """The job failed as Amazon's containers do where the sender is wrong."""
    assert done.exit_code == 1
    assert done.failure.startswith("ClientError: ")
    assert reason in done.failure


def _as_answered(example: Any, accept: str) -> Any:
    """The numbers of a record are floats, also where the catalogue writes 0."""
    if not accept.startswith(RECORDS):
        return example
    label = example["label"].items()
    return {"label": {name: [float(value) for value in values] for name, values in label}}


def form_of(answer: Answer, accept: str) -> Any:
    """An answer as the catalogue shows it: JSON, a line of JSON, a record's labels, or CSV."""
    kind = accept.partition(";")[0]
    if kind == "application/json":
        return answer.json
    if kind == "application/jsonlines":
        return json.loads(answer.body.splitlines()[0])
    if kind == RECORDS:
        label = read_records(answer.body)[0].label
        return {"label": {name: tensor.values.tolist() for name, tensor in label.items()}}
    return answer.body.decode().splitlines()[0]


def shape_of(value: Any) -> Any:
    """Names and kinds of numbers, without their values and how many there are."""
    if isinstance(value, dict):
        return {name: shape_of(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [shape_of(value[0])]
    if isinstance(value, str):
        return [type(json.loads(cell)).__name__ for cell in value.split(",")]
    return type(value).__name__


def _body(example: Any, content_type: str, row: Any) -> bytes:
    if content_type == "text/csv":
        return ",".join(map(repr, row.tolist())).encode()
    if content_type == RECORDS:
        rows = np.asarray([row], np.float32)
        return write_rows(csr_matrix(rows) if "keys" in example["features"] else rows)
    return json.dumps(_with_row(example, row)).encode()


def _with_row(example: Any, row: Any) -> Any:
    """The example with the row's numbers in the place of its own."""
    if isinstance(example, list):
        return [_with_row(entry, row) for entry in example]
    if "keys" in example:
        keys = np.flatnonzero(row)
        return {"keys": keys.tolist(), "shape": [len(row)], "values": row[keys].tolist()}
    return {
        name: row.tolist()
        if name == "values" or (name == "features" and isinstance(entry, list))
        else _with_row(entry, row)
        for name, entry in example.items()
    }
