"""The endpoint with each of its options on and off."""

from typing import Any

import pytest
from aws_cdk import CfnCondition, Fn, Stack

from components.data_lake import DataLake
from components.model_endpoint import ModelEndpoint
from components.network import Network
from tests.components.conftest import environment_settings, synthesised, workload_settings
from tests.conftest import Template

TWO = [{"name": "main", "instance_type": "ml.m5.large", "instance_count": 2}]


def endpoint(stack: Stack, **serving: Any) -> Template:
    environment = environment_settings()
    workload = workload_settings(**serving)
    network = Network(stack, "Network", environment=environment)
    ModelEndpoint(
        stack,
        "Serving",
        environment=environment,
        workload=workload,
        network=network,
        lake=DataLake(
            stack, "Lake", environment=environment, workloads={"sales": workload}, network=network
        ),
        champion="arn:aws:sagemaker:eu-west-1:111122223333:model-package/test-sales/1",
        has_champion=CfnCondition(stack, "Has", expression=Fn.condition_equals("a", "a")),
    )
    return synthesised(stack)


def test_without_options_there_is_neither_canary_nor_scaling_nor_capture(stack: Stack) -> None:
    template = endpoint(stack)
    config = template.only("AWS::SageMaker::EndpointConfig")
    assert "DataCaptureConfig" not in config
    assert template.of_type("AWS::ApplicationAutoScaling::ScalableTarget") == {}
    properties = template.only("AWS::SageMaker::Endpoint")
    assert "RetainAllVariantProperties" not in properties, "the settings say how many"
    policy = properties["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"] == {
        "Type": "ALL_AT_ONCE",
        "WaitIntervalInSeconds": 0,
    }
    assert policy["TerminationWaitInSeconds"] == 0


def test_a_canary_waits_twice_and_has_the_time_for_it(stack: Stack) -> None:
    template = endpoint(stack, variants=TWO, canary={"percent": 20, "wait_seconds": 3600})
    properties = template.only("AWS::SageMaker::Endpoint")
    policy = properties["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"] == {
        "Type": "CANARY",
        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 20},
        "WaitIntervalInSeconds": 3600,
    }
    assert policy["TerminationWaitInSeconds"] == 3600
    assert policy["MaximumExecutionTimeoutInSeconds"] == 3 * 3600


def test_every_variant_has_its_fleet_its_alarms_and_its_scaling(stack: Stack) -> None:
    variants = [
        {"name": "large", "instance_type": "ml.m5.large", "instance_count": 2, "weight": 3.0},
        {"name": "spare", "instance_type": "ml.c5.large", "instance_count": 2, "weight": 1.0},
    ]
    scaling = {"min_count": 2, "max_count": 4, "invocations_per_instance_per_minute": 100}
    template = endpoint(stack, variants=variants, autoscaling=scaling)
    config = template.only("AWS::SageMaker::EndpointConfig")
    assert [v["InitialVariantWeight"] for v in config["ProductionVariants"]] == [3, 1]
    assert len(template.of_type("AWS::CloudWatch::Alarm")) == 4
    targets = template.properties("AWS::ApplicationAutoScaling::ScalableTarget").values()
    assert {target["ResourceId"] for target in targets} == {
        "endpoint/test-sales/variant/large",
        "endpoint/test-sales/variant/spare",
    }


def test_an_update_looks_at_ten_alarms_at_most(stack: Stack) -> None:
    variants = [{"name": f"v{number}", "instance_type": "ml.m5.large"} for number in range(10)]
    alarms = endpoint(stack, variants=variants).only("AWS::SageMaker::Endpoint")[
        "DeploymentConfig"
    ]["AutoRollbackConfiguration"]["Alarms"]
    assert len(alarms) == 10


@pytest.mark.parametrize(
    ("instance_type", "with_key"), [("ml.m5.large", True), ("ml.g5.xlarge", False)]
)
def test_the_role_may_hand_out_the_key_only_where_there_is_a_volume(
    stack: Stack, instance_type: str, with_key: bool
) -> None:
    template = endpoint(stack, variants=[{"instance_type": instance_type}])
    actions = {
        action
        for logical_id, statement in template.statements()
        if "ExecutionRole" in logical_id
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    assert ("kms:CreateGrant" in actions) is with_key
    assert ("KmsKeyId" in template.only("AWS::SageMaker::EndpointConfig")) is with_key
