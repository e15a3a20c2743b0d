"""Runs Spark jobs: brings their data in, starts the process, watches it, puts the results back."""

from __future__ import annotations

import json
import logging
import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from flywheel.errors import UserError
from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.emr_serverless.class_archive import prepare
from flywheel.local_aws.emr_serverless.job_logs import JobLogs
from flywheel.local_aws.emr_serverless.job_run import JobRun
from flywheel.local_aws.emr_serverless.mirror import Mirror, Prefix, mount_settings
from flywheel.local_aws.emr_serverless.spark import (
    SparkError,
    SparkHome,
    importable,
    job_environment,
    local_settings,
    python_files,
    spark_command,
)
from flywheel.local_aws.processes import ChildProcess, ProcessTable

_S3_URI = re.compile(r"s3[an]?://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[^\s,;\"']*)?")
_STOP_GRACE_SECONDS = 5.0
_DETAIL_CHARACTERS = 1500

logger = logging.getLogger("flywheel.emr-serverless")


@dataclass(frozen=True)
class RunnerConfig:
    """What jobs need to know of the gateway.

    Attributes:
        endpoint_url: where it answers.
        work_dir: for mirrors, logs and scratch files.
        python: the image environment's Python for a release label; may take long.
        client: a boto3 client of a service, in the current account and region.
    """

    endpoint_url: str
    work_dir: Path
    python: Callable[[str], Path]
    client: Callable[[str], Any]


class JobRunner:
    """Runs Spark jobs one at a time, first come first served: one fills a small machine.

    Args:
        config: the gateway's.
        processes: every job's process is in it.
    """

    def __init__(self, config: RunnerConfig, processes: ProcessTable) -> None:
        self._config = config
        self._processes = processes
        self._turn = threading.Lock()
        self._mirrors: dict[tuple[str, str], Mirror] = {}
        self._logs = JobLogs(config.client)

    def start(self, job: JobRun) -> None:
        """Run it from now on."""
        threading.Thread(
            target=self._run, args=(job,), name=f"spark-{job.job_run_id}", daemon=True
        ).start()

    def _run(self, job: JobRun) -> None:
        with seams.request_scope(job.account_id, job.region):
            self._tell(job, "SUBMITTED", None)
            self._enter(job, "PENDING")
            with self._turn:
                try:
                    state, details = self._run_in_turn(job)
                except (SparkError, UserError, ClientError, BotoCoreError, OSError) as error:
                    state, details = "FAILED", f"Job execution failed: {error}"
                except Exception as error:
                    logger.exception("job run %s", job.job_run_id)
                    state, details = (
                        "FAILED",
                        f"Job execution failed: {type(error).__name__}: {error}",
                    )
            self._enter(job, state, details)

    def _run_in_turn(self, job: JobRun) -> tuple[str, str]:
        if job.cancelled.is_set():
            return "CANCELLED", "Job run was cancelled"
        self._enter(job, "SCHEDULED")
        python = self._config.python(job.release_label)
        home = SparkHome.find(python)
        prepare(python)
        folder = self._config.work_dir / "jobs" / job.job_run_id
        (folder / "spark").mkdir(parents=True)
        mirror = self._mirror(job)
        script, arguments = self._entry_point(job, folder)
        prefixes = [Prefix.parse(uri) for text in arguments for uri in _S3_URI.findall(text)]
        mirror.bring_in(prefixes)
        submitted = job.spark_submit.get("sparkSubmitParameters") or ""
        modules = [self._fetch(uri, folder, "module") for uri in python_files(submitted)]
        settings = {
            **job.spark_defaults(),
            **local_settings(folder),
            **importable(modules),
            **self._mounts(mirror, prefixes),
        }
        self._enter(job, "RUNNING")
        child = self._processes.start(
            spark_command(
                home,
                script=script,
                arguments=arguments,
                settings=settings,
                submitted=submitted,
            ),
            log=self._config.work_dir / "logs" / f"{job.job_run_id}.log",
            env=self._environment(job, home, folder),
            cwd=folder,
        )
        ended = self._wait(job, child)
        mirror.put_back()
        self._logs.keep(job, child.log)
        shutil.rmtree(folder, ignore_errors=True)
        return ended

    def _environment(self, job: JobRun, home: SparkHome, folder: Path) -> dict[str, str]:
        return {
            **job_environment(home, folder),
            "AWS_ENDPOINT_URL": self._config.endpoint_url,
            "AWS_ACCESS_KEY_ID": job.account_id,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": job.region,
            "AWS_DEFAULT_REGION": job.region,
        }

    def _wait(self, job: JobRun, child: ChildProcess) -> tuple[str, str]:
        deadline = None if job.timeout_seconds is None else time.monotonic() + job.timeout_seconds
        code = child.wait(0.05)
        while code is None:
            late = deadline is not None and time.monotonic() > deadline
            if job.cancelled.is_set() or late:
                self._enter(job, "CANCELLING")
                child.stop(_STOP_GRACE_SECONDS)
                child.wait(2 * _STOP_GRACE_SECONDS)
                return "CANCELLED", "Job run timed out" if late else "Job run was cancelled"
            code = child.wait(0.05)
        if code == 0:
            return "SUCCESS", ""
        return (
            "FAILED",
            f"Job failed. ExitCode: {code}. Last lines of its log:\n"
            f"{child.tail(8000)[-_DETAIL_CHARACTERS:]}",
        )

    def _entry_point(self, job: JobRun, folder: Path) -> tuple[Path, list[str]]:
        entry_point = str(job.spark_submit["entryPoint"])
        if not entry_point.startswith("s3") or not entry_point.endswith(".py"):
            raise SparkError(
                f"entryPoint is {entry_point}; the local EMR Serverless runs a Python file on S3 (s3://bucket/key.py)."
            )
        script = self._fetch(entry_point, folder, "entryPoint")
        return script, list(job.spark_submit.get("entryPointArguments") or ())

    def _fetch(self, uri: str, folder: Path, what: str) -> Path:
        """Bring a file of S3 into the job's folder."""
        place, s3 = Prefix.parse(uri), self._config.client("s3")
        try:
            body = s3.get_object(Bucket=place.bucket, Key=place.key)["Body"].read()
        except ClientError as error:
            raise SparkError(f"{what} {uri} cannot be read: {error}") from None
        file = folder / Path(place.key).name
        file.write_bytes(body)
        return file

    def _mirror(self, job: JobRun) -> Mirror:
        key = (job.account_id, job.region)
        if key not in self._mirrors:
            folder = self._config.work_dir / "s3" / "-".join(key)
            self._mirrors[key] = Mirror(folder, self._config.client("s3"))
        return self._mirrors[key]

    def _mounts(self, mirror: Mirror, prefixes: list[Prefix]) -> dict[str, str]:
        anchor = self._config.work_dir / "anchor"
        anchor.mkdir(parents=True, exist_ok=True)
        buckets = sorted({prefix.bucket for prefix in prefixes})
        return mount_settings({bucket: mirror.bucket_folder(bucket) for bucket in buckets}, anchor)

    def _enter(self, job: JobRun, state: str, details: str = "") -> None:
        before = job.enter(state, details)
        self._tell(job, state, before)

    def _tell(self, job: JobRun, state: str, before: str | None) -> None:
        """The event of a state change. Source: EMR Serverless User Guide, "EventBridge"."""
        described = job.summary()
        detail = {
            "jobRunId": job.job_run_id,
            "applicationId": job.application_id,
            "releaseLabel": job.release_label,
            "state": state,
            "previousState": before or "",
            "createdBy": described["createdBy"],
            "updatedAt": described["updatedAt"],
            "createdAt": described["createdAt"],
            "jobRunName": described.get("name", ""),
        }
        seams.put_events(
            [
                {
                    "Source": "aws.emr-serverless",
                    "DetailType": "EMR Serverless Job Run State Change",
                    "Detail": json.dumps(detail),
                    "Resources": [job.arn],
                }
            ]
        )
