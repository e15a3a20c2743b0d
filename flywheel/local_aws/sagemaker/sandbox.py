"""What a container is for a job here: a folder that stands for /opt/ml, and a small environment."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path

from flywheel.local_aws.processes import clean_environment
from flywheel.local_aws.sagemaker.config import SageMakerConfig
from flywheel.local_aws.sagemaker.errors import JobError
from flywheel.local_aws.sagemaker.files import changed_files, files_in
from flywheel.local_aws.sagemaker.storage import Storage, join_uri

logger = logging.getLogger(__name__)

_OPT_ML = re.compile(r"(?<![\w.\-])/opt/ml(?=/|\W|$)")


class Sandbox:
    """The files of one job or model server; `/opt/ml` lies inside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.opt_ml = root / "opt" / "ml"
        self.log = root / "output.log"
        self.packages = root / "packages"  # what a script's requirements.txt installs stays here

    def create(self, *folders: str) -> None:
        """Make the folder, with these folders below /opt/ml."""
        (self.root / "home").mkdir(parents=True, exist_ok=True)
        for folder in folders:
            (self.opt_ml / folder).mkdir(parents=True, exist_ok=True)

    def local(self, text: str) -> str:
        """A path or argument of the container, with `/opt/ml` being this sandbox's folder."""
        return _OPT_ML.sub(lambda _: str(self.opt_ml), text)

    def folder(self, container_path: str) -> Path:
        """A container's path as a path here; one outside of /opt/ml goes below the sandbox too."""
        mapped = self.local(container_path)
        return Path(mapped) if mapped != container_path else self.root / container_path.lstrip("/")

    def environment(
        self, config: SageMakerConfig, python: Path, wanted: Mapping[str, str], *, isolated: bool
    ) -> dict[str, str]:
        """The whole environment of a process of this sandbox.

        Args:
            config: Where the local AWS is.
            python: The image's Python; its folder comes first on the PATH.
            wanted: What the request asks for; `/opt/ml` in values is mapped.
            isolated: Network isolation: no endpoint and no credentials.
        """
        scratch = config.work_dir / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        packages = str(self.packages)
        inherited = clean_environment()
        environment = inherited | {
            "PATH": f"{python.parent}{os.pathsep}{inherited.get('PATH', os.defpath)}",
            "HOME": str(self.root / "home"),
            "TMPDIR": str(scratch),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": packages,
            "PIP_TARGET": packages,
            "SAGEMAKER_BASE_DIR": str(self.opt_ml),
            "AWS_REGION": config.region,
            "AWS_DEFAULT_REGION": config.region,
            "AWS_CONFIG_FILE": os.devnull,  # a local job must not reach the user's own account
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if not isolated:
            environment |= {
                "AWS_ENDPOINT_URL": config.endpoint_url,
                "AWS_ENDPOINT_URL_S3": config.endpoint_url,
                "S3_ENDPOINT_URL": config.endpoint_url,
                "AWS_ACCESS_KEY_ID": config.access_key_id,
                "AWS_SECRET_ACCESS_KEY": config.secret_access_key,
            }
        return environment | {name: self.local(value) for name, value in wanted.items()}


class FolderSync:
    """Copies what changes in a folder to S3 while a job runs: checkpoints, continuous outputs."""

    def __init__(self, storage: Storage, folder: Path, uri: str, interval_seconds: float) -> None:
        self._storage = storage
        self._folder = folder
        self._uri = uri
        self._interval_seconds = interval_seconds
        self._known: dict[Path, tuple[int, int]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sync-{folder.name}", daemon=True)

    def start(self) -> None:
        """Begin; what is in the folder now counts as known in S3."""
        changed_files(self._folder, self._known)
        self._thread.start()

    def finish(self) -> None:
        """Stop and copy the rest.

        Raises:
            JobError: S3 refuses.
        """
        self._ended.set()
        self._thread.join()
        self._copy()

    def _run(self) -> None:
        while not self._ended.wait(self._interval_seconds):
            try:
                self._copy()
            except JobError as error:
                logger.warning("%s; it is tried again", error)

    def _copy(self) -> None:
        changed = changed_files(self._folder, self._known)
        try:
            self._storage.upload_files(
                {
                    path: join_uri(self._uri, path.relative_to(self._folder).as_posix())
                    for path in changed
                }
            )
        except JobError:
            for path in changed:
                self._known.pop(path, None)
            raise


def restore(storage: Storage, uri: str, folder: Path) -> int:
    """Bring checkpoints back before a job starts; returns how many files."""
    folder.mkdir(parents=True, exist_ok=True)
    return (
        storage.download_prefix(uri.rstrip("/") + "/", folder, required=False)
        if not files_in(folder)
        else 0
    )
