"""Runs inside the image's environment: one training job of a built-in algorithm's stand-in.

`python -m flywheel.standins.train KEY` reads the job below SAGEMAKER_BASE_DIR, as Amazon's
containers read /opt/ml. KEY is the algorithm's row of the catalogue. A job that fails writes its
reason to `output/failure` and ends with 1.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn, cast

from flywheel.algorithms import catalogue
from flywheel.algorithms.validation import ChannelUse, Findings, Training, check
from flywheel.errors import UserError
from flywheel.standins.contract import NOTICE, RefusedError, StandIn
from flywheel.standins.job import read_job, values_of
from flywheel.standins.remarks import MARK, log, mark_output

STAMP = "flywheel-stand-in.json"
"""In the model: which stand-in wrote it."""
MAX_FAILURE_CHARACTERS = 1024
"""Source: Amazon SageMaker API, FailureReason."""


def module_name(key: str) -> str:
    """The module of a row of the catalogue: both rows of Linear Learner are `linear_learner`.

    Raises:
        UserError: there is no such row.
    """
    catalogue.find(key)
    return max(p.stem for p in catalogue.DATA_FOLDER.glob("*.json") if key.startswith(p.stem))


def stand_in(key: str) -> StandIn:
    """The module that stands in for this row of the catalogue."""
    return cast(StandIn, importlib.import_module(f"flywheel.standins.{module_name(key)}"))


def notice(key: str, library: str) -> str:
    """The line that every log begins with."""
    return NOTICE.format(name=catalogue.find(key).name, library=library)


def run(key: str, base: Path) -> int:
    """Train; returns the exit code."""
    try:
        module = stand_in(key)
        log(notice(key, module.LIBRARY))
        _validate(key, base)
        job = read_job(key, base)
        job.model_dir.mkdir(parents=True, exist_ok=True)
        try:
            module.train(job)
        finally:
            _stamp(job.model_dir, key, module.LIBRARY)
    except (RefusedError, UserError) as error:
        return _failed(base, f"ClientError: {error}")
    except Exception as error:  # noqa: BLE001 - whatever goes wrong must become a reason
        traceback.print_exc()
        return _failed(base, f"AlgorithmError: {type(error).__name__}; the job's log says more.")
    return 0


def _stamp(model_dir: Path, key: str, library: str) -> None:
    """Mark the model as ours; a job that is stopped may have one as well."""
    if any(model_dir.iterdir()):
        stamp = {"key": key, "library": library}
        (model_dir / STAMP).write_text(json.dumps(stamp), encoding="utf-8")


def _validate(key: str, base: Path) -> None:
    """Refuse what Amazon's container refuses before it reads any data."""
    findings = _findings(key, base / "input" / "config")
    for warning in findings.warnings:
        log(f"warning: {_without_folder(str(warning))}")
    if findings.problems:
        raise RefusedError(" ".join(_without_folder(str(found)) for found in findings.problems))


def _findings(key: str, config: Path) -> Findings:
    algorithm = catalogue.find(key)
    written: dict[str, str] = json.loads((config / "hyperparameters.json").read_text())
    channels = json.loads((config / "inputdataconfig.json").read_text())
    # SageMaker itself adds names that begin with _, for example the objective of a tuning job.
    known = {
        name: text
        for name, text in written.items()
        if not name.startswith("_") or algorithm.hyperparameter(name)
    }
    uses = {
        name: ChannelUse(
            content_type=channel.get("ContentType") or None,
            input_mode=channel.get("TrainingInputMode", "File"),
        )
        for name, channel in channels.items()
    }
    values = known | values_of(algorithm, known)
    return check(key, Training(hyperparameters=values, channels=uses))


def _without_folder(text: str) -> str:
    return text.removeprefix("training.")


def _failed(base: Path, reason: str) -> int:
    output = base / "output"
    output.mkdir(parents=True, exist_ok=True)
    (output / "failure").write_text(reason[:MAX_FAILURE_CHARACTERS], encoding="utf-8")
    log(reason)
    return 1


def _stop(_: int, __: FrameType | None) -> NoReturn:
    # Not print(): the signal may have come in the middle of one.
    os.write(1, f"{MARK}The job is stopped.\n".encode())
    sys.exit(0)


def main(arguments: Sequence[str]) -> int:
    """Train the stand-in of the row that the arguments name."""
    if len(arguments) != 1:
        log("usage: python -m flywheel.standins.train KEY")
        return 2
    mark_output()
    signal.signal(signal.SIGTERM, _stop)
    return run(arguments[0], Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
