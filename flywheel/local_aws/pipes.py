"""EventBridge Pipes from SQS to Step Functions; ministack's own read DynamoDB streams only."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.sdk_tasks import Clients

DEFAULT_BATCH_SIZE = 10
MAX_INPUT_BYTES = 262_144  # of StartExecution. Source: AWS Step Functions quotas.
_SCAN_SECONDS = 0.2
_POLL_SECONDS = 0.1
_PER_RECEIVE = 10  # Source: SQS, MaxNumberOfMessages
_RETRY_SECONDS = 1.0
_PLACEHOLDER = re.compile(r"<(\$[^>]*|aws\.pipes\.[a-z-]+(?:\.json)?)>")

logger = logging.getLogger("flywheel.pipes")


class PipeError(Exception):
    """A batch was not delivered; its messages come back after the visibility timeout."""


@dataclass
class _Batch:
    """What a pipe has received and not yet delivered."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    since: float = 0.0  # when its first message came

    def add(self, messages: list[dict[str, Any]]) -> None:
        if messages and not self.messages:
            self.since = time.monotonic()
        self.messages += messages


class SqsPipes:
    """Runs every running pipe whose source is an SQS queue.

    Args:
        clients: of the gateway.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._stop = threading.Event()
        self._threads: dict[tuple[str, str, str], threading.Thread] = {}

    def start(self) -> None:
        """Look for pipes from now on."""
        threading.Thread(target=self._scan, name="pipes", daemon=True).start()

    def close(self) -> None:
        """Deliver nothing any more."""
        self._stop.set()

    def _scan(self) -> None:
        while not self._stop.wait(_SCAN_SECONDS):
            for pipe in seams.running_pipes():
                key = (pipe.account_id, pipe.region, pipe.name)
                known = self._threads.get(key)
                if ":sqs:" in pipe.source and (known is None or not known.is_alive()):
                    thread = threading.Thread(
                        target=self._run, args=(key,), name=f"pipe-{pipe.name}", daemon=True
                    )
                    self._threads[key] = thread
                    thread.start()

    def _run(self, key: tuple[str, str, str]) -> None:
        batch = _Batch()
        while not self._stop.is_set():
            pipe = _find(key)  # looked up each time: an update takes effect at once
            if pipe is None:
                return
            with seams.request_scope(pipe.account_id, pipe.region):
                try:
                    self._step(pipe, batch)
                except (PipeError, ClientError, BotoCoreError) as error:
                    logger.warning("pipe %s: %s", pipe.name, error)
                    batch.messages.clear()
                    self._stop.wait(_RETRY_SECONDS)

    def _step(self, pipe: seams.Pipe, batch: _Batch) -> None:
        parameters = pipe.source_parameters.get("SqsQueueParameters") or {}
        size = int(parameters.get("BatchSize") or DEFAULT_BATCH_SIZE)
        window = float(parameters.get("MaximumBatchingWindowInSeconds") or 0)
        sqs, url = self._queue(pipe)
        room = min(_PER_RECEIVE, size - len(batch.messages))
        received = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=room,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        batch.add(received)
        full = len(batch.messages) >= size
        over = bool(batch.messages) and time.monotonic() - batch.since >= window
        if full or over:
            self._deliver(pipe, batch.messages)
            self._delete(sqs, url, batch.messages)
            batch.messages.clear()
        elif not received:
            self._stop.wait(_POLL_SECONDS)

    def _deliver(self, pipe: seams.Pipe, messages: list[dict[str, Any]]) -> None:
        if ":states:" not in pipe.target:
            raise PipeError(
                f"target is {pipe.target}; local pipes deliver to Step Functions state machines."
            )
        invocation = (pipe.target_parameters.get("StepFunctionStateMachineParameters") or {}).get(
            "InvocationType", "REQUEST_RESPONSE"
        )
        if invocation != "FIRE_AND_FORGET":
            raise PipeError(
                f"InvocationType is {invocation}; a standard state machine can only be started "
                "with FIRE_AND_FORGET."
            )
        template = pipe.target_parameters.get("InputTemplate")
        records = [as_record(message, pipe) for message in messages]
        items = [transform(template, record, pipe) if template else record for record in records]
        document = json.dumps(items)
        if len(document.encode()) > MAX_INPUT_BYTES:
            raise PipeError(
                f"a batch of {len(items)} messages is {len(document.encode())} bytes; "
                f"StartExecution takes at most {MAX_INPUT_BYTES}: lower BatchSize, or make the "
                "messages smaller with an InputTemplate."
            )
        refused = seams.start_execution(pipe.target, document)
        if refused:
            raise PipeError(f"{pipe.target} was not started: {refused}")

    def _queue(self, pipe: seams.Pipe) -> tuple[Any, str]:
        sqs = self._clients.get("sqs")
        owner, name = pipe.source.split(":")[4:6]
        return sqs, f"{sqs.meta.endpoint_url}/{owner}/{name}"

    def _delete(self, sqs: Any, url: str, messages: list[dict[str, Any]]) -> None:
        for first in range(0, len(messages), _PER_RECEIVE):
            sqs.delete_message_batch(
                QueueUrl=url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages[first : first + _PER_RECEIVE])
                ],
            )


def as_record(message: dict[str, Any], pipe: seams.Pipe) -> dict[str, Any]:
    """An SQS message as a pipe hands it on.

    Source: EventBridge User Guide, "Amazon SQS as a source in EventBridge Pipes".
    """
    attributes = message.get("MessageAttributes") or {}
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes") or {},
        "messageAttributes": {
            name: {key[:1].lower() + key[1:]: part for key, part in value.items()}
            for name, value in attributes.items()
        },
        "md5OfBody": message.get("MD5OfBody", ""),
        "eventSource": "aws:sqs",
        "eventSourceARN": pipe.source,
        "awsRegion": pipe.region,
    }


def transform(template: str, record: dict[str, Any], pipe: seams.Pipe) -> Any:
    """Fill an InputTemplate; the body of a message is read as JSON where a path goes into it.

    Returns:
        What the template stands for: JSON, or text where it is no JSON.
    """
    whole = _PLACEHOLDER.fullmatch(template.strip())
    if whole:
        return _value(whole[1], record, pipe)

    def fill(match: re.Match[str]) -> str:
        value = _value(match[1], record, pipe)
        # Inside a JSON string the value is text without quotes of its own; outside it is JSON.
        quotes = len(re.findall(r'(?<!\\)"', template[: match.start()]))
        if quotes % 2:
            text = value if isinstance(value, str) else json.dumps(value)
            return json.dumps(text)[1:-1]
        return json.dumps(value)

    text = _PLACEHOLDER.sub(fill, template)
    try:
        return json.loads(text)
    except ValueError:
        return text


def _value(path: str, record: dict[str, Any], pipe: seams.Pipe) -> Any:
    if path.startswith("aws.pipes."):
        known = {
            "aws.pipes.pipe-arn": f"arn:aws:pipes:{pipe.region}:{pipe.account_id}:pipe/{pipe.name}",
            "aws.pipes.pipe-name": pipe.name,
            "aws.pipes.source-arn": pipe.source,
            "aws.pipes.target-arn": pipe.target,
            "aws.pipes.event.json": record,
        }
        if path not in known:
            raise PipeError(f"InputTemplate has <{path}>, which local pipes do not know.")
        return known[path]
    node: Any = record
    for step in re.findall(r"\.([\w-]+)|\['([^']+)'\]|\[(\d+)\]", path[1:]):
        if isinstance(node, str):
            node = _parsed(node)
        name, quoted, index = step
        if index:
            node = node[int(index)] if isinstance(node, list) and int(index) < len(node) else None
        else:
            node = node.get(name or quoted) if isinstance(node, dict) else None
        if node is None:
            return ""  # as AWS: a path that finds nothing is an empty string
    return node


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _find(key: tuple[str, str, str]) -> seams.Pipe | None:
    return next(
        (
            pipe
            for pipe in seams.running_pipes()
            if (pipe.account_id, pipe.region, pipe.name) == key
        ),
        None,
    )
