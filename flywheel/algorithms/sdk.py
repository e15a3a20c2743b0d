"""AWS's SageMaker SDK in an environment of its own, built when somebody asks it something.

The SDK is large and slow to import, so neither the app nor the embedded AWS uses it: it is the
oracle that the catalogue is generated from and compared with.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from flywheel.environments import Environment, exclusive

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements" / "sagemaker-sdk.txt"
QUESTIONS = Path(__file__).with_name("sdk_answers.py")
Answers = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]]
"""name → scope → version → processor → region → image URI."""


def sdk_environment(home: Path = ROOT / ".flywheel") -> Environment:
    """Where AWS's SDK is installed: about 300 MB, the first time it is asked something."""
    return Environment(home, REQUIREMENTS, "sagemaker-sdk", called="the environment of AWS's SDK")


def ask_sdk(regions: Sequence[str], home: Path = ROOT / ".flywheel") -> Answers:
    """Every image URI of the SDK in these regions.

    The first call installs the SDK below `home` and asks it, which takes seconds; the answers are
    kept there as long as the SDK's version and the questions stay the same.

    Raises:
      UserError: the SDK cannot be installed or does not answer.
    """
    environment = sdk_environment(home)
    environment.python()
    asked = _hash(QUESTIONS.read_bytes(), json.dumps(list(regions)).encode())
    kept = environment.folder / f"answers-{asked}.json"
    with exclusive(kept.with_suffix(".lock")):
        if not kept.exists():
            done = environment.run(
                ["-P", "-W", "ignore", QUESTIONS], given=json.dumps(list(regions))
            )
            partial = kept.with_suffix(".partial")
            partial.write_text(done, encoding="utf-8")
            partial.replace(kept)
    answers: Answers = json.loads(kept.read_text(encoding="utf-8"))
    return answers


def _hash(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]
