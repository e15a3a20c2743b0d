"""Amazon States Language in small pieces: states, what they may do, when they are tried again."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

Json = dict[str, Any]
Permission = Callable[[iam.Role], object]

AFTER_A_FAILURE = "Release"
"""The one state that every failure leads to: it gives the lock back."""

NULL = "{% null %}"
"""AWS CDK leaves out what is None when it writes JSON."""

EMPTY = "{% '' %}"
"""Plain empty text is refused by AWS's schema of `Assign`."""

_CALL_SECONDS = 60
_GENERAL = {
    "athena": ("Athena.AmazonAthenaException", "Athena.TooManyRequestsException"),
    "cloudformation": ("CloudFormation.CloudFormationException",),
    "dynamodb": (
        "DynamoDB.AmazonDynamoDBException",
        "DynamoDB.InternalServerErrorException",
        "DynamoDB.ProvisionedThroughputExceededException",
        "DynamoDB.RequestLimitExceededException",
        "DynamoDB.ThrottlingException",
        "DynamoDB.TransactionConflictException",
    ),
    "emr-serverless": (
        "EMRServerless.InternalServerException",
        "EMRServerless.ThrottlingException",
    ),
    "s3": ("S3.S3Exception", "S3.SdkClientException"),
    "sagemaker": ("SageMaker.AmazonSageMakerException", "SageMaker.SageMakerException"),
    "sns": (
        "SNS.AmazonSNSException",
        "SNS.InternalErrorException",
        "SNS.KMSThrottlingException",
        "SNS.ThrottledException",
    ),
    "ssm": ("Ssm.InternalServerErrorException", "Ssm.SsmException", "Ssm.TooManyUpdatesException"),
    "states": ("StepFunctions.AWSStepFunctionsException", "StepFunctions.ThrottlingException"),
}
"""Error names of throttling and of a service's own faults.

Several services report throttling under no name of its own, but under the general one (`…Exception`
with the service's name in it); so that one is tried again as well. A failed job has another name
(`States.TaskFailed`) and is not.
Source: AWS Step Functions Developer Guide, "Handling errors"; the AWS SDK for Java's exceptions.
"""


@dataclass(frozen=True)
class State:
    """One state and what the machine's role must be allowed for it."""

    name: str
    body: Json
    needs: tuple[Permission, ...] = ()


def expression(text: str) -> str:
    """A JSONata expression as a field's value; line breaks and indentation are dropped."""
    return "{% " + " ".join(text.split()) + " %}"


def literal(value: Any) -> str:
    """A value known at synthesis as JSONata source."""
    return json.dumps(value)


def service_of(resource: str) -> str:
    """`aws-sdk:ssm:putParameter` and `dynamodb:updateItem` are calls of ssm and dynamodb."""
    parts = resource.split(":")
    return parts[1] if parts[0] == "aws-sdk" else parts[0]


def task(
    name: str,
    resource: str,
    arguments: Json,
    *,
    then: str,
    comment: str,
    assign: Mapping[str, Any] | None = None,
    catch: Iterable[Json] = (),
    timeout_seconds: int = _CALL_SECONDS,
    on_failure: str | Json = AFTER_A_FAILURE,
    needs: Iterable[Permission] = (),
) -> State:
    """A call of AWS: timed, tried again when throttled, and caught whatever happens.

    Args:
        resource: The part of the resource ARN after `states:::`.
        then: The next state.
        assign: Variables, from `$states.result`.
        catch: Catchers before the general one.
        on_failure: Where every other error leads, `$failure` saying what failed; or the catcher.
        needs: What the role must be allowed.
    """
    body: Json = {
        **_call(resource, arguments, comment=comment, timeout_seconds=timeout_seconds),
        "Catch": [*catch, _general(on_failure)],
        # All that later states need is in variables; results would only burden the history.
        "Output": {},
        "Next": then,
    }
    if assign:
        body["Assign"] = dict(assign)
    return State(name, body, tuple(needs))


def task_for_each(
    name: str,
    items: str,
    resource: str,
    arguments: Json,
    *,
    inner_name: str,
    output: Any,
    then: str,
    comment: str,
    assign: Mapping[str, Any] | None = None,
    needs: Iterable[Permission] = (),
) -> State:
    """The same call of AWS for each of some items, all at once; one that fails fails them all.

    Args:
        items: JSONata of an array; a call sees its item as `$states.input`.
        inner_name: What the call is named in the picture.
        output: What a call leaves; `$states.result` of `assign` is the array of them.
    """
    call = {**_call(resource, arguments, comment=comment), "Output": output, "End": True}
    body: Json = {
        "Type": "Map",
        "Comment": comment,
        "Items": expression(items),
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": inner_name,
            "States": {inner_name: call},
        },
        "Catch": [_general(AFTER_A_FAILURE)],
        "Output": {},
        "Next": then,
    }
    if assign:
        body["Assign"] = dict(assign)
    return State(name, body, tuple(needs))


def _call(
    resource: str, arguments: Json, *, comment: str, timeout_seconds: int = _CALL_SECONDS
) -> Json:
    return {
        "Type": "Task",
        "Comment": comment,
        "Resource": f"arn:{Aws.PARTITION}:states:::{resource}",
        "Arguments": arguments,
        "TimeoutSeconds": timeout_seconds,
        "Retry": [
            {
                "ErrorEquals": list(errors_of(resource)),
                "IntervalSeconds": 2,
                "BackoffRate": 2,
                "MaxAttempts": 4,
                "MaxDelaySeconds": 60,
                "JitterStrategy": "FULL",
            }
        ],
    }


def errors_of(resource: str) -> tuple[str, ...]:
    """What a call is tried again after; a job that was started and failed is not among it."""
    return _GENERAL[service_of(resource)]


def _general(on_failure: str | Json) -> Json:
    return catch_all(on_failure) if isinstance(on_failure, str) else on_failure


def catch_all(then: str, error: str = "States.ALL") -> Json:
    """Notes what failed in `$failure` and goes on there.

    A job's error comes with its whole description; of that only the service's own reason is kept.
    """
    return {
        "ErrorEquals": [error],
        "Assign": {
            "failure": {
                "state": expression("$states.context.State.Name"),
                "error": expression("$states.errorOutput.Error"),
                "cause": expression(
                    r"""(
                    $cause := $states.errorOutput.Cause & '';
                    $reason := $match($cause,
                        /"(FailureReason|StateDetails|StateChangeReason)" ?: ?"([^"]+)"/, 1);
                    $exists($reason) ? $reason.groups[1] : $substring($cause, 0, 2000)
                    )"""
                ),
            }
        },
        "Output": {},
        "Next": then,
    }


def choice(
    name: str,
    rules: Iterable[tuple[str, str]],
    *,
    otherwise: str,
    comment: str,
    assign: Mapping[str, Any] | None = None,
) -> State:
    """The first rule (condition, next state) that holds decides.

    Args:
        otherwise: The next state if no rule holds.
        assign: Variables that are set if no rule holds.
    """
    body: Json = {
        "Type": "Choice",
        "Comment": comment,
        "Choices": [
            {"Condition": expression(condition), "Next": then} for condition, then in rules
        ],
        "Default": otherwise,
    }
    if assign:
        body["Assign"] = dict(assign)
    return State(name, body)


def wait(name: str, seconds: int, *, then: str, comment: str) -> State:
    """Does nothing for a while."""
    return State(name, {"Type": "Wait", "Comment": comment, "Seconds": seconds, "Next": then})


def failure(state: str, error: str, cause: str) -> Json:
    """`$failure` of what no service reported; the cause is JSONata."""
    return {"failure": {"state": state, "error": error, "cause": expression(cause)}}


def note(name: str, assign: Mapping[str, Any], *, then: str, comment: str) -> State:
    """Sets variables and calls nothing."""
    return State(
        name,
        {"Type": "Pass", "Comment": comment, "Assign": dict(assign), "Output": {}, "Next": then},
    )


def allow(
    *actions: str, on: Iterable[str], conditions: Mapping[str, Any] | None = None
) -> Permission:
    """A statement for the machine's role."""
    resources = list(on)
    return lambda role: role.add_to_policy(
        iam.PolicyStatement(actions=list(actions), resources=resources, conditions=conditions)
    )


def allow_pass(role_arn: str, service: str) -> Permission:
    """Hand this role to this service, and to no other."""
    return allow(
        "iam:PassRole",
        on=[role_arn],
        conditions={"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}},
    )


def definition(states: Iterable[State], *, comment: str, timeout_seconds: int) -> Json:
    """The machine, starting at the first state."""
    listed = list(states)
    names = [state.name for state in listed]
    if len(set(names)) != len(names):
        raise ValueError(f"two states share a name: {sorted(names)}")
    return {
        "Comment": comment,
        "QueryLanguage": "JSONata",
        "StartAt": names[0],
        "TimeoutSeconds": timeout_seconds,
        "States": {state.name: state.body for state in listed},
    }
