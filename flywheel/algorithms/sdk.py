"""AWS's SageMaker SDK in an environment of its own, built when somebody asks it something.

The SDK is large and slow to import, so neither the app nor the embedded AWS uses it: it is the
oracle that the catalogue is generated from and compared with.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from flywheel.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements" / "sagemaker-sdk.txt"
QUESTIONS = Path(__file__).with_name("sdk_answers.py")
Answers = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]]
"""name → scope → version → processor → region → image URI."""


def ask_sdk(regions: Sequence[str], home: Path = ROOT / ".flywheel") -> Answers:
    """Every image URI of the SDK in these regions.

    The first call installs the SDK (about 300 MB) below `home` and asks it, which takes seconds;
    the answers are kept there as long as the SDK's version and the questions stay the same.

    Raises:
      UserError: the SDK cannot be installed or does not answer.
    """
    key = _hash(REQUIREMENTS.read_bytes(), sys.version.encode())
    folder = home / f"sagemaker-sdk-{key}"
    home.mkdir(parents=True, exist_ok=True)
    with _exclusive(home / f"{folder.name}.lock"):
        python = _environment(folder)
        asked = _hash(QUESTIONS.read_bytes(), json.dumps(list(regions)).encode())
        kept = folder / f"answers-{asked}.json"
        if not kept.exists():
            done = _run(
                [str(python), "-P", "-W", "ignore", str(QUESTIONS)], json.dumps(list(regions))
            )
            partial = kept.with_suffix(".partial")
            partial.write_text(done, encoding="utf-8")
            partial.replace(kept)
        answers: Answers = json.loads(kept.read_text(encoding="utf-8"))
    return answers


def _environment(folder: Path) -> Path:
    python = folder / "bin" / "python"
    complete = folder / ".complete"
    if not complete.exists():
        shutil.rmtree(folder, ignore_errors=True)
        uv = str(Path(sys.executable).with_name("uv"))
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        sync = [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(python)]
        _run([*sync, str(REQUIREMENTS)])
        complete.touch()
    return python


def _run(command: Sequence[str], given: str = "") -> str:
    unwanted = ("VIRTUAL_ENV", "PYTHON", "AWS_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(unwanted)}
    try:
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, check=True, env=environment
        )
    except FileNotFoundError as error:
        raise UserError(
            f"{command[0]} is missing; it installs the SDK. Run `make setup`."
        ) from error
    except subprocess.CalledProcessError as error:
        said = " ".join(str(error.stderr).split())[-600:]
        raise UserError(
            f"{Path(command[0]).name} {command[1]} failed while AWS's SDK was installed or asked: "
            f"{said}. Is the package index reachable and the disk not full? Run it again."
        ) from error
    return done.stdout


def _hash(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
