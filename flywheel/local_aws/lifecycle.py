"""An AWS on this machine, from start to end."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
import botocore.session
from botocore.config import Config

from flywheel.errors import UserError
from flywheel.local_aws.processes import ChildProcess, clean_environment
from flywheel.local_aws.toolchain import PROJECT_DIR, Progress, ToolError, run_cdk, tool_environment

ACCOUNT_ID = "000000000000"
DEFAULT_REGION = "eu-west-1"
IMAGES_DIR = PROJECT_DIR / ".flywheel" / "images"
READY_WITHIN_SECONDS = 60.0
_POLL_SECONDS = 0.05
_START_ATTEMPTS = 3
_STOP_GRACE_SECONDS = 5.0


class LocalAwsError(UserError):
    """The embedded AWS could not do what was asked; the message says why and what helps."""


class LocalAws:
    """The embedded AWS as a context manager: a process on loopback that leaves nothing behind.

    Args:
        port: on 127.0.0.1; None: a free one.
        region: where everything is.
        work_dir: for every file of it, kept at the end; None: a temporary folder, removed at the
            end.
        images_dir: the environments that stand for container images; kept, since they take long to
            build.
        progress: told about what takes long, a line at a time.
        project_dir: the folder with cdk.json and node_modules.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        region: str = DEFAULT_REGION,
        work_dir: Path | None = None,
        images_dir: Path = IMAGES_DIR,
        progress: Progress = lambda _: None,
        project_dir: Path = PROJECT_DIR,
    ) -> None:
        self.region = region
        self.account_id = ACCOUNT_ID
        self._asked_port = port
        self._asked_work_dir = work_dir
        self._images_dir = images_dir
        self._progress = progress
        self._project_dir = project_dir
        self._gateway: ChildProcess | None = None
        self._port = 0
        self._work_dir = Path()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            LocalAwsError: the port is in use, or it does not come up.
        """
        if self._asked_work_dir is None:
            self._work_dir = Path(tempfile.mkdtemp(prefix="flywheel-aws-"))
        else:
            self._work_dir = self._asked_work_dir.resolve()
            self._work_dir.mkdir(parents=True, exist_ok=True)
        try:
            self._start_gateway()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End every process of it and remove its files. Harmless when done twice."""
        if self._gateway is not None:
            self._gateway.stop(_STOP_GRACE_SECONDS)
            self._gateway.wait(_STOP_GRACE_SECONDS + 5)
            self._gateway = None
        if self._asked_work_dir is None and self._work_dir != Path():
            shutil.rmtree(self._work_dir, ignore_errors=True)

    def wait(self) -> None:
        """Block for as long as it runs.

        Raises:
            LocalAwsError: it died; `close` was not called.
        """
        gateway = self._gateway
        if gateway is None:
            return
        gateway.wait()
        if self._gateway is not None:
            raise LocalAwsError(f"the embedded AWS ended by itself. It said:\n{gateway.tail()}")

    @property
    def endpoint_url(self) -> str:
        """Where every service of it answers."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def work_dir(self) -> Path:
        """Where its files are while it runs; `gateway.log` and `cdk.log` among them."""
        return self._work_dir

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which `aws`, boto3 and `cdk` reach it and nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ENDPOINT_URL_S3": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_DISABLE_VERSION_CHECK": "true",
        }

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client of it, whatever profile or credentials the user has.

        Args:
            service: such as `s3`.
            config: of `botocore.config.Config`, such as `read_timeout`.
        """
        # None of the user's files or AWS_PROFILE is read: each variable is one that no environment
        # sets.
        nowhere = {
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
        session = boto3.Session(
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106  (the embedded AWS knows no secrets)
            region_name=self.region,
            botocore_session=botocore.session.Session(session_vars=nowhere),
        )
        return session.client(service, endpoint_url=self.endpoint_url, config=Config(**config))

    def local_url(self, url: str) -> str:
        """Where an `https://<api>.execute-api.<region>.amazonaws.com/<stage>/…` answers here."""
        host, _, path = url.removeprefix("https://").partition("/")
        return f"{self.endpoint_url}/_aws/execute-api/{host.partition('.')[0]}/{path}"

    def cdk(self, *arguments: str, progress: Progress | None = None) -> str:
        """Run the real CDK CLI against it, in the project's folder.

        Args:
            arguments: such as `deploy`, `--all`.
            progress: told when each stack starts and ends.

        Returns:
            What the CLI printed.

        Raises:
            LocalAwsError: it failed; the message holds what it said.
        """
        return self._run_cdk(arguments, progress, self._project_dir)

    def bootstrap(self, *, progress: Progress | None = None) -> None:
        """`cdk bootstrap`: the bucket and roles with which the CLI deploys."""
        # Away from cdk.json: the CLI would synthesise the whole app first, for nothing.
        self._run_cdk(("bootstrap", f"aws://{ACCOUNT_ID}/{self.region}"), progress, self._home())

    def deploy(self, *arguments: str, progress: Progress | None = None) -> None:
        """`cdk deploy` of the app with these arguments, such as `-c env=local **`, unasked.

        Stacks inside a stage are selected by a pattern: `--all` means those outside of stages.
        """
        self.cdk(
            "deploy",
            *arguments,
            "--require-approval=never",
            "--method=direct",
            "--concurrency=4",
            "--progress=events",
            f"--output={self._assembly}",
            progress=progress,
        )

    def destroy(self, *arguments: str, progress: Progress | None = None) -> None:
        """`cdk destroy` of what was deployed, with these arguments, unasked."""
        deployed = (self._assembly / "manifest.json").exists()
        app = f"--app={self._assembly}" if deployed else f"--output={self._assembly}"
        self.cdk("destroy", *arguments, app, "--force", "--concurrency=4", progress=progress)

    @property
    def _assembly(self) -> Path:
        return self._work_dir / "cdk.out"

    def _home(self) -> Path:
        home = self._work_dir / "home"
        home.mkdir(exist_ok=True)
        return home

    def _run_cdk(self, arguments: Sequence[str], progress: Progress | None, folder: Path) -> str:
        try:
            return run_cdk(
                arguments,
                folder=folder,
                environment=tool_environment(self.environment, self._home(), self._project_dir),
                log=self._work_dir / "cdk.log",
                progress=progress or self._progress,
                project_dir=self._project_dir,
            )
        except ToolError as error:
            raise LocalAwsError(str(error)) from None

    def _start_gateway(self) -> None:
        for attempt in range(_START_ATTEMPTS):
            self._port = _choose_port(self._asked_port)
            self._gateway = self._run_gateway()
            if self._wait_until_ready():
                return
            said = self._gateway.tail()
            taken = "address already in use" in said.lower()
            if not taken or self._asked_port is not None or attempt == _START_ATTEMPTS - 1:
                raise LocalAwsError(f"the embedded AWS did not start. It said:\n{said}")

    def _run_gateway(self) -> ChildProcess:
        command = [
            sys.executable, "-m", "flywheel.local_aws.gateway",
            "--port", str(self._port),
            "--region", self.region,
            "--work-dir", str(self._work_dir),
            "--images-dir", str(self._images_dir),
            *(["--remove-work-dir"] if self._asked_work_dir is None else []),
        ]  # fmt: skip
        environment = clean_environment() | {
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        return ChildProcess(
            command, log=self._work_dir / "gateway.log", env=environment, cwd=PROJECT_DIR
        )

    def _wait_until_ready(self) -> bool:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while self._gateway is not None and self._gateway.running:
            try:
                with urllib.request.urlopen(  # noqa: S310  (our own http address)
                    f"{self.endpoint_url}/_ministack/health", timeout=5
                ) as answer:
                    if answer.status == 200:
                        return True
            except (urllib.error.URLError, OSError):
                pass
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return False


def _choose_port(asked: int | None) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", asked or 0))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise LocalAwsError(
                f"port is {asked}, which cannot be used on 127.0.0.1 ({reason}); stop what uses it "
                "or choose another port (leave it out for a free one)."
            ) from None
        return int(probe.getsockname()[1])


def keep_logs(work_dir: Path, folder: Path) -> None:
    """Copy all logs out before the embedded AWS removes its folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for log in work_dir.rglob("*.log"):
        target = folder / log.relative_to(work_dir)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(log, target)
