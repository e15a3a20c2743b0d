"""Runs in an image's environment: some jobs one after the other, each with requests to its model.

Standard input is a JSON list of key, folder that stands for /opt/ml, and requests as `ask_model.py`
takes them. The last line of standard output has, for each job, the exit code, the log, the names of
the hyperparameters that the stand-in looked at, and the answers.
"""

import contextlib
import dataclasses
import io
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from flywheel.standins import serve, train
from flywheel.standins.contract import RefusedError
from flywheel.standins.job import Job, read_job


class Watched(Mapping[str, Any]):
    """Hyperparameters, and which of them somebody asked for."""

    def __init__(self) -> None:
        self.values_by_name: Mapping[str, Any] = {}
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.seen.add(name)
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)


def run(key: str, opt_ml: str, requests: list[list[Any]]) -> list[Any]:
    """One job and the answers of its model."""
    watched = Watched()

    def read(key: str, base: Path) -> Job:
        job = read_job(key, base)
        watched.values_by_name = job.hyperparameters
        return dataclasses.replace(job, hyperparameters=watched)

    log = io.StringIO()
    with contextlib.redirect_stdout(log), mock.patch.object(train, "read_job", read):
        code = train.run(key, Path(opt_ml))
        answers = ask(Path(opt_ml) / "model", requests) if requests and not code else []
    return [code, log.getvalue(), sorted(watched.seen), answers]


def ask(model_dir: Path, requests: list[list[Any]]) -> list[Any]:
    """Status, body and content type for each request; bodies are written with latin-1."""
    model = serve.model_fn(str(model_dir))
    answers: list[Any] = []
    for body, content_type, accept in requests:
        try:
            answered, kind = serve.transform_fn(model, body.encode("latin-1"), content_type, accept)
            answers.append([200, answered.decode("latin-1"), kind])
        except RefusedError as error:
            text = str(error).encode().decode("latin-1")
            answers.append([error.status_code, text, "text/plain"])
    return answers


results = [run(*job) for job in json.load(sys.stdin)]
print(json.dumps(results), file=sys.__stdout__)
