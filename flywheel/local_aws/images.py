"""An image is a requirements file: turns an ECR image or an EMR release into a Python environment
on this machine.

`images/catalogue.json` says which pinned requirements file stands for which image. The environment
is built by uv when it is first needed and kept; its folder name carries a hash of the requirements,
so a changed pin builds a new one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from flywheel.errors import UserError

REQUIREMENTS = Path(__file__).with_name("images")
_NO_NETWORK = (
    "error sending request",
    "dns error",
    "client error (connect)",
    "network unreachable",
    "timed out",
)


class ImageError(UserError):
    """An image has no environment here, or its environment cannot be built."""


@dataclass(frozen=True)
class Image:
    """One image and what stands for it on this machine."""

    uri: str
    name: str
    requirements: Path


class ImageCatalogue:
    """Finds and builds the environment of an image."""

    def __init__(
        self,
        root: Path,
        *,
        requirements: Path = REQUIREMENTS,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        """Remember where environments live; nothing is built yet.

        Args:
            root: Folder of the environments, `.flywheel/images` of the checkout.
            requirements: Folder with `catalogue.json` and the requirements files.
            progress: Called with one sentence before and after a build.
        """
        self._root = root.absolute()
        self._requirements = requirements
        self._progress = progress or (lambda _: None)
        self._lock = threading.Lock()
        self._ready: dict[str, Path] = {}

    def find(self, uri: str) -> Image:
        """The image behind `…/repository:tag` or an EMR release label such as `emr-7.9.0`.

        Raises:
            ImageError: The catalogue does not have it.
        """
        wanted = uri.rsplit("/", 1)[-1].partition("@")[0]
        known = json.loads((self._requirements / "catalogue.json").read_text())
        for entry in known:
            if fnmatchcase(wanted, entry["image"]):
                file = self._requirements / entry["requirements"]
                return Image(uri=uri, name=file.stem, requirements=file)
        names = ", ".join(entry["image"] for entry in known)
        raise ImageError(
            f"image {wanted} has no environment on this machine; known are {names}. "
            f"Add a requirements file and a line in {self._requirements.name}/catalogue.json."
        )

    def python(self, uri: str) -> Path:
        """The Python of the image's environment, built when it is missing.

        Safe against other threads and processes that want the same image.

        Raises:
            ImageError: No such image, no network, a full disk, or a requirements file that does not
            resolve.
        """
        image = self.find(uri)
        with self._lock:
            if image.name not in self._ready:
                self._ready[image.name] = self._build(image)
            return self._ready[image.name]

    def _build(self, image: Image) -> Path:
        folder = self._root / f"{image.name}-{_fingerprint(image.requirements)}"
        python = folder / "bin" / "python"
        complete = (
            folder / ".complete"
        )  # written last: a folder without it is the rest of an interrupted build
        if complete.exists():
            return python
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            with _exclusive(self._root / f"{folder.name}.lock"):
                if not complete.exists():
                    self._progress(f"Building the environment of image {image.name}.")
                    shutil.rmtree(folder, ignore_errors=True)
                    self._install(image, folder, python)
                    complete.touch()
                    self._progress(f"The environment of image {image.name} is ready.")
        except OSError as error:
            raise ImageError(
                f"the environment of image {image.name} cannot be written to {self._root}: "
                f"{error.strerror}. Free some space there, or make the folder writable."
            ) from error
        return python

    def _install(self, image: Image, folder: Path, python: Path) -> None:
        uv = _find_uv()
        self._run(
            [
                uv,
                "venv",
                "--quiet",
                "--python",
                getattr(sys, "_base_executable", sys.executable),
                str(folder),
            ],
            image,
        )
        sync = [
            uv,
            "pip",
            "sync",
            "--quiet",
            "--require-hashes",
            "--python",
            str(python),
            str(image.requirements),
        ]
        try:
            self._run(
                [*sync, "--offline"], image
            )  # all in the cache: half a second, and no network needed
        except ImageError:
            self._run(sync, image)

    def _run(self, command: list[str], image: Image) -> None:
        done = subprocess.run(
            command, capture_output=True, text=True, env=_uv_environment(), check=False
        )
        if done.returncode == 0:
            return
        detail = done.stderr.strip()
        if "os error 28" in detail or "No space left" in detail:
            remedy = f"The disk of {self._root} is full: free some space and try again."
        elif any(sign in detail.lower() for sign in _NO_NETWORK):
            remedy = (
                "The package index cannot be reached: connect to the network once; later builds "
                "use the cache."
            )
        else:
            remedy = f"uv said: {' '.join(detail.split())[-600:]}"
        raise ImageError(f"the environment of image {image.name} cannot be built. {remedy}")


def _fingerprint(requirements: Path) -> str:
    """What the environment depends on: the pins, the interpreter and the kind of machine."""
    machine = f"{platform.python_version()} {sys.platform} {platform.machine()}\n"
    return hashlib.sha256(machine.encode() + requirements.read_bytes()).hexdigest()[:12]


def _find_uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise ImageError("uv is not installed, and images are built with it. Run `make setup`.")
    return found


def _uv_environment() -> dict[str, str]:
    """uv needs its cache, its index and the proxy settings, never our own virtual environment."""
    unwanted = ("VIRTUAL_ENV", "PYTHON", "AWS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Hold a file lock, so that two processes never build the same environment."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
