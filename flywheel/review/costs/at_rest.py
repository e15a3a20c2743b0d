"""What is paid by the month though nothing happens."""

from collections.abc import Iterator, Mapping
from typing import Any

from flywheel.review.costs.line import Estimate, Line, Place, Unknown, number
from flywheel.review.costs.prices import HOURS_PER_MONTH
from flywheel.review.naming import readable_path
from flywheel.review.sections import CostKind

_MONTH: CostKind = "at_rest_month"
_HOURLY = {
    "AWS::EC2::Instance": "by the hour of its type",
    "AWS::RDS::DBInstance": "by the hour of its type",
    "AWS::RDS::DBCluster": "by the hour of its instances",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "by the hour and by traffic",
    "AWS::OpenSearchService::Domain": "by the hour of its instances",
    "AWS::SageMaker::NotebookInstance": "by the hour of its type",
    "AWS::SageMaker::Domain": "by the hour of its apps",
    "AWS::Redshift::Cluster": "by the hour of its nodes",
    "AWS::ElastiCache::ReplicationGroup": "by the hour of its nodes",
    "AWS::WAFv2::WebACL": "by the month, rule and request",
    "AWS::SecretsManager::Secret": "by the month",
}
"""Types that cost something for being there, and that the table has no price for."""


def at_rest(estimate: Estimate) -> Iterator[Line | Unknown]:
    """The lines of every resource that costs something for being there."""
    assumed = estimate.assumed
    shared = {
        "AWS::S3::Bucket": ("all buckets together", assumed.storage_gb, "s3-storage"),
        "AWS::Logs::LogGroup": ("all logs together", assumed.logs_gb_per_month, "cloudwatch-logs"),
    }
    for stack in estimate.environment.stacks.values():
        for logical_id, resource in stack.resources.items():
            place = (stack.id, readable_path(stack, logical_id))
            properties = estimate.resolver.plain(stack, resource.get("Properties", {}))
            yield from _of(estimate, place, resource["Type"], properties)
            if resource["Type"] in shared:  # assumed for the environment: said once, at the first
                what, gigabytes, service = shared.pop(resource["Type"])
                what = f"{what}, {gigabytes:g} GB assumed"
                yield estimate.line(place, what, _MONTH, gigabytes, service)


def _of(
    estimate: Estimate, place: Place, kind: str, properties: Mapping[str, Any]
) -> Iterator[Line | Unknown]:
    if kind == "AWS::EC2::VPCEndpoint":
        zones = len(properties.get("SubnetIds", ()))
        if properties.get("VpcEndpointType") == "Interface":
            name = str(properties.get("ServiceName")).split(".", 3)[-1]
            hours = zones * HOURS_PER_MONTH
            yield estimate.line(place, f"{name} in {zones} zones", _MONTH, hours, "vpc-endpoint")
    elif kind == "AWS::EC2::NatGateway":
        yield estimate.line(place, "without its traffic", _MONTH, HOURS_PER_MONTH, "nat-gateway")
    elif kind == "AWS::KMS::Key":
        yield estimate.line(place, "key", _MONTH, 1, "kms-key")
    elif kind == "AWS::CloudWatch::Alarm":
        metrics = sum("MetricStat" in each for each in properties.get("Metrics", ())) or 1
        yield estimate.line(place, "alarm", _MONTH, metrics, "cloudwatch-alarm")
    elif kind == "AWS::CloudWatch::Dashboard":
        yield estimate.line(place, "dashboard", _MONTH, 1, "cloudwatch-dashboard")
    elif kind == "AWS::SageMaker::EndpointConfig":
        yield from _endpoint(estimate, place, properties)
    elif kind in _HOURLY:
        yield Unknown(place[1], kind, f"it is paid {_HOURLY[kind]}")


def _endpoint(
    estimate: Estimate, place: Place, properties: Mapping[str, Any]
) -> Iterator[Line | Unknown]:
    hours = estimate.assumed.endpoint_hours_per_month
    for variant in properties.get("ProductionVariants", ()):
        instance_type = variant.get("InstanceType")
        if instance_type is None:
            yield Unknown(place[1], "serverless variant", "it is paid by what it does")
            continue
        count = number(variant.get("InitialInstanceCount"), 1)
        what = f"{variant.get('VariantName')}: {count:g} × {instance_type}, once there is a model"
        yield estimate.instance(place, what, _MONTH, count * hours, instance_type)
