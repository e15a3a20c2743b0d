"""One endpoint: what it is, and how AWS describes it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flywheel.local_aws.sagemaker.fleet import Fleet, Variant
from flywheel.local_aws.sagemaker.resources import Resource, echo
from flywheel.local_aws.sagemaker.traffic import Traffic


@dataclass(kw_only=True)
class Endpoint(Resource):
    """One endpoint; its name stays while models change."""

    config_name: str
    status: str = "Creating"
    failure_reason: str | None = None
    fleet: Fleet | None = None  # the deployment that DescribeEndpoint tells about
    pending: Fleet | None = None
    capture: dict[str, Any] | None = None
    deployment: dict[str, Any] | None = None
    traffic: Traffic = field(default_factory=Traffic)
    deployments: itertools.count[int] = field(default_factory=lambda: itertools.count(1))


def describe(endpoint: Endpoint) -> dict[str, Any]:
    """The DescribeEndpoint response; the state is locked."""
    answer: dict[str, Any] = {
        **summary(endpoint),
        "EndpointConfigName": endpoint.config_name,
    }
    if endpoint.fleet is not None:
        answer["ProductionVariants"] = [_variant(one) for one in endpoint.fleet.variants.values()]
    if endpoint.failure_reason is not None:
        answer["FailureReason"] = endpoint.failure_reason
    if endpoint.deployment is not None:
        answer["LastDeploymentConfig"] = endpoint.deployment
    if endpoint.pending is not None:
        answer["PendingDeploymentSummary"] = {
            "EndpointConfigName": endpoint.pending.config_name,
            "ProductionVariants": [_variant(one) for one in endpoint.pending.variants.values()],
            "StartTime": endpoint.modified,
        }
    if endpoint.capture is not None:
        enabled = endpoint.capture.get("EnableCapture", True)
        answer["DataCaptureConfig"] = {
            "EnableCapture": enabled,
            "CaptureStatus": "Started" if enabled else "Stopped",
            "CurrentSamplingPercentage": endpoint.capture["InitialSamplingPercentage"],
            "DestinationS3Uri": endpoint.capture["DestinationS3Uri"],
            "KmsKeyId": endpoint.capture.get("KmsKeyId", ""),
        }
    return answer


def _variant(variant: Variant) -> dict[str, Any]:
    image = variant.container.image
    answer: dict[str, Any] = {
        "VariantName": variant.name,
        "DeployedImages": [{"SpecifiedImage": image, "ResolvedImage": image}],
        "CurrentWeight": float(variant.weight),
        "DesiredWeight": float(variant.weight),
    }
    if "ServerlessConfig" in variant.settings:
        serverless: Mapping[str, Any] = variant.settings["ServerlessConfig"]
        return answer | {
            "CurrentServerlessConfig": serverless,
            "DesiredServerlessConfig": serverless,
        }
    count = variant.num_instances
    answer |= {"CurrentInstanceCount": count, "DesiredInstanceCount": count}
    return answer | echo(variant.settings, "ManagedInstanceScaling", "RoutingConfig")


def summary(endpoint: Endpoint) -> dict[str, Any]:
    """What ListEndpoints says about an endpoint."""
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
        "EndpointStatus": endpoint.status,
    }
