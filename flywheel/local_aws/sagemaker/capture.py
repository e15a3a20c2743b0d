"""Data capture: requests and answers, written to S3 in the background in SageMaker's JSON Lines."""

from __future__ import annotations

import base64
import json
import logging
import queue
import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flywheel.local_aws.sagemaker.errors import JobError
from flywheel.local_aws.sagemaker.storage import Storage, join_uri

logger = logging.getLogger(__name__)

_MAX_WAITING = 10_000  # records; more than that are dropped, and said so
_MAX_FILE_BYTES = 4 << 20
_MODES = {"Input": ("Input",), "Output": ("Output",), "InputAndOutput": ("Input", "Output")}


@dataclass(frozen=True)
class Invocation:
    """One request and its answer."""

    endpoint: str
    variant: str
    request_body: bytes
    request_type: str | None
    response_body: bytes
    response_type: str | None
    inference_id: str | None
    custom_attributes: str | None
    event_id: str


class DataCapture:
    """Collects invocations and writes them as
    `<uri>/<endpoint>/<variant>/yyyy/mm/dd/hh/mm-ss-mmm-<id>.jsonl`.

    It never slows a request and never fails one.
    """

    def __init__(self, storage: Storage, flush_seconds: float) -> None:
        self._storage = storage
        self._flush_seconds = flush_seconds
        self._waiting: queue.Queue[tuple[Mapping[str, Any], Invocation] | None] = queue.Queue(
            _MAX_WAITING
        )
        self._thread = threading.Thread(target=self._run, name="data-capture", daemon=True)
        self._thread.start()

    def offer(self, config: Mapping[str, Any] | None, invocation: Invocation) -> None:
        """Take an invocation when the endpoint's DataCaptureConfig samples it."""
        if config is None or not config.get("EnableCapture", True):
            return
        if random.random() * 100 >= config["InitialSamplingPercentage"]:  # noqa: S311 - sampling, not secrets
            return
        try:
            self._waiting.put_nowait((config, invocation))
        except queue.Full:
            logger.warning(
                "data capture of endpoint %s is behind: a record was dropped", invocation.endpoint
            )

    def close(self) -> None:
        """Write what waits and end."""
        self._waiting.put(None)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        open_ = True
        while open_:
            first = self._waiting.get()
            batch = [] if first is None else [first]
            open_ = first is not None
            deadline = time.monotonic() + self._flush_seconds
            size = 0
            while open_ and size < _MAX_FILE_BYTES and (left := deadline - time.monotonic()) > 0:
                try:
                    item = self._waiting.get(timeout=left)
                except queue.Empty:
                    break
                if item is None:
                    open_ = False
                else:
                    batch.append(item)
                    size += len(item[1].request_body) + len(item[1].response_body)
            self._write(batch)

    def _write(self, batch: list[tuple[Mapping[str, Any], Invocation]]) -> None:
        files: dict[tuple[str, str | None], list[str]] = defaultdict(list)
        for config, invocation in batch:
            uri = join_uri(config["DestinationS3Uri"], invocation.endpoint, invocation.variant)
            files[uri, config.get("KmsKeyId")].append(json.dumps(_record(config, invocation)))
        for (uri, kms_key_id), lines in files.items():
            name = (
                datetime.now(UTC).strftime("%Y/%m/%d/%H/%M-%S-%f")[:-3] + f"-{uuid.uuid4()}.jsonl"
            )
            try:
                self._storage.write(
                    join_uri(uri, name), ("\n".join(lines) + "\n").encode(), kms_key_id
                )
            except JobError as error:
                logger.warning("data capture lost %d records: %s", len(lines), error)


def _record(config: Mapping[str, Any], invocation: Invocation) -> dict[str, Any]:
    options = [option["CaptureMode"] for option in config["CaptureOptions"]]
    wanted = {mode for option in options for mode in _MODES[option]}
    data = {}
    if "Input" in wanted:
        data["endpointInput"] = _body(
            config, "INPUT", invocation.request_body, invocation.request_type
        )
    if "Output" in wanted:
        data["endpointOutput"] = _body(
            config, "OUTPUT", invocation.response_body, invocation.response_type
        )
    metadata: dict[str, Any] = {
        "eventId": invocation.event_id,
        "inferenceTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if invocation.inference_id is not None:
        metadata["inferenceId"] = invocation.inference_id
    if invocation.custom_attributes is not None:
        metadata["customAttributes"] = [invocation.custom_attributes]
    return {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}


def _body(
    config: Mapping[str, Any], mode: str, body: bytes, content_type: str | None
) -> dict[str, str]:
    kind = (content_type or "application/octet-stream").partition(";")[0].strip()
    headers = config.get("CaptureContentTypeHeader", {})
    encoding = "BASE64"
    if kind in headers.get("CsvContentTypes", ["text/csv"]):
        encoding = "CSV"
    elif kind in headers.get("JsonContentTypes", ["application/json"]):
        encoding = "JSON"
    if encoding != "BASE64":
        try:
            return {
                "observedContentType": kind,
                "mode": mode,
                "data": body.decode(),
                "encoding": encoding,
            }
        except UnicodeDecodeError:
            encoding = "BASE64"
    return {
        "observedContentType": kind,
        "mode": mode,
        "data": base64.b64encode(body).decode(),
        "encoding": encoding,
    }
