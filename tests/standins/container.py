"""A stand-in as the local SageMaker runs it: in its image's environment, on its own /opt/ml."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ASK = Path(__file__).with_name("ask_model.py")
TRAIN_JOBS = Path(__file__).with_name("train_jobs.py")
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Input:
    """One channel of a job: its files by name."""

    files: Files
    content_type: str | None = "text/csv"
    input_mode: str = "File"
    record_wrapper: str = "None"


Job = tuple[Mapping[str, Any], Mapping[str, Input]]
"""Hyperparameters and channels."""


@dataclass(frozen=True)
class Asked:
    """One request to a model."""

    body: bytes
    content_type: str = "text/csv"
    accept: str | None = None


@dataclass(frozen=True)
class Answer:
    """What came back; a refusal is text."""

    status: int
    body: bytes
    content_type: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Trained:
    """A job that has ended."""

    exit_code: int
    log: str
    opt_ml: Path

    @property
    def failure(self) -> str:
        """Why it failed; empty where it did not."""
        path = self.opt_ml / "output" / "failure"
        return path.read_text() if path.exists() else ""

    @property
    def model_dir(self) -> Path:
        """What becomes model.tar.gz."""
        return self.opt_ml / "model"

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of every metric that Amazon's form of a line reports."""
        found = re.findall(r"#quality_metric: host=\S+, (.+?)=(\S+)", self.log)
        return {name: float(value) for name, value in found}


@dataclass(frozen=True)
class Container:
    """Runs jobs and asks models with one Python.

    Attributes:
        python: of the image's environment.
        folder: where each job gets a folder of its own.
    """

    python: Path
    folder: Path

    def train(
        self, key: str, hyperparameters: Mapping[str, Any], channels: Mapping[str, Input]
    ) -> Trained:
        """One training job."""
        opt_ml = write_job(self.folder, hyperparameters, channels)
        done = self.run(["-m", "flywheel.standins.train", key], {"SAGEMAKER_BASE_DIR": str(opt_ml)})
        return Trained(done.returncode, done.stdout + done.stderr, opt_ml)

    def train_all(self, key: str, jobs: Sequence[Job]) -> list[Trained]:
        """Several jobs in one process: for many small ones."""
        folders = [write_job(self.folder, *job) for job in jobs]
        done = self.run([TRAIN_JOBS, key, *folders], {})
        assert done.returncode == 0, done.stderr
        codes = json.loads(done.stdout.splitlines()[-1])
        return [
            Trained(code, (folder / "log").read_text(), folder)
            for code, folder in zip(codes, folders, strict=True)
        ]

    def ask(
        self, model_dir: Path, requests: Sequence[Asked], environment: Mapping[str, str] = {}
    ) -> list[Answer]:
        """The answers of a model to some requests, by one server."""
        asked = [
            [base64.b64encode(request.body).decode(), request.content_type, request.accept]
            for request in requests
        ]
        done = self.run([ASK, model_dir], environment, json.dumps(asked))
        assert done.returncode == 0, done.stderr
        return [
            Answer(status, base64.b64decode(body), kind)
            for status, body, kind in json.loads(done.stdout.splitlines()[-1])
        ]

    def run(
        self, arguments: Sequence[str | Path], environment: Mapping[str, str], given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """A program of this Python, which finds the package in the checkout."""
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "2",
        }
        return subprocess.run(
            [self.python, *arguments],
            input=given,
            env={**own, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            cwd=self.folder,
        )


def write_job(
    folder: Path, hyperparameters: Mapping[str, Any], channels: Mapping[str, Input]
) -> Path:
    """A new folder that stands for /opt/ml, as SageMaker fills it before a job starts."""
    base = folder / f"job-{len(list(folder.glob('job-*')))}"
    config = base / "input" / "config"
    config.mkdir(parents=True)
    texts = {name: str(value) for name, value in hyperparameters.items()}
    (config / "hyperparameters.json").write_text(json.dumps(texts))
    described = {}
    for name, channel in channels.items():
        for file, content in channel.files.items():
            path = base / "input" / "data" / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        described[name] = {
            "TrainingInputMode": channel.input_mode,
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": channel.record_wrapper,
        }
        if channel.content_type is not None:
            described[name]["ContentType"] = channel.content_type
    (config / "inputdataconfig.json").write_text(json.dumps(described))
    (base / "model").mkdir()
    return base
