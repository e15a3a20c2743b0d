"""A transform request: what is checked in it, and what holds where it says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flywheel.local_aws.sagemaker import data_processing
from flywheel.local_aws.sagemaker.errors import not_local, validation_error

_MEGABYTE = 1024 * 1024
_MAX_MEGABYTES = 100
# Source: SageMaker developer guide, "Use Your Own Inference Code with Batch Transform".
_DEFAULT_MEGABYTES = 6
_STRATEGIES = {"MultiRecord": "MULTI_RECORD", "SingleRecord": "SINGLE_RECORD"}


@dataclass(frozen=True)
class Sending:
    """How a transform job asks its model server."""

    single: bool
    max_bytes: int
    num_concurrent: int
    timeout_seconds: float
    num_retries: int
    headers: Mapping[str, str]


def check(params: Mapping[str, Any]) -> None:
    """Refuse what AWS refuses, and what this machine cannot do.

    Raises:
        ServiceError: With what is wrong and what to do.
    """
    megabytes = params.get("MaxPayloadInMB", _DEFAULT_MEGABYTES)
    concurrent = params.get("MaxConcurrentTransforms", 0) or 1
    if megabytes > _MAX_MEGABYTES or megabytes * concurrent > _MAX_MEGABYTES:
        raise validation_error(
            f"MaxPayloadInMB is {megabytes} and MaxConcurrentTransforms is {concurrent}; their "
            f"product must not be greater than {_MAX_MEGABYTES} MB."
        )
    if megabytes == 0:
        raise not_local("MaxPayloadInMB 0 (HTTP chunked encoding)", "Give a number of megabytes.")
    given = params["TransformInput"]
    kind = given["DataSource"]["S3DataSource"]["S3DataType"]
    if kind not in ("S3Prefix", "ManifestFile"):
        raise validation_error(
            f"S3DataType {kind} is not supported for a transform job. Use S3Prefix or ManifestFile."
        )
    if given.get("SplitType") == "TFRecord":
        raise not_local("SplitType TFRecord", "Use None, Line or RecordIO.")
    if params.get("DataCaptureConfig"):
        raise not_local("DataCaptureConfig of a transform job", "Leave it out.")
    data_processing.check(params)


def sending(params: Mapping[str, Any]) -> Sending:
    """How the job asks, with AWS's defaults for what the request leaves out."""
    client = params.get("ModelClientConfig", {})
    headers = {
        "Content-Type": params["TransformInput"].get("ContentType"),
        "Accept": params["TransformOutput"].get("Accept"),
    }
    return Sending(
        single=params.get("BatchStrategy") == "SingleRecord",
        max_bytes=params.get("MaxPayloadInMB", _DEFAULT_MEGABYTES) * _MEGABYTE,
        num_concurrent=params.get("MaxConcurrentTransforms", 0) or 1,
        timeout_seconds=client.get("InvocationsTimeoutInSeconds", 600),
        num_retries=client.get("InvocationsMaxRetries", 3),
        headers={name: value for name, value in headers.items() if value},
    )


def environment(params: Mapping[str, Any]) -> dict[str, str]:
    """What the container is told; the last three only where the request names them."""
    given = {
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": params.get("MaxPayloadInMB"),
        "SAGEMAKER_BATCH_STRATEGY": _STRATEGIES.get(params.get("BatchStrategy", "")),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": params.get("MaxConcurrentTransforms"),
    }
    told = {name: str(value) for name, value in given.items() if value is not None}
    return {**params.get("Environment", {}), "SAGEMAKER_BATCH": "true", **told}
