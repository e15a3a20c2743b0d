"""`make drift`: what differs between the templates, what is deployed, and what is really there.

CloudFormation compares deployed templates with the resources themselves. It does not know every
type, and an AWS that cannot do it at all says so.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from flywheel.errors import UserError
from flywheel.review.assembly import Environment

_POLL_SECONDS = 2.0
_WITHIN_SECONDS = 600.0
_CANNOT = ("InvalidAction", "UnsupportedOperation", "NotImplemented", "UnknownOperation", "501")


@dataclass(frozen=True)
class Drifted:
    """A resource that somebody changed past its template.

    Attributes:
        path: construct path, or the logical id where that is not known.
        what: MODIFIED with the properties, or DELETED.
    """

    stack: str
    path: str
    what: str


class CannotDetectError(UserError):
    """This AWS does not detect drift."""


def detect(deployed: Environment, cloudformation: Any, say: Callable[[str], None]) -> list[Drifted]:
    """Ask CloudFormation to compare every stack with its resources, and wait for the answers.

    Args:
        deployed: The stacks that are there.
        cloudformation: boto3's client.
        say: Told what is waited for.

    Raises:
        CannotDetectError: this AWS has no drift detection.
        UserError: a detection failed or took too long.
    """
    started = {stack.name: _start(cloudformation, stack.name) for stack in deployed.stacks.values()}
    say(f"CloudFormation compares {len(started)} stacks with their resources")
    _wait(cloudformation, started)
    found = []
    for stack in deployed.stacks.values():
        for each in _drifts(cloudformation, stack.name):
            path = stack.paths.get(each["LogicalResourceId"], each["LogicalResourceId"])
            found.append(Drifted(stack.id, path.removesuffix("/Resource"), _in_words(each)))
    return found


def _start(cloudformation: Any, stack: str) -> str:
    try:
        answer = cloudformation.detect_stack_drift(StackName=stack)
    except ClientError as error:
        if error.response["Error"]["Code"] in _CANNOT:
            raise CannotDetectError(
                "this AWS has no drift detection: only templates were compared."
            ) from error
        raise UserError(f"CloudFormation cannot look for drift of {stack}: {error}") from error
    return str(answer["StackDriftDetectionId"])


def _wait(cloudformation: Any, started: dict[str, str]) -> None:
    until = time.monotonic() + _WITHIN_SECONDS
    waiting = dict(started)
    while waiting:
        for stack, detection in list(waiting.items()):
            status = cloudformation.describe_stack_drift_detection_status(
                StackDriftDetectionId=detection
            )
            if status["DetectionStatus"] == "DETECTION_FAILED":
                reason = status.get("DetectionStatusReason", "no reason given")
                raise UserError(f"Drift detection of {stack} failed: {reason}.")
            if status["DetectionStatus"] == "DETECTION_COMPLETE":
                del waiting[stack]
        if waiting and time.monotonic() > until:
            raise UserError(
                f"Drift detection of {', '.join(waiting)} took longer than "
                f"{_WITHIN_SECONDS:.0f} s; try again."
            )
        if waiting:
            time.sleep(_POLL_SECONDS)


def _drifts(cloudformation: Any, stack: str) -> Iterator[dict[str, Any]]:
    token: dict[str, str] = {}
    while True:
        answer = cloudformation.describe_stack_resource_drifts(
            StackName=stack, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"], **token
        )
        yield from answer["StackResourceDrifts"]
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}


def _in_words(drift: dict[str, Any]) -> str:
    if drift["StackResourceDriftStatus"] == "DELETED":
        return f"{drift['ResourceType']} is deleted"
    changes = [
        f"{each['PropertyPath'].lstrip('/')} is {each.get('ActualValue')} "
        f"instead of {each.get('ExpectedValue')}"
        for each in drift.get("PropertyDifferences", ())
    ]
    return f"{drift['ResourceType']}: {_listed(changes) or 'modified'}"


def _listed(parts: Iterable[str]) -> str:
    return "; ".join(parts)
