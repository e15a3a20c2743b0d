"""An image is a requirements file: turns an ECR image or an EMR release into a Python environment
on this machine.

`images/catalogue.json` says which pinned requirements file stands for which image, and for the
images of built-in algorithms which module stands in for Amazon's program in them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from flywheel.environments import BuildError, Environment
from flywheel.errors import UserError

REQUIREMENTS = Path(__file__).with_name("images")


class ImageError(UserError):
    """An image has no environment here, or its environment cannot be built."""


@dataclass(frozen=True)
class Image:
    """One image and what stands for it on this machine.

    Attributes:
        uri: as it was asked for.
        name: of its environment; images with the same libraries share one.
        requirements: its pinned packages.
        stand_in: the module of `flywheel.standins` that does here what the image's own program
            does on AWS; None for an image that only runs scripts.
        scripts: whether it runs a script of the request's.
    """

    uri: str
    name: str
    requirements: Path
    stand_in: str | None = None
    scripts: bool = True

    @property
    def short(self) -> str:
        """`repository:tag`, as messages name it."""
        return _short(self.uri)


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
        wanted = _short(uri)
        known = json.loads((self._requirements / "catalogue.json").read_text())
        for entry in known:
            if fnmatchcase(wanted, entry["image"]):
                file = self._requirements / entry["requirements"]
                stand_in = entry.get("stand_in")
                return Image(
                    uri=uri,
                    name=file.stem,
                    requirements=file,
                    stand_in=stand_in,
                    scripts=entry.get("scripts", stand_in is None),
                )
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
        if not image.requirements.exists():
            raise ImageError(
                f"image {image.short} needs {image.requirements.name} in "
                f"{self._requirements}, which is missing. Restore the file."
            )
        environment = Environment(
            self._root,
            image.requirements,
            image.name,
            called=f"the environment of image {image.name}",
            progress=self._progress,
        )
        try:
            return environment.python()
        except BuildError as error:
            raise ImageError(str(error)) from error


def _short(uri: str) -> str:
    return uri.rsplit("/", 1)[-1].partition("@")[0]
