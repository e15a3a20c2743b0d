"""One embedded AWS for all tests of this folder (one for each process of pytest-xdist)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flywheel.local_aws import LocalAws
from tests.local_aws.gateway.waiting import until

ROLE = "arn:aws:iam::000000000000:role/tests"


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    with LocalAws() as running:
        yield running


@pytest.fixture
def bucket(aws: LocalAws) -> str:
    name = f"tests-{uuid.uuid4().hex[:12]}"
    aws.client("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": aws.region}
    )
    return name


Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run_states(aws: LocalAws) -> Run:
    """Runs JSONata states to their end; returns DescribeExecution, its output parsed."""
    states_client = aws.client("stepfunctions")

    def run(states: dict[str, Any], start: Any = None) -> dict[str, Any]:
        definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
        machine = states_client.create_state_machine(
            name=f"tests-{uuid.uuid4().hex[:12]}", definition=json.dumps(definition), roleArn=ROLE
        )["stateMachineArn"]
        execution = states_client.start_execution(
            stateMachineArn=machine, input=json.dumps(start or {})
        )["executionArn"]

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = states_client.describe_execution(executionArn=execution)
            return found if found["status"] != "RUNNING" else None

        found = until(ended)
        if "output" in found:
            found["output"] = json.loads(found["output"])
        return found

    return run


@pytest.fixture
def deploy(aws: LocalAws) -> Iterator[Callable[..., dict[str, Any]]]:
    """Creates or updates a stack; returns it when it is complete. All are deleted at the end."""
    cloudformation = aws.client("cloudformation")
    deployed: list[str] = []

    def run(resources: dict[str, Any], name: str | None = None, **sections: Any) -> dict[str, Any]:
        body = json.dumps({"Resources": resources, **sections})
        if name is None:
            name = f"tests-{uuid.uuid4().hex[:12]}"
            deployed.append(name)
            cloudformation.create_stack(StackName=name, TemplateBody=body)
        else:
            cloudformation.update_stack(StackName=name, TemplateBody=body)

        def settled() -> dict[str, Any] | None:
            found: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
            return None if found["StackStatus"].endswith("IN_PROGRESS") else found

        stack = until(settled)
        resources_of = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        stack["ids"] = {r["LogicalResourceId"]: r.get("PhysicalResourceId") for r in resources_of}
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        stack["reasons"] = [r for e in events if (r := e.get("ResourceStatusReason", ""))]
        stack["outputs"] = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}
        return stack

    yield run
    for name in deployed:
        cloudformation.delete_stack(StackName=name)
