"""What GetJobRun and ListJobRuns tell about a job run, from SUBMITTED to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

ENDED = frozenset({"SUCCESS", "FAILED", "CANCELLED"})


class JobRun:
    """What GetJobRun tells.

    Args:
        job_run_id: new.
        application: the application's description.
        request: of StartJobRun.
        account_id: whose job it is.
        region: where.
    """

    def __init__(
        self,
        job_run_id: str,
        application: Mapping[str, Any],
        request: Mapping[str, Any],
        account_id: str,
        region: str,
    ) -> None:
        self.job_run_id = job_run_id
        self.application_id = str(application["applicationId"])
        self.release_label = str(application["releaseLabel"])
        self.arn = f"{application['arn']}/jobruns/{job_run_id}"
        self.account_id, self.region = account_id, region
        self.tags: dict[str, str] = dict(request.get("tags") or {})
        self.state = "SUBMITTED"
        self.cancelled = threading.Event()
        self.ended = threading.Event()
        self._request = request
        self._application = application
        self._details = ""
        self._created = self._updated = time.time()
        self._started = self._ended = 0.0

    @property
    def spark_submit(self) -> Mapping[str, Any]:
        """The job's driver."""
        driver: Mapping[str, Any] = self._request["jobDriver"]["sparkSubmit"]
        return driver

    @property
    def timeout_seconds(self) -> float | None:
        """After which the job is ended; None: never. AWS's default is twelve hours."""
        minutes = self._request.get("executionTimeoutMinutes", 720)
        return minutes * 60.0 if minutes else None

    def monitoring(self, kind: str) -> Mapping[str, Any]:
        """One kind of monitoringConfiguration; the job's own goes before the application's."""
        overrides = self._request.get("configurationOverrides") or {}
        for where in (overrides, self._application):
            found = (where.get("monitoringConfiguration") or {}).get(kind)
            if found:
                chosen: Mapping[str, Any] = found
                return chosen
        return {}

    def spark_defaults(self) -> dict[str, str]:
        """Properties of classification spark-defaults; the job's overrule the application's."""
        overrides = (self._request.get("configurationOverrides") or {}).get(
            "applicationConfiguration"
        )
        found: dict[str, str] = {}
        for group in (self._application.get("runtimeConfiguration"), overrides):
            for each in group or ():
                if each.get("classification") == "spark-defaults":
                    found |= each.get("properties") or {}
        return found

    def cancel(self) -> None:
        """Ask for its end; harmless when it has ended."""
        self.cancelled.set()

    def enter(self, state: str, details: str = "") -> str:
        """Change the state; returns the one before."""
        before, self.state, self._details = self.state, state, details
        self._updated = time.time()
        if state == "RUNNING":
            self._started = self._updated
        if state in ENDED:
            self._ended = self._updated
            self.ended.set()
        return before

    def summary(self) -> dict[str, Any]:
        """As ListJobRuns has it."""
        return {
            "applicationId": self.application_id,
            "id": self.job_run_id,
            "arn": self.arn,
            "createdBy": f"arn:aws:iam::{self.account_id}:root",
            "createdAt": self._created,
            "updatedAt": self._updated,
            "executionRole": self._request["executionRoleArn"],
            "state": self.state,
            "stateDetails": self._details,
            "releaseLabel": self.release_label,
            "type": "SPARK",
            "mode": "BATCH",
            **({"name": self._request["name"]} if "name" in self._request else {}),
        }

    def description(self) -> dict[str, Any]:
        """As GetJobRun has it."""
        shared = {k: v for k, v in self.summary().items() if k not in ("id", "type")}
        asked = {
            key: self._request[key]
            for key in ("jobDriver", "configurationOverrides", "executionTimeoutMinutes")
            if key in self._request
        }
        times: dict[str, Any] = {}
        if self._started:
            times["startedAt"] = self._started
            times["queuedDurationMilliseconds"] = int((self._started - self._created) * 1000)
            times["totalExecutionDurationSeconds"] = int(
                (self._ended or time.time()) - self._started
            )
        if self._ended:
            times["endedAt"] = self._ended
        return {
            **shared,
            **asked,
            **times,
            "jobRunId": self.job_run_id,
            "tags": self.tags,
            "attempt": 1,
        }
