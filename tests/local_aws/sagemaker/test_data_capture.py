"""Data capture: what the endpoint was asked and what it answered, in S3."""

from __future__ import annotations

import base64
import json
import re
import threading
from typing import Any

from tests.local_aws.sagemaker.helpers import Aws, unique


def captured(aws: Aws, prefix: str, count: int) -> tuple[list[str], list[dict[str, Any]]]:
    """The files below a prefix and their records, when there are that many."""
    for _ in range(1000):
        keys = aws.keys(prefix)
        lines = [line for key in keys for line in aws.get(f"s3://{aws.bucket}/{key}").splitlines()]
        if len(lines) >= count:
            return keys, [json.loads(line) for line in lines]
        threading.Event().wait(0.02)
    raise AssertionError(f"{len(lines)} records in {keys}")


def capture(aws: Aws, prefix: str, *modes: str, percent: int = 100) -> dict[str, Any]:
    """A DataCaptureConfig."""
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": percent,
        "DestinationS3Uri": f"s3://{aws.bucket}/{prefix}",
        "CaptureOptions": [{"CaptureMode": mode} for mode in modes],
    }


def test_requests_and_answers_are_captured_in_sagemakers_layout(aws: Aws) -> None:
    prefix = unique("captured")
    config = aws.endpoint_config(
        aws.model("one"), DataCaptureConfig=capture(aws, prefix, "Input", "Output")
    )
    endpoint = aws.endpoint(config)
    aws.ask(endpoint, "1,2", InferenceId="request-1")
    aws.ask(endpoint, "3,4")
    keys, records = captured(aws, prefix, 2)
    layout = (
        rf"{prefix}/{endpoint}/v1/\d{{4}}/\d\d/\d\d/\d\d/\d\d-\d\d-\d{{3}}-[0-9a-f-]{{36}}\.jsonl"
    )
    assert all(re.fullmatch(layout, key) for key in keys)
    first = records[0]
    assert first["captureData"] == {
        "endpointInput": {
            "observedContentType": "text/csv",
            "mode": "INPUT",
            "data": "1,2",
            "encoding": "CSV",
        },
        "endpointOutput": {
            "observedContentType": "text/csv",
            "mode": "OUTPUT",
            "data": "one:1,2",
            "encoding": "CSV",
        },
    }
    assert first["eventVersion"] == "0"
    assert first["eventMetadata"]["inferenceId"] == "request-1"
    assert "inferenceId" not in records[1]["eventMetadata"]
    described = aws.sagemaker.describe_endpoint(EndpointName=endpoint)["DataCaptureConfig"]
    assert described["CaptureStatus"] == "Started"


def test_bytes_are_captured_as_base64_and_only_what_is_asked_for(aws: Aws) -> None:
    prefix = unique("captured")
    config = aws.endpoint_config(aws.model("one"), DataCaptureConfig=capture(aws, prefix, "Input"))
    endpoint = aws.endpoint(config)
    body = b"\x93NUMPY\x00\xff"
    aws.runtime.invoke_endpoint(
        EndpointName=endpoint, Body=body, ContentType="application/octet-stream", Accept="text/csv"
    )
    _, (record,) = captured(aws, prefix, 1)
    assert list(record["captureData"]) == ["endpointInput"]
    assert record["captureData"]["endpointInput"]["encoding"] == "BASE64"
    assert base64.b64decode(record["captureData"]["endpointInput"]["data"]) == body


def test_a_capture_that_cannot_be_written_does_not_touch_the_requests(aws: Aws) -> None:
    config = capture(aws, "", "Input") | {"DestinationS3Uri": "s3://no-such-bucket/captured"}
    endpoint = aws.endpoint(aws.endpoint_config(aws.model("one"), DataCaptureConfig=config))
    assert [aws.ask(endpoint) for _ in range(5)] == ["one:x"] * 5


def test_sampling_at_zero_percent_captures_nothing(aws: Aws) -> None:
    nothing, everything = unique("captured"), unique("captured")
    model = aws.model("one")
    silent = aws.endpoint(
        aws.endpoint_config(model, DataCaptureConfig=capture(aws, nothing, "Input", percent=0))
    )
    loud = aws.endpoint(
        aws.endpoint_config(model, DataCaptureConfig=capture(aws, everything, "Input"))
    )
    for _ in range(5):
        aws.ask(silent)
    aws.ask(loud)
    captured(aws, everything, 1)  # written after whatever the silent endpoint could have captured
    assert aws.keys(nothing) == []
