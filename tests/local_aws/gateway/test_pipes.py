"""Pipes from SQS to Step Functions: batches, windows, templates, undeliverable messages."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from flywheel.local_aws import LocalAws
from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.pipes import as_record, transform
from tests.local_aws.gateway.conftest import ROLE
from tests.local_aws.gateway.waiting import until

PIPE = seams.Pipe("000000000000", "eu-west-1", "p", "arn:aws:sqs:eu-west-1:000000000000:q",
                  "arn:aws:states:eu-west-1:000000000000:stateMachine:m", {}, {})  # fmt: skip
EVENT = {
    "detail": {"object": {"key": "flights/month=2013-04/1.csv", "size": 7}, "tags": ["a", "b"]}
}
RECORD = as_record({"MessageId": "1", "ReceiptHandle": "r", "Body": json.dumps(EVENT)}, PIPE)

Deploy = Callable[..., dict[str, Any]]


class Loop:
    """A deployed queue, pipe and state machine."""

    def __init__(self, aws: LocalAws, stack: dict[str, Any]) -> None:
        self._states = aws.client("stepfunctions")
        self._sqs = aws.client("sqs")
        self.machine = stack["ids"]["Machine"]
        self.queue = stack["ids"]["Queue"]
        self.dead = stack["ids"]["Dead"]

    def send(self, *bodies: Any) -> None:
        for first in range(0, len(bodies), 10):
            entries = [
                {"Id": str(number), "MessageBody": json.dumps(body)}
                for number, body in enumerate(bodies[first : first + 10])
            ]
            self._sqs.send_message_batch(QueueUrl=self.queue, Entries=entries)

    def inputs(self) -> list[Any]:
        listed = self._states.list_executions(stateMachineArn=self.machine)["executions"]
        return [
            json.loads(self._states.describe_execution(executionArn=e["executionArn"])["input"])
            for e in listed
        ]

    def waiting(self, queue: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return sum(map(int, found.values()))


@pytest.fixture
def pipe(aws: LocalAws, deploy: Deploy) -> Callable[..., Loop]:
    def make(source: dict[str, Any], target: dict[str, Any] | None = None) -> Loop:
        name = f"m-{uuid.uuid4().hex[:8]}"
        definition = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
        stack = deploy(
            {
                "Dead": {"Type": "AWS::SQS::Queue"},
                "Queue": {
                    "Type": "AWS::SQS::Queue",
                    "Properties": {
                        "VisibilityTimeout": 1,
                        "RedrivePolicy": {
                            "deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]},
                            "maxReceiveCount": 1,
                        },
                    },
                },
                "Machine": {
                    "Type": "AWS::StepFunctions::StateMachine",
                    "Properties": {
                        "StateMachineName": name,
                        "DefinitionString": json.dumps(definition),
                        "RoleArn": ROLE,
                    },
                },
                "Pipe": {
                    "Type": "AWS::Pipes::Pipe",
                    "Properties": {
                        "RoleArn": ROLE,
                        "Source": {"Fn::GetAtt": ["Queue", "Arn"]},
                        "SourceParameters": {"SqsQueueParameters": source},
                        "Target": {"Ref": "Machine"},
                        "TargetParameters": {
                            "StepFunctionStateMachineParameters": {
                                "InvocationType": "FIRE_AND_FORGET"
                            },
                            **(target or {}),
                        },
                    },
                },
            }
        )
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack
        return Loop(aws, stack)

    return make


def test_many_messages_within_the_window_make_one_execution(pipe: Callable[..., Loop]) -> None:
    loop = pipe({"BatchSize": 1000, "MaximumBatchingWindowInSeconds": 1})

    loop.send(*({"n": number} for number in range(120)))
    (items,) = until(loop.inputs)

    # A set: a send that the client repeats arrives twice, as it may with SQS.
    assert {json.loads(item["body"])["n"] for item in items} == set(range(120))
    until(lambda: loop.waiting(loop.queue) == 0)
    assert len(loop.inputs()) == 1


def test_the_window_begins_with_the_first_message(pipe: Callable[..., Loop]) -> None:
    loop = pipe({"BatchSize": 1000, "MaximumBatchingWindowInSeconds": 2})
    began = time.monotonic()

    loop.send("one")
    until(loop.inputs)

    assert 1.9 < time.monotonic() - began < 4


def test_a_full_batch_does_not_wait_for_the_window(pipe: Callable[..., Loop]) -> None:
    loop = pipe({"BatchSize": 5, "MaximumBatchingWindowInSeconds": 60})

    loop.send(*range(10))
    found = until(lambda: loop.inputs() if len(loop.inputs()) == 2 else None)

    assert [len(items) for items in found] == [5, 5]


def test_a_template_shapes_each_message_of_the_batch(pipe: Callable[..., Loop]) -> None:
    loop = pipe(
        {"BatchSize": 10, "MaximumBatchingWindowInSeconds": 0},
        {"InputTemplate": '{"key": <$.body.detail.object.key>}'},
    )

    loop.send(EVENT)

    assert until(loop.inputs) == [[{"key": "flights/month=2013-04/1.csv"}]]


def test_a_batch_that_is_too_large_ends_in_the_dead_letter_queue(
    pipe: Callable[..., Loop],
) -> None:
    loop = pipe({"BatchSize": 10, "MaximumBatchingWindowInSeconds": 1})

    loop.send("x" * 200_000)
    loop.send("x" * 200_000)

    until(lambda: loop.waiting(loop.dead) == 2)
    assert loop.inputs() == []


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("<$.body.detail.object.key>", "flights/month=2013-04/1.csv"),
        ("<$.body.detail.object>", {"key": "flights/month=2013-04/1.csv", "size": 7}),
        ('{"size": <$.body.detail.object.size>}', {"size": 7}),
        ('{"text": "size <$.body.detail.object.size>"}', {"text": "size 7"}),
        ('{"tag": <$.body.detail.tags[1]>}', {"tag": "b"}),
        ('{"none": <$.body.detail.nothing>}', {"none": ""}),
        ('{"pipe": "<aws.pipes.pipe-name>"}', {"pipe": "p"}),
    ],
)
def test_input_templates_are_filled_as_aws_fills_them(template: str, expected: Any) -> None:
    assert transform(template, RECORD, PIPE) == expected
