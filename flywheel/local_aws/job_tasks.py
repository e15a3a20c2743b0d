"""Step Functions' optimised integrations that start a job, and with `.sync` wait for it.

A job that fails ends its task with `States.TaskFailed` and the job's description as the cause; a
task that times out,
or whose execution is stopped, stops its job, as on AWS.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.sdk_tasks import SdkTasks

LOOK_EVERY_SECONDS = 0.2  # whether the task is still wanted
POLL_SECONDS = 0.1  # of a job that nobody can wait for

Waiter = Callable[[Mapping[str, Any], float], None]
"""Blocks until the job with this key has ended, or for so many seconds."""


@dataclass(frozen=True)
class Job:
    """How one kind of job is started, watched and stopped.

    Attributes:
        service: as the task's Resource names it.
        sdk_service: as an aws-sdk task would name it.
        start: the action of the task.
        describe: the action that tells the job's state.
        stop: the action that stops it.
        key: the arguments of describe and stop, from the task's input and the start's result.
        description: the part of the description that is the task's result.
        state: where in it the state is.
        succeeded: states of a job that did what it should.
        failed: states of a job that did not.
    """

    service: str
    sdk_service: str
    start: str
    describe: str
    stop: str
    key: Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]
    description: Callable[[Any], Any]
    state: Callable[[Any], str]
    succeeded: frozenset[str]
    failed: frozenset[str]


def _sagemaker(kind: str) -> Job:
    """Training, processing, tuning and transform jobs have the same names but for the kind."""
    name, status = f"{kind}JobName", f"{kind}JobStatus"
    return Job(
        service="sagemaker",
        sdk_service="sagemaker",
        start=f"create{kind}Job",
        describe=f"describe{kind}Job",
        stop=f"stop{kind}Job",
        key=lambda arguments, _started: {name: arguments[name]},
        description=lambda found: found,
        state=lambda found: str(found[status]),
        succeeded=frozenset({"Completed"}),
        failed=frozenset({"Failed", "Stopped"}),
    )


JOBS = (
    _sagemaker("Training"),
    _sagemaker("Processing"),
    _sagemaker("HyperParameterTuning"),
    _sagemaker("Transform"),
    Job(
        service="emr-serverless",
        sdk_service="emrserverless",
        start="startJobRun",
        describe="getJobRun",
        stop="cancelJobRun",
        key=lambda _arguments, started: {
            "ApplicationId": started["ApplicationId"],
            "JobRunId": started["JobRunId"],
        },
        description=lambda found: found["JobRun"],
        state=lambda found: str(found["State"]),
        succeeded=frozenset({"SUCCESS"}),
        failed=frozenset({"FAILED", "CANCELLED"}),
    ),
    Job(
        service="athena",
        sdk_service="athena",
        start="startQueryExecution",
        describe="getQueryExecution",
        stop="stopQueryExecution",
        key=lambda _arguments, started: {"QueryExecutionId": started["QueryExecutionId"]},
        description=lambda found: found,
        state=lambda found: str(found["QueryExecution"]["Status"]["State"]),
        succeeded=frozenset({"SUCCEEDED"}),
        failed=frozenset({"FAILED", "CANCELLED"}),
    ),
)
# Actions of the same services whose tasks only request a response.
REQUESTS = {
    "athena": ("getQueryExecution", "getQueryResults", "stopQueryExecution"),
    "sns": ("publish",),  # ministack's does not turn a JSON message into text
    "emr-serverless": ("startApplication", "stopApplication", "cancelJobRun"),
    "sagemaker": ("createEndpoint", "createEndpointConfig", "createModel", "updateEndpoint"),
}  # fmt: skip


class JobTasks:
    """Runs the tasks of this module.

    Args:
        sdk: makes the API calls.
        waiters: by a job's start action, for jobs that can be waited for without asking again and
            again.
    """

    def __init__(self, sdk: SdkTasks, waiters: Mapping[str, Waiter]) -> None:
        self._sdk = sdk
        self._waiters = waiters

    def install(self) -> None:
        """Register the tasks with Step Functions."""
        for job in JOBS:
            seams.add_task(_resource(job.service, job.start), self._runner(job))
        for service, actions in REQUESTS.items():
            for action in actions:
                seams.add_task(_resource(service, action), self._requester(service, action))

    def _runner(self, job: Job) -> seams.TaskRun:
        def run(resource: str, task_input: Any) -> Any:
            started = self._call(job, job.start, task_input)
            if not resource.endswith(".sync"):
                return started
            return self._wait(job, job.key(task_input, started))

        return run

    def _requester(self, service: str, action: str) -> seams.TaskRun:
        sdk_service = service.replace("-", "")

        def run(resource: str, task_input: Any) -> Any:
            if resource.endswith(".sync"):
                raise seams.task_error(
                    "States.Runtime", f"{resource} has no .sync in the local Step Functions."
                )
            return self._sdk.call(sdk_service, action, task_input, optimised=True)

        return run

    def _call(self, job: Job, action: str, arguments: Any) -> Any:
        return self._sdk.call(
            job.sdk_service, action, arguments, optimised=True, times="epoch_milliseconds"
        )

    def _wait(self, job: Job, key: dict[str, Any]) -> Any:
        cancellation = seams.cancellation()
        wait = self._waiters.get(job.start, _sleep)
        while True:
            wait(key, LOOK_EVERY_SECONDS)
            found = job.description(self._call(job, job.describe, key))
            state = job.state(found)
            if state in job.succeeded:
                return found
            if state in job.failed:
                raise seams.task_error("States.TaskFailed", json.dumps(found))
            if cancellation.requested:
                self._call(job, job.stop, key)
                raise seams.task_error(
                    "States.Timeout", f"{job.start}: nobody waits for it any more; it was stopped."
                )


def _sleep(_key: Mapping[str, Any], _seconds: float) -> None:
    time.sleep(POLL_SECONDS)


def _resource(service: str, action: str) -> str:
    return f"arn:aws:states:::{service}:{action}"
