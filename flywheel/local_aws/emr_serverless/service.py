"""The API of EMR Serverless: applications and job runs."""

from __future__ import annotations

import secrets
import string
import threading
import time
from collections.abc import Callable
from typing import Any

from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.aws_service import AwsService
from flywheel.local_aws.emr_serverless.job_run import ENDED, JobRun
from flywheel.local_aws.emr_serverless.runner import JobRunner
from flywheel.local_aws.sagemaker.errors import ServiceError, validation_error

SERVICE = "emr-serverless"
Request = dict[str, Any]
_ID_CHARACTERS = string.digits + string.ascii_lowercase[:22]


class EmrServerless:
    """Applications and their job runs, of one account and region.

    Args:
        runner: runs the jobs.
        check_release: raises an error with a user's message for a release label that cannot run
            here.
    """

    def __init__(self, runner: JobRunner, check_release: Callable[[str], object]) -> None:
        self._runner = runner
        self._check_release = check_release
        self._applications: dict[str, dict[str, Any]] = {}
        self._jobs: dict[str, JobRun] = {}
        self._tokens: dict[
            tuple[str, str], str
        ] = {}  # an idempotency token means the first answer again
        self._lock = threading.RLock()
        self.service = AwsService(
            SERVICE,
            {
                "CreateApplication": self._create,
                "GetApplication": lambda r: {"application": self._application(r)},
                "ListApplications": self._list,
                "UpdateApplication": self._update,
                "StartApplication": lambda r: self._set_state(r, "STARTED"),
                "StopApplication": self._stop,
                "DeleteApplication": self._delete,
                "StartJobRun": self._start_job,
                "GetJobRun": lambda r: {"jobRun": self._job(r).description()},
                "ListJobRuns": self._list_jobs,
                "CancelJobRun": self._cancel,
                "TagResource": self._tag,
                "UntagResource": self._untag,
                "ListTagsForResource": lambda r: {"tags": self._tags(r)},
            },
        )

    def wait(self, job_run_id: str, timeout_seconds: float) -> None:
        """Block until a job run has ended, or for so many seconds."""
        self._jobs[job_run_id].ended.wait(timeout_seconds)

    def _create(self, request: Request) -> Request:
        with self._lock:
            known = self._tokens.get(("application", request["clientToken"]))
            if known is None:
                known = self._new_application(request)
                self._tokens["application", request["clientToken"]] = known
            application = self._applications[known]
        return {"applicationId": known, "name": application["name"], "arn": application["arn"]}

    def _new_application(self, request: Request) -> str:
        if request["type"].upper() != "SPARK":
            raise validation_error(
                f"type is {request['type']}; the local EMR Serverless runs SPARK only."
            )
        self._accept_release(request["releaseLabel"])
        application_id = _new_id()
        account_id, region = seams.account_and_region()
        now = time.time()
        settings = {key: value for key, value in request.items() if key != "clientToken"}
        self._applications[application_id] = {
            "name": application_id,
            "architecture": "X86_64",
            "tags": {},
            "autoStartConfiguration": {"enabled": True},
            "autoStopConfiguration": {"enabled": True, "idleTimeoutMinutes": 15},
            **settings,
            "type": "Spark",
            "applicationId": application_id,
            "arn": f"arn:aws:emr-serverless:{region}:{account_id}:/applications/{application_id}",
            "state": "CREATED",
            "stateDetails": "",
            "createdAt": now,
            "updatedAt": now,
        }
        return application_id

    def _accept_release(self, label: str) -> None:
        try:
            self._check_release(label)
        except Exception as error:
            raise validation_error(str(error)) from error

    def _application(self, request: Request) -> dict[str, Any]:
        application_id = request["applicationId"]
        if application_id not in self._applications:
            raise ServiceError(
                "ResourceNotFoundException", f"Application {application_id} does not exist", 404
            )
        return self._applications[application_id]

    def _list(self, request: Request) -> Request:
        members = (
            "name",
            "arn",
            "releaseLabel",
            "type",
            "state",
            "stateDetails",
            "createdAt",
            "updatedAt",
            "architecture",
        )
        with self._lock:
            found = [
                {"id": key, **{member: application[member] for member in members}}
                for key, application in self._applications.items()
                if application["state"] in request.get("states", (application["state"],))
            ]
        return {"applications": found}

    def _update(self, request: Request) -> Request:
        with self._lock:
            application = self._application(request)
            if application["state"] not in ("CREATED", "STOPPED"):
                raise validation_error(
                    f"Application {application['applicationId']} is {application['state']}; only a "
                    "created or stopped one can be updated."
                )
            if "releaseLabel" in request:
                self._accept_release(request["releaseLabel"])
            application |= {k: v for k, v in request.items() if k != "clientToken"}
            application["updatedAt"] = time.time()
            return {"application": application}

    def _set_state(self, request: Request, state: str) -> Request:
        with self._lock:
            self._application(request).update(state=state, updatedAt=time.time())
        return {}

    def _stop(self, request: Request) -> Request:
        with self._lock:
            application = self._application(request)
            self._refuse_if_busy(application["applicationId"])
            if application["state"] == "STARTED":
                self._set_state(request, "STOPPED")
        return {}

    def _delete(self, request: Request) -> Request:
        with self._lock:
            application = self._application(request)
            if application["state"] == "STARTED":
                raise validation_error(
                    f"Application {application['applicationId']} is STARTED; stop it first."
                )
            self._refuse_if_busy(application["applicationId"])
            del self._applications[application["applicationId"]]
        return {}

    def _refuse_if_busy(self, application_id: str) -> None:
        busy = [job.job_run_id for job in self._jobs_of(application_id) if job.state not in ENDED]
        if busy:
            raise validation_error(f"Application {application_id} still runs {', '.join(busy)}.")

    def _start_job(self, request: Request) -> Request:
        with self._lock:
            application = self._application(request)
            known = self._tokens.get((application["applicationId"], request["clientToken"]))
            if known is None:
                known = self._new_job(request, application)
                self._tokens[application["applicationId"], request["clientToken"]] = known
            job = self._jobs[known]
        return {"applicationId": job.application_id, "jobRunId": known, "arn": job.arn}

    def _new_job(self, request: Request, application: dict[str, Any]) -> str:
        if "sparkSubmit" not in (request.get("jobDriver") or {}):
            raise validation_error(
                "jobDriver must have sparkSubmit: the local EMR Serverless runs Spark only."
            )
        auto_start = application["autoStartConfiguration"].get("enabled", True)
        if application["state"] != "STARTED" and not auto_start:
            raise validation_error(
                f"Application {application['applicationId']} is {application['state']} and does "
                "not start by itself."
            )
        application["state"] = "STARTED"
        job = JobRun(_new_id(), application, request, *seams.account_and_region())
        self._jobs[job.job_run_id] = job
        self._runner.start(job)
        return job.job_run_id

    def _job(self, request: Request) -> JobRun:
        with self._lock:
            self._application(request)
            job = self._jobs.get(request["jobRunId"])
        if job is None or job.application_id != request["applicationId"]:
            raise ServiceError(
                "ResourceNotFoundException", f"JobRun {request['jobRunId']} does not exist", 404
            )
        return job

    def _jobs_of(self, application_id: str) -> list[JobRun]:
        return [job for job in self._jobs.values() if job.application_id == application_id]

    def _list_jobs(self, request: Request) -> Request:
        with self._lock:
            self._application(request)
            jobs = self._jobs_of(request["applicationId"])
        states = request.get("states")
        chosen = [job.summary() for job in jobs if not states or job.state in states]
        return {"jobRuns": sorted(chosen, key=lambda job: -job["createdAt"])}

    def _cancel(self, request: Request) -> Request:
        job = self._job(request)
        if job.state in ENDED:
            raise validation_error(f"JobRun {job.job_run_id} is already {job.state}.")
        job.cancel()
        return {"applicationId": job.application_id, "jobRunId": job.job_run_id}

    def _tagged(self, request: Request) -> dict[str, str]:
        arn = request["resourceArn"]
        for application in self._applications.values():
            if application["arn"] == arn:
                tags: dict[str, str] = application["tags"]
                return tags
        for job in self._jobs.values():
            if job.arn == arn:
                return job.tags
        raise ServiceError("ResourceNotFoundException", f"{arn} does not exist", 404)

    def _tags(self, request: Request) -> dict[str, str]:
        with self._lock:
            return dict(self._tagged(request))

    def _tag(self, request: Request) -> Request:
        with self._lock:
            self._tagged(request).update(request["tags"])
        return {}

    def _untag(self, request: Request) -> Request:
        with self._lock:
            tags = self._tagged(request)
            for key in request["tagKeys"]:
                tags.pop(key, None)
        return {}


def _new_id() -> str:
    """As AWS makes them: `00f` and 13 more characters."""
    return "00f" + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(13))
