"""What training and processing jobs have in common: a thread each, a process in a sandbox, limits,
an end."""

from __future__ import annotations

import errno
import logging
import shutil
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from flywheel.errors import UserError
from flywheel.local_aws.processes import ChildProcess, ProcessTable
from flywheel.local_aws.sagemaker.config import SageMakerConfig
from flywheel.local_aws.sagemaker.errors import JobError, ServiceError, validation_error
from flywheel.local_aws.sagemaker.events import EventSender
from flywheel.local_aws.sagemaker.logs import LogSender
from flywheel.local_aws.sagemaker.resources import Collection, Resource, State, now
from flywheel.local_aws.sagemaker.sandbox import Sandbox
from flywheel.local_aws.sagemaker.storage import Storage

logger = logging.getLogger(__name__)

TERMINAL = ("Completed", "Failed", "Stopped")
SIGKILLED = 137
_MAX_REASON = 1024


@dataclass(frozen=True)
class Services:
    """What every part of the local SageMaker works with."""

    config: SageMakerConfig
    state: State
    storage: Storage
    events: EventSender
    logs: LogSender
    processes: ProcessTable


@dataclass(kw_only=True)
class Job(Resource):
    """One job; `status` is AWS's word for it."""

    sandbox: Sandbox
    status: str = "InProgress"
    started: float | None = None
    ended: float | None = None
    failure_reason: str | None = None
    process: ChildProcess | None = None
    stopping: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Exit:
    """How a job's process ended."""

    code: int
    cause: Literal["itself", "stopped", "time"]


class JobService[J: Job](ABC):
    """Starts, describes, stops and ends the jobs of one kind."""

    noun: str  # as in an event: "Training Job"
    kind: str  # as in an ARN: "training-job"
    log_group: str

    def __init__(self, services: Services) -> None:
        self.services = services
        self.config = services.config
        self.jobs: Collection[J] = Collection(services.state)
        self._threads: list[threading.Thread] = []

    @abstractmethod
    def describe_job(self, job: J) -> dict[str, Any]:
        """The Describe response of a job."""

    @abstractmethod
    def carry_out(self, job: J) -> None:
        """The whole life of a job, on its own thread; ends with `finish`."""

    @abstractmethod
    def finish(self, job: J, status: str, *, reason: str | None = None) -> None:
        """Set the last state and tell the world."""

    def sandbox(self, name: str) -> Sandbox:
        """The folder of a job."""
        return Sandbox(self.config.work_dir / f"{self.kind}s" / name)

    def begin(self, job: J) -> None:
        """Put in a new job and run it."""
        self.jobs.add(job, self._taken)
        thread = threading.Thread(
            target=self._run, args=(job,), name=f"{self.kind}-{job.name}", daemon=True
        )
        self._threads = [known for known in self._threads if known.is_alive()] + [thread]
        thread.start()

    def get(self, name: str) -> J:
        """The job of that name.

        Raises:
            ServiceError: There is none.
        """
        return self.jobs.get(name, lambda: validation_error("Requested resource not found."))

    def stop(self, name: str) -> dict[str, Any]:
        """Ask a job to stop.

        Raises:
            ServiceError: There is no such job, or it has ended.
        """
        job = self.get(name)
        with self.services.state.changed:
            if job.status in TERMINAL:
                noun = self.noun.lower()
                raise validation_error(
                    f"The request was rejected because the {noun} is in status {job.status}."
                )
            job.stopping.set()
            self.mark_stopping(job)
            process = job.process
        if process is not None:
            process.stop(self.config.stop_grace_seconds)
        self.tell(job)
        return {}

    def mark_stopping(self, job: J) -> None:
        """Show that a job is being stopped; the state is locked."""
        job.status = "Stopping"
        job.modified = now()
        self.services.state.changed.notify_all()

    def wait(self, name: str, timeout_seconds: float | None) -> dict[str, Any] | None:
        """Wait for a job's end; its description, or None when it still runs after the timeout."""
        job = self.get(name)
        ended = self.services.state.wait_for(
            lambda: job.status in TERMINAL or None, timeout_seconds
        )
        return self.describe_job(job) if ended else None

    def close(self) -> None:
        """Wait for the threads of jobs whose processes have been ended."""
        for thread in self._threads:
            thread.join(timeout=5)

    def tell(self, job: J) -> None:
        """Send the state change event."""
        self.services.events.send(self.noun, job.arn, self.describe_job(job), job.tags)

    def execute(
        self,
        job: J,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        limit_seconds: float,
    ) -> Exit:
        """Run a job's process to its end.

        Args:
            job: Whose process it is; a stop request reaches it.
            command: Program and arguments, with paths of this machine.
            environment: The whole environment.
            limit_seconds: After that it is stopped.
        """
        with self.services.state.changed:
            if job.stopping.is_set():
                return Exit(0, "stopped")
            job.process = self.services.processes.start(
                command, log=job.sandbox.log, env=environment, cwd=job.sandbox.root
            )
        code = job.process.wait(max(0.0, limit_seconds))
        cause: Literal["itself", "stopped", "time"] = (
            "stopped" if job.stopping.is_set() else "itself"
        )
        if code is None:
            cause = "time"
            job.process.stop(self.config.stop_grace_seconds)
            code = job.process.wait()
        return Exit(SIGKILLED if code is None else code, cause)

    def _run(self, job: J) -> None:
        try:
            self.carry_out(job)
        except JobError as error:
            self._fail(job, f"ClientError: {error}")
        except UserError as error:
            self._fail(job, f"ClientError: {error}")
        except OSError as error:
            if error.errno == errno.ENOSPC:
                self._fail(
                    job,
                    f"ClientError: Out of space: the disk of {self.config.work_dir} is full. Free "
                    "some.",
                )
            else:
                logger.exception("%s %s failed", self.noun, job.name)
                self._fail(job, f"InternalServerError: {error}")
        except Exception as error:
            logger.exception("%s %s failed", self.noun, job.name)
            self._fail(
                job,
                "InternalServerError: We encountered an internal error. Please try again. "
                f"({error})",
            )

    def _fail(self, job: J, reason: str) -> None:
        if job.stopping.is_set():
            self.finish(job, "Stopped")
        else:
            self.finish(job, "Failed", reason=reason[:_MAX_REASON])

    def _taken(self, job: J) -> ServiceError:
        noun = "Training job" if self.noun == "Training Job" else "Job"
        return ServiceError(
            "ResourceInUse",
            f"{noun} names must be unique within an AWS account and region, and a {noun.lower()} "
            "with this name "
            f"already exists ({job.arn})",
        )


def clear(job: Job) -> None:
    """Remove the files of a job that went well; its log stays."""
    shutil.rmtree(job.sandbox.root / "opt", ignore_errors=True)
    shutil.rmtree(job.sandbox.root / "packages", ignore_errors=True)


def algorithm_error(text: str, code: int) -> str:
    """AWS's failure reason for a container that exits with an error.

    Amazon's own containers say themselves whose mistake it is: `ClientError: …`.
    """
    ending = f", exit code: {code}"
    said = text.strip() or "See job logs for more information"
    kind = "" if said.startswith(("ClientError: ", "AlgorithmError: ")) else "AlgorithmError: "
    return f"{kind}{said}"[: _MAX_REASON - len(ending)] + ending
