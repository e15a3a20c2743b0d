"""The retraining loop from outside: deliver data, wait for its run, read what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flywheel.errors import UserError

STAGES = ("etl", "checks", "train", "evaluate", "deploy")
STARTS_WITHIN_SECONDS = 60  # the batching window is 2 seconds here; the rest is a slow machine
POLL_SECONDS = 0.25
UPLOAD_THREADS = 8


@dataclass(frozen=True)
class RawObject:
    """One file for the raw zone: its key below the workload's prefix, and its bytes."""

    key: str
    body: bytes


class RunError(UserError):
    """A run of the loop failed, did not start, or started more often than it should have."""


@dataclass(frozen=True)
class Run:
    """One execution that did the work of a batch.

    Attributes:
        output: the state machine's output, see docs/architecture.md.
        seconds: what each stage took, and the whole from the first object delivered to the end; a
            stage that did not run is 0.
        job_seconds: what the jobs themselves took: Spark, training, evaluation.
        executions: how many executions the batch started; more than one means that some found the
            loop busy and handed their objects over.
    """

    output: dict[str, Any]
    seconds: dict[str, float]
    job_seconds: float
    executions: int


class Loop:
    """The state machine of one workload.

    Args:
        client: gives a boto3 client for a service's name.
        state_machine_arn: the machine, as the retraining stack prints it.
        bucket: the raw zone.
        workload: the workload's name, the first part of every key.
    """

    def __init__(
        self, client: Callable[[str], Any], *, state_machine_arn: str, bucket: str, workload: str
    ) -> None:
        self._client = client
        self._arn = state_machine_arn
        self._bucket = bucket
        self._workload = workload
        self._states = client("stepfunctions")
        self._seen: set[str] = set()

    def deliver(self, objects: Sequence[RawObject]) -> None:
        """Put all objects into the raw zone, several at once, as a producer's export job does."""
        s3 = self._client("s3")

        def put(item: RawObject) -> None:
            s3.put_object(Bucket=self._bucket, Key=f"{self._workload}/{item.key}", Body=item.body)

        with ThreadPoolExecutor(UPLOAD_THREADS) as pool:
            list(pool.map(put, objects))

    def run(
        self,
        objects: Sequence[RawObject],
        *,
        timeout_seconds: float,
        on_state: Callable[[str], None] = lambda _: None,
        until_month: str | None = None,
    ) -> Run:
        """Deliver a batch and wait for the run that it starts.

        Args:
            objects: what arrives.
            timeout_seconds: for the whole run.
            on_state: told the name of the state machine's current state.
            until_month: objects that take longer to deliver than the batching window may start
                several runs: the one whose hold-out is this month is meant. None: exactly one run.

        Raises:
            RunError: nothing started in time, the run failed, or it took too long.
        """
        started = time.time()
        self.deliver(objects)
        executions = self._wait(started, timeout_seconds, on_state)
        outputs = [_output(execution) for execution in executions]
        while until_month and not any(_is_about(output, until_month) for output in outputs):
            executions = self._wait(time.time(), timeout_seconds, on_state)
            outputs += [_output(execution) for execution in executions]
        work = [output for output in outputs if output["outcome"] != "coalesced"]
        if until_month:
            work = [output for output in outputs if _is_about(output, until_month)][:1]
        if len(work) != 1:
            raise RunError(
                f"{len(work)} runs worked on one batch where exactly one should: "
                + ", ".join(str(output) for output in work)
            )
        seconds = _stage_seconds(work[0]["marks"])
        seconds["total"] = _seconds_since_epoch(work[0]["marks"]["ended"]) - started
        return Run(work[0], seconds, self._job_seconds(started), len(executions))

    def _wait(
        self, started: float, timeout_seconds: float, on_state: Callable[[str], None]
    ) -> list[dict[str, Any]]:
        while True:
            listed = self._states.list_executions(stateMachineArn=self._arn)["executions"]
            new = [item for item in listed if item["executionArn"] not in self._seen]
            waited = time.time() - started
            if new and all(item["status"] != "RUNNING" for item in new):
                self._seen.update(item["executionArn"] for item in new)
                return [
                    self._states.describe_execution(executionArn=item["executionArn"])
                    for item in new
                ]
            if not new and waited > STARTS_WITHIN_SECONDS:
                raise RunError(
                    f"no run started within {STARTS_WITHIN_SECONDS} s after the objects arrived; "
                    "look at the queue and the pipe of the retraining stack."
                )
            if waited > timeout_seconds:
                raise RunError(f"the run did not end within {timeout_seconds:.0f} s.")
            for item in new:
                if item["status"] == "RUNNING":
                    on_state(self._current_state(item["executionArn"]))
            time.sleep(POLL_SECONDS)

    def _current_state(self, execution_arn: str) -> str:
        events = self._states.get_execution_history(
            executionArn=execution_arn, reverseOrder=True, maxResults=20
        )["events"]
        for event in events:
            if "stateEnteredEventDetails" in event:
                return str(event["stateEnteredEventDetails"]["name"])
        return ""

    def _job_seconds(self, since: float) -> float:
        """What the jobs that began since then took, by their own record."""
        sagemaker = self._client("sagemaker")
        spans = []
        for job in sagemaker.list_training_jobs(MaxResults=100)["TrainingJobSummaries"]:
            found = sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])
            spans.append((found.get("TrainingStartTime"), found.get("TrainingEndTime")))
        for job in sagemaker.list_processing_jobs(MaxResults=100)["ProcessingJobSummaries"]:
            found = sagemaker.describe_processing_job(ProcessingJobName=job["ProcessingJobName"])
            spans.append((found.get("ProcessingStartTime"), found.get("ProcessingEndTime")))
        spark = self._client("emr-serverless")
        for application in spark.list_applications()["applications"]:
            for job in spark.list_job_runs(applicationId=application["id"])["jobRuns"]:
                spans.append((job["createdAt"], job["updatedAt"]))
        return sum(
            float((end - begin).total_seconds())
            for begin, end in spans
            if begin and end and begin.timestamp() >= since
        )


def _output(execution: dict[str, Any]) -> dict[str, Any]:
    if execution["status"] != "SUCCEEDED":
        cause = execution.get("cause") or execution.get("error") or "no cause was given"
        raise RunError(f"the run ended as {execution['status']}: {cause}")
    output: dict[str, Any] = json.loads(execution["output"])
    return output


def _stage_seconds(marks: dict[str, str]) -> dict[str, float]:
    begins = [(stage, marks[stage]) for stage in STAGES if marks.get(stage)]
    ends = [begin for _, begin in begins[1:]] + [marks["ended"]]
    seconds = dict.fromkeys(STAGES, 0.0)
    for (stage, begin), end in zip(begins, ends, strict=True):
        seconds[stage] = _seconds_since_epoch(end) - _seconds_since_epoch(begin)
    return seconds


def _seconds_since_epoch(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def _is_about(output: dict[str, Any], month: str) -> bool:
    """Whether a run came to a decision about a model with this hold-out."""
    undecided = ("coalesced", "waiting", "nothing_to_do")
    return output.get("holdout_month") == month and output["outcome"] not in undecided
