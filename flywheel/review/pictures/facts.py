"""The one fact worth a line in a part's box."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from flywheel.review.pictures.flows import way_in
from flywheel.review.pictures.parts import Part, Parts
from flywheel.review.state_machines import definition_of, states_of


def fact(parts: Parts, part: Part) -> str:
    """What a reader wants to know of this part at a glance; nothing for most."""
    own = parts.properties(part.stack, part.logical_id)
    members = list(parts.members(part))
    match part.type:
        case "AWS::SageMaker::Endpoint":
            says = _fleet(members)
        case "AWS::StepFunctions::StateMachine":
            count = sum(1 for _ in states_of(definition_of(part.stack, own)))
            says = _counted(count, "state")
        case "AWS::ApiGateway::RestApi" | "AWS::ApiGatewayV2::Api":
            says = way_in(parts, part)
        case "AWS::EMRServerless::Application":
            capacity = own.get("MaximumCapacity") or {}
            says = ", ".join(filter(None, (own.get("ReleaseLabel"), capacity.get("Cpu"))))
        case "AWS::EC2::VPC":
            says = _network(kind for kind, _ in members)
        case "AWS::S3::Bucket":
            says = _counted(sum(kind == "AWS::Glue::Table" for kind, _ in members), "Glue table")
        case "AWS::Lambda::Function":
            says = str(own.get("Runtime", ""))
        case _:
            says = ""
    return says


def _fleet(members: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    """`2 × ml.m5.xlarge`, of every variant."""
    variants = [
        variant
        for kind, properties in members
        if kind == "AWS::SageMaker::EndpointConfig"
        for variant in properties.get("ProductionVariants", ())
    ]
    return ", ".join(
        f"{each.get('InitialInstanceCount', '1')} × {each['InstanceType']}"
        if each.get("InstanceType")
        else "serverless"
        for each in variants
        if isinstance(each, Mapping)
    )


def _network(kinds: Iterable[str]) -> str:
    counts = Counter(kinds)
    doors = counts["AWS::EC2::InternetGateway"] + counts["AWS::EC2::NatGateway"]
    ways = _counted(counts["AWS::EC2::VPCEndpoint"], "VPC endpoint")
    return ", ".join(filter(None, ["internet" if doors else "no way to the internet", ways]))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count > 1 else ''}" if count else ""
