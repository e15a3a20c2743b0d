"""What the workload's tests share: the images' environments, a small lake, one trained model."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import pytest

from flywheel.local_aws.images import ImageCatalogue
from flywheel.local_aws.lifecycle import IMAGES_DIR
from tests.workload import sample

TOOLKIT = sample.ROOT / "flywheel/local_aws/sagemaker/container/training_container.py"
QUICK = {
    "num_round": "40",
    "checkpoint_every": "5",
    "early_stopping_rounds": "40",
    "validation_every": "4",
    "min_child_weight": "5",
}


@pytest.fixture(scope="session")
def images() -> ImageCatalogue:
    """The environments that stand for AWS's images; built when they are missing."""
    return ImageCatalogue(IMAGES_DIR)


@pytest.fixture(scope="session")
def xgboost_python(images: ImageCatalogue) -> Path:
    image = sample.settings().training.image
    return images.python(f"sagemaker-{image.framework}:{image.version}")


@pytest.fixture(scope="session")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The features zone: two months to learn from and one to be judged by."""
    folder = tmp_path_factory.mktemp("features")
    for month in (*sample.MONTHS, sample.HOLDOUT):
        sample.write_features(folder, month)
    return folder


@dataclass(frozen=True)
class TrainingRun:
    """The folder that stands for /opt/ml of one training job."""

    opt_ml: Path
    python: Path

    @property
    def model(self) -> Path:
        return self.opt_ml / "model" / "model.ubj"

    def sha256(self) -> str:
        return sha256(self.model.read_bytes()).hexdigest()

    def start(self) -> subprocess.Popen[str]:
        """Run the script under Amazon's training toolkit; one output for all that it writes."""
        return subprocess.Popen(
            [self.python, TOOLKIT],
            env={
                "PATH": f"{self.python.parent}:{os.environ['PATH']}",
                "HOME": str(self.opt_ml),
                "PYTHONUNBUFFERED": "1",
                "SAGEMAKER_BASE_DIR": str(self.opt_ml),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def complete(self) -> str:
        """Run to the end; returns the log."""
        process = self.start()
        log, _ = process.communicate(timeout=120)
        assert process.returncode == 0, log
        return log

    def archive(self) -> Path:
        """The model.tar.gz that SageMaker makes of the model folder."""
        path = self.opt_ml / "model.tar.gz"
        with tarfile.open(path, "w:gz") as files:
            files.add(self.opt_ml / "model", ".")
        return path


def prepare_training(
    opt_ml: Path, python: Path, months: Mapping[str, Path], **hyperparameters: str
) -> TrainingRun:
    """A job as SageMaker lays it out: channels, bundle, settings."""
    for folder in ("config", "data/train", "data/code"):
        (opt_ml / "input" / folder).mkdir(parents=True)
    for folder in ("model", "checkpoints", "output/data"):
        (opt_ml / folder).mkdir(parents=True)
    for name, source in months.items():
        target = opt_ml / "input/data/train" / f"month={name}"
        target.mkdir()
        for part in source.glob("*.parquet"):
            (target / part.name).write_bytes(part.read_bytes())
    bundle = opt_ml / "input/data/code/code.tar.gz"
    with tarfile.open(bundle, "w:gz") as files:
        for script in (sample.ROOT / "training_code").glob("*.py"):
            files.add(script, script.name)
        for script in (sample.ROOT / "inference_code").glob("*.py"):
            files.add(script, f"inference_code/{script.name}")
    asked = {name: str(value) for name, value in sample.settings().training.hyperparameters.items()}
    channel = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"}
    written: dict[str, Any] = {
        "hyperparameters": {
            **asked,
            **QUICK,
            **hyperparameters,
            "sagemaker_program": sample.settings().training.script,
            "sagemaker_submit_directory": str(bundle),
        },
        "inputdataconfig": {"train": channel, "code": channel},
        "resourceconfig": {"current_host": "localhost", "hosts": ["localhost"]},
    }
    for name, content in written.items():
        (opt_ml / "input/config" / f"{name}.json").write_text(json.dumps(content))
    return TrainingRun(opt_ml, python)


@dataclass(frozen=True)
class Trained:
    """A finished training job."""

    run: TrainingRun
    log: str


@pytest.fixture(scope="session")
def trained(
    features: Path, xgboost_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    """A model of the two months, trained without an interruption."""
    months = {month: features / f"month={month}" for month in sample.MONTHS}
    run = prepare_training(tmp_path_factory.mktemp("trained"), xgboost_python, months)
    return Trained(run, run.complete())


@dataclass(frozen=True)
class Answer:
    """What the endpoint says."""

    status: int
    content_type: str
    body: str

    def probabilities(self) -> list[float]:
        assert self.status == 200, self.body
        return [row["probability"] for row in json.loads(self.body)["predictions"]]


class Endpoint:
    """The model behind its script, in a process of the image's environment."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._requests: IO[str] = process.stdin
        self._answers: IO[str] = process.stdout

    def ask(self, body: bytes | str, content_type: str, accept: str = "application/json") -> Answer:
        """The local server's answer, which must be that of Amazon's container."""
        data = body.encode() if isinstance(body, str) else body
        request = {
            "body": base64.b64encode(data).decode(),
            "type": content_type,
            "accept": accept,
        }
        self._requests.write(json.dumps(request) + "\n")
        self._requests.flush()
        status, answered_type, answer, *amazons = json.loads(self._answers.readline())
        assert [status, answer] == amazons
        return Answer(status, answered_type, answer)


def serving_environment(run: TrainingRun, digest: str) -> dict[str, str]:
    """What the model package tells the container."""
    return {
        "PATH": os.environ["PATH"],
        "SAGEMAKER_PROGRAM": sample.settings().serving.script,
        "SAGEMAKER_SUBMIT_DIRECTORY": str(run.opt_ml / "model" / "code"),
        "SM_MODEL_DIR": str(run.opt_ml / "model"),
        "MODEL_SHA256": digest,
    }


@pytest.fixture(scope="session")
def endpoint(trained: Trained) -> Iterator[Endpoint]:
    """The trained model, served by the code that lies in its own artifact."""
    run = trained.run
    with subprocess.Popen(
        [run.python, Path(__file__).with_name("ask_model.py")],
        env=serving_environment(run, run.sha256()),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Endpoint(process)
        assert process.stdin is not None
        process.stdin.close()
