"""What an environment needs of the account's service quotas, and whether it has it.

Without credentials the limits are AWS's defaults, which are what a new account has at most; with
them, Service Quotas is asked. An instance quota is by type and use: an update of an endpoint needs
its instances twice, the old fleet's and the new one's.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from flywheel.errors import UserError
from flywheel.review.assembly import Environment, Stack
from flywheel.review.intrinsics import Resolver
from flywheel.review.sections import QuotaRow, Quotas
from flywheel.review.state_machines import Task, machines, tasks_of

DEFAULTS_DATE = "2026-11-23"
DEFAULTS_SOURCE = (
    "AWS's defaults as its guides and public repositories state them; instance quotas of SageMaker "
    "begin at 0 in a new account"
)
_BLUE_GREEN = 2
"""Fleets during an update. Source: Amazon SageMaker Developer Guide, "Blue/Green Deployments"."""


@dataclass(frozen=True)
class Quota:
    """One quota as Service Quotas knows it.

    Attributes:
        service: ServiceCode.
        name: QuotaName.
        code: QuotaCode; empty where only the name is known.
        default: What an account has that never asked for more.
    """

    service: str
    name: str
    code: str
    default: float


VPCS = Quota("vpc", "VPCs per Region", "L-F678F1CE", 5)
ENDPOINTS = Quota("vpc", "Interface VPC endpoints per VPC", "L-29B6F2EB", 50)
ROLES = Quota("iam", "Roles per account", "L-FE177D64", 1000)
BUCKETS = Quota("s3", "General purpose buckets", "L-DC2B2D3D", 10_000)
STACKS = Quota("cloudformation", "Stack count", "L-0485CB21", 2000)
SPARK = Quota("emr-serverless", "Max concurrent vCPUs per account", "L-D05C8A75", 16)
PARALLEL = Quota(
    "sagemaker", "Maximum number of parallel training jobs per hyperparameter tuning job", "", 10
)

Needs = Mapping[Quota, Mapping[str, float]]
"""Quota → who needs how much of it."""


def quotas(
    before: Environment | None,
    after: Environment,
    *,
    clients: Callable[[str], Any] | None = None,
) -> Quotas:
    """What both sides need, against the limits.

    Args:
        before: None where there is nothing yet.
        after: The environment that is reviewed.
        clients: Gives boto3 clients of the environment's account; None: AWS's defaults count.

    Raises:
        UserError: the account cannot be asked.
    """
    old = needs(before) if before else {}
    new = needs(after)
    limits = _applied(new, clients("service-quotas")) if clients else {}
    rows = []
    for quota, users in sorted(new.items(), key=lambda item: (item[0].service, item[0].name)):
        needed, limit = sum(users.values()), limits.get(quota, quota.default)
        enough = needed <= limit
        rows.append(
            QuotaRow(
                service=quota.service,
                quota=quota.name,
                code=quota.code,
                needed_before=sum(old[quota].values()) if quota in old else None,
                needed_after=needed,
                limit=limit,
                enough=enough,
                why=_who(users),
                remedy="" if enough else _remedy(quota, needed),
            )
        )
    source = "Service Quotas of the account" if clients else DEFAULTS_SOURCE
    return Quotas(source=source, date="" if clients else DEFAULTS_DATE, rows=tuple(rows))


def needs(environment: Environment) -> Needs:
    """What an environment needs when all of it works at the same time."""
    found: dict[Quota, dict[str, float]] = defaultdict(dict)
    resolver = Resolver(environment)
    found[STACKS]["stacks"] = len(environment.stacks)
    for quota, who, number in (
        *_of_resources(environment, resolver),
        *_of_jobs(environment, resolver),
    ):
        found[quota][who] = found[quota].get(who, 0) + number
    return {quota: dict(users) for quota, users in found.items()}


def _of_resources(
    environment: Environment, resolver: Resolver
) -> Iterator[tuple[Quota, str, float]]:
    for stack in environment.stacks.values():
        for resource in stack.resources.values():
            if resource["Type"] in _COUNTED:
                yield *_COUNTED[resource["Type"]], 1
            elif resource["Type"] == "AWS::EC2::VPCEndpoint":
                properties = resolver.plain(stack, resource.get("Properties", {}))
                if properties.get("VpcEndpointType") == "Interface":
                    yield ENDPOINTS, "endpoints", 1
            elif resource["Type"] == "AWS::EMRServerless::Application":
                properties = resolver.plain(stack, resource.get("Properties", {}))
                cpus = str(properties.get("MaximumCapacity", {}).get("Cpu", "0"))
                yield SPARK, stack.id, float(cpus.split(maxsplit=1)[0])
        yield from _of_endpoints(stack, resolver)


def _of_endpoints(stack: Stack, resolver: Resolver) -> Iterator[tuple[Quota, str, float]]:
    """The instances of a stack's endpoints at their most, twice."""
    variants, most = [], {}
    for resource in stack.resources.values():
        if resource["Type"] == "AWS::SageMaker::EndpointConfig":
            properties = resolver.plain(stack, resource.get("Properties", {}))
            variants += properties.get("ProductionVariants", ())
        elif resource["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget":
            properties = resolver.plain(stack, resource.get("Properties", {}))
            name = str(properties.get("ResourceId", "")).rsplit("/", 1)[-1]
            most[name] = float(properties.get("MaxCapacity", 0))
    for variant in variants:
        if "InstanceType" in variant:
            scaled = most.get(str(variant.get("VariantName")), 0)
            count = max(float(variant.get("InitialInstanceCount", 1)), scaled)
            quota = _instances(str(variant["InstanceType"]), "endpoint usage")
            yield quota, f"{stack.id}, at most {count:g}, twice in an update", count * _BLUE_GREEN


_COUNTED = {
    "AWS::EC2::VPC": (VPCS, "the network"),
    "AWS::IAM::Role": (ROLES, "roles"),
    "AWS::S3::Bucket": (BUCKETS, "buckets"),
}


def _of_jobs(environment: Environment, resolver: Resolver) -> Iterator[tuple[Quota, str, float]]:
    for machine in machines(environment, resolver):
        for _, task in tasks_of(machine.definition):
            yield from _of_job(machine.stack.id, task)


def _of_job(stack: str, task: Task) -> Iterator[tuple[Quota, str, float]]:
    arguments = task.arguments
    match task.service, task.action:
        case "sagemaker", "createTrainingJob":
            yield from _training(stack, arguments, 1)
        case "sagemaker", "createHyperParameterTuningJob":
            limits = arguments.get("HyperParameterTuningJobConfig", {}).get("ResourceLimits", {})
            parallel = float(limits.get("MaxParallelTrainingJobs", 1))
            yield PARALLEL, stack, parallel
            yield from _training(stack, arguments.get("TrainingJobDefinition", {}), parallel)
        case "sagemaker", "createProcessingJob":
            cluster = arguments.get("ProcessingResources", {}).get("ClusterConfig", {})
            yield _of_cluster(stack, cluster, "processing job usage")
        case "sagemaker", "createTransformJob":
            resources = arguments.get("TransformResources", {})
            yield _of_cluster(stack, resources, "transform job usage")


def _training(
    stack: str, request: Mapping[str, Any], jobs: float
) -> Iterator[tuple[Quota, str, float]]:
    cluster = request.get("ResourceConfig", {})
    spot = request.get("EnableManagedSpotTraining") in (True, "true")
    quota, who, count = _of_cluster(
        stack, cluster, "spot training job usage" if spot else "training job usage"
    )
    yield quota, who, count * jobs
    if float(cluster.get("KeepAlivePeriodInSeconds", 0)):
        quota, who, count = _of_cluster(stack, cluster, "training warm pool usage")
        yield quota, who, count * jobs


def _of_cluster(stack: str, cluster: Mapping[str, Any], use: str) -> tuple[Quota, str, float]:
    quota = _instances(str(cluster.get("InstanceType")), use)
    return quota, stack, float(cluster.get("InstanceCount", 1))


def _instances(instance_type: str, use: str) -> Quota:
    return Quota("sagemaker", f"{instance_type} for {use}", "", 0)


def _applied(needed: Needs, client: Any) -> dict[Quota, float]:
    """The account's own values, those that it was granted and else the defaults of AWS."""
    values: dict[tuple[str, str], float] = {}
    try:
        for service in sorted({quota.service for quota in needed}):
            for name in ("list_aws_default_service_quotas", "list_service_quotas"):
                for page in client.get_paginator(name).paginate(ServiceCode=service):
                    for each in page["Quotas"]:
                        values[service, each["QuotaName"]] = float(each["Value"])
    except (BotoCoreError, ClientError) as error:
        raise UserError(
            f"Service Quotas cannot be asked: {error} Log in to the environment's account, or "
            "leave QUOTAS=account out: then AWS's defaults count."
        ) from error
    return {
        quota: values[quota.service, quota.name]
        for quota in needed
        if (quota.service, quota.name) in values
    }


def _who(users: Mapping[str, float]) -> str:
    shown = [f"{who} ({number:g})" for who, number in sorted(users.items())]
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return ", ".join(shown[:3]) + more


def _remedy(quota: Quota, needed: float) -> str:
    code = f" ({quota.code})" if quota.code else ""
    return f"Ask for {needed:g}: Service Quotas, {quota.service}, {quota.name}{code}."
