"""A small environment with what costs, what has quotas and what runs jobs; resources by hand."""

import json
from collections.abc import Mapping
from typing import Any

from flywheel.review import Environment, Stack

Resources = Mapping[str, tuple[str, Mapping[str, Any]]]


def environment(name: str = "prod", **stacks: Resources) -> Environment:
    """Stacks of resources, each `logical id: (type, properties)`."""
    return Environment(
        name,
        {
            stack_id: Stack(
                id=stack_id,
                name=f"{name}-{stack_id}",
                environment=name,
                region="eu-west-1",
                account=None,
                template={
                    "Resources": {
                        logical_id: {"Type": kind, "Properties": dict(properties)}
                        for logical_id, (kind, properties) in resources.items()
                    }
                },
                paths={logical_id: f"{stack_id}/{logical_id}/Resource" for logical_id in resources},
            )
            for stack_id, resources in stacks.items()
        },
    )


def endpoint(instance_type: str, count: int, **more: Any) -> tuple[str, Mapping[str, Any]]:
    variant = {
        "VariantName": "main",
        "InstanceType": instance_type,
        "InitialInstanceCount": count,
    }
    return "AWS::SageMaker::EndpointConfig", {"ProductionVariants": [variant], **more}


def machine(**tasks: tuple[str, Mapping[str, Any]]) -> tuple[str, Mapping[str, Any]]:
    """A state machine of tasks, each `name: (action, arguments)`."""
    states = {
        name: {"Type": "Task", "Resource": f"arn:aws:states:::{action}", "Arguments": arguments}
        for name, (action, arguments) in tasks.items()
    }
    definition = {"StartAt": next(iter(states)), "States": states}
    return "AWS::StepFunctions::StateMachine", {"DefinitionString": json.dumps(definition)}


def cluster(instance_type: str, count: int = 1, **more: Any) -> dict[str, Any]:
    return {"InstanceType": instance_type, "InstanceCount": count, **more}
