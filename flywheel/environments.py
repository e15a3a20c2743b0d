"""Python environments beside our own: a locked requirements file, built by uv when it is needed.

What is heavy, or must have other versions than ours, is not installed with Flywheel: the libraries
of an image, AWS's SDK. Such an environment is built once and kept; its folder name carries a hash
of the requirements, so that a changed pin builds a new one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flywheel.errors import UserError

_NO_NETWORK = (
    "error sending request",
    "dns error",
    "client error (connect)",
    "network unreachable",
    "timed out",
)


class BuildError(UserError):
    """An environment cannot be built, or a program fails in it."""


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Environment:
    """One environment, built or not.

    Attributes:
        root: the folder that environments live in, such as `.flywheel` of the checkout.
        requirements: every package pinned with its hashes.
        name: the start of its folder's name.
        called: what a person knows it as; the sentences of `progress` and of errors use it.
        progress: called with one sentence before and after a build.
    """

    root: Path
    requirements: Path
    name: str
    called: str | None = None
    progress: Callable[[str], None] = _silent

    @property
    def folder(self) -> Path:
        """Where it is, or will be."""
        return self.root.absolute() / f"{self.name}-{_fingerprint(self.requirements)}"

    def python(self) -> Path:
        """Its Python, built when it is missing; safe against other processes that want it too.

        Raises:
            BuildError: no network, a full disk, or a requirements file that does not resolve.
        """
        folder = self.folder
        python = folder / "bin" / "python"
        # Written last: a folder without it is the rest of an interrupted build.
        complete = folder / ".complete"
        if complete.exists():
            return python
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with exclusive(folder.with_name(f"{folder.name}.lock")):
                if not complete.exists():
                    self.progress(f"Building {self._title}.")
                    shutil.rmtree(folder, ignore_errors=True)
                    self._install(folder, python)
                    complete.touch()
                    self.progress(f"{self._title[0].upper()}{self._title[1:]} is ready.")
        except OSError as error:
            raise BuildError(
                f"{self._title} cannot be written to {folder.parent}: {error.strerror}. "
                "Free some space there, or make the folder writable."
            ) from error
        return python

    def run(self, arguments: Sequence[str | Path], given: str = "") -> str:
        """What its Python prints when it runs with these arguments and this standard input.

        Raises:
            BuildError: as of `python`, or the program fails.
        """
        done = _run([self.python(), *arguments], given)
        if done.returncode != 0:
            raise BuildError(
                f"{Path(arguments[-1]).name} failed in {self._title}: {_shortened(done.stderr)}"
            )
        return done.stdout

    @property
    def _title(self) -> str:
        return self.called or f"the environment {self.name}"

    def _install(self, folder: Path, python: Path) -> None:
        uv = _find_uv()
        base = getattr(sys, "_base_executable", sys.executable)
        self._uv([uv, "venv", "--quiet", "--python", base, folder])
        sync: list[str | Path] = [
            uv,
            "pip",
            "sync",
            "--quiet",
            "--require-hashes",
            # Once here instead of at every start: it halves the imports of PyTorch and the like.
            "--compile-bytecode",
            "--python",
            python,
        ]
        try:
            # All in the cache: half a second, and no network needed.
            self._uv([*sync, self.requirements, "--offline"])
        except BuildError:
            self._uv([*sync, self.requirements])

    def _uv(self, command: Sequence[str | Path]) -> None:
        done = _run(command)
        if done.returncode == 0:
            return
        said = done.stderr
        if "os error 28" in said or "No space left" in said:
            remedy = f"The disk of {self.root} is full: free some space and try again."
        elif any(sign in said.lower() for sign in _NO_NETWORK):
            remedy = (
                "The package index cannot be reached: connect to the network once; later builds "
                "use the cache."
            )
        else:
            remedy = f"uv said: {_shortened(said)}"
        raise BuildError(f"{self._title} cannot be built. {remedy}")


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a file lock, so that two processes never do the same work at once."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str | Path], given: str = "") -> subprocess.CompletedProcess[str]:
    # uv needs its cache, its index and the proxy settings, never our own virtual environment.
    unwanted = ("VIRTUAL_ENV", "PYTHON", "AWS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return subprocess.run(
        command, input=given, capture_output=True, text=True, env=kept, check=False
    )


def _fingerprint(requirements: Path) -> str:
    """What an environment depends on: the pins, the interpreter and the kind of machine."""
    machine = f"{platform.python_version()} {sys.platform} {platform.machine()}\n"
    return hashlib.sha256(machine.encode() + requirements.read_bytes()).hexdigest()[:12]


def _find_uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise BuildError(
            "uv is not installed, and environments are built with it. Run `make setup`."
        )
    return found


def _shortened(text: str) -> str:
    return " ".join(text.split())[-600:]
