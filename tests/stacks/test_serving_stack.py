"""The endpoint serves the champion, moves by canary, and is not there before there is a model."""

from functools import cache
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from tests.conftest import ENVIRONMENTS, Assembly, Template

CONDITIONAL_TYPES = (
    "AWS::SageMaker::Model",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::Endpoint",
    "AWS::CloudWatch::Alarm",
)


def serving(assembly: Assembly, environment: str) -> Template:
    return assembly.template(environment, "FlightDelayServing")


@pytest.fixture(params=ENVIRONMENTS)
def template(assembly: Assembly, request: pytest.FixtureRequest) -> Template:
    return serving(assembly, request.param)


def references(value: Any) -> set[str]:
    """Logical ids that a property refers to."""
    if isinstance(value, dict):
        if set(value) == {"Ref"}:
            return {value["Ref"]}
        if set(value) == {"Fn::GetAtt"}:
            return {value["Fn::GetAtt"][0]}
        return set().union(*map(references, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(references, value)) if value else set()
    return set()


def as_request(value: Any) -> Any:
    """Properties as an API request: what CloudFormation will know is some text."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::")):
            return "arn:aws:sagemaker:eu-west-1:111122223333:model-package/some-model/1"
        return {name: as_request(child) for name, child in value.items()}
    if isinstance(value, list):
        return [as_request(child) for child in value]
    return value


@pytest.mark.parametrize(
    ("resource_type", "operation", "given_by_cloudformation"),
    [
        ("AWS::SageMaker::Model", "CreateModel", {"ModelName": "m"}),
        ("AWS::SageMaker::EndpointConfig", "CreateEndpointConfig", {"EndpointConfigName": "c"}),
        ("AWS::SageMaker::Endpoint", "UpdateEndpoint", {}),
    ],
)
def test_sagemaker_would_take_the_properties(
    template: Template,
    resource_type: str,
    operation: str,
    given_by_cloudformation: dict[str, str],
) -> None:
    shape = sagemaker().operation_model(operation).input_shape
    request = {**as_request(template.only(resource_type)), **given_by_cloudformation}
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()


@cache
def sagemaker() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")


def test_the_first_deployment_works_without_a_model(template: Template) -> None:
    champion = template.body["Parameters"]["Champion"]
    assert champion["Type"] == "AWS::SSM::Parameter::Value<String>"
    assert template.body["Conditions"]["HasChampion"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "Champion"}, "none"]}]
    }
    for resource_type in CONDITIONAL_TYPES:
        resources = template.of_type(resource_type)
        assert resources
        assert {resource.get("Condition") for resource in resources.values()} == {"HasChampion"}


def test_nothing_that_stays_refers_to_what_comes_with_a_champion(template: Template) -> None:
    resources = template.body["Resources"]
    conditional = {name for name, resource in resources.items() if "Condition" in resource}
    for name, resource in resources.items():
        if name not in conditional:
            used = references(resource["Properties"]) | set(resource.get("DependsOn", []))
            assert not used & conditional, name
    for output in template.body["Outputs"].values():
        assert not references(output["Value"]) & conditional


def test_the_model_is_the_package_that_the_pointer_names(template: Template) -> None:
    model = template.only("AWS::SageMaker::Model")
    assert model["PrimaryContainer"] == {"ModelPackageName": {"Ref": "Champion"}}


def test_the_container_has_no_network_and_runs_in_private_subnets(template: Template) -> None:
    model = template.only("AWS::SageMaker::Model")
    assert model["EnableNetworkIsolation"] is True
    assert len(model["VpcConfig"]["Subnets"]) == 2


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_endpoint_keeps_its_name(assembly: Assembly, environment: str) -> None:
    template = serving(assembly, environment)
    name = template.only("AWS::SageMaker::Endpoint")["EndpointName"]
    assert name == f"{environment}-flight-delay"
    assert template.body["Outputs"]["EndpointName"]["Value"] == name


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_staging_and_production_serve_on_a_gpu(assembly: Assembly, environment: str) -> None:
    config = serving(assembly, environment).only("AWS::SageMaker::EndpointConfig")
    for variant in config["ProductionVariants"]:
        assert variant["InstanceType"].startswith(("ml.g", "ml.p"))


def test_disks_have_our_key_unless_the_instance_refuses_one(template: Template) -> None:
    config = template.only("AWS::SageMaker::EndpointConfig")
    local_disks = any(
        variant["InstanceType"].startswith("ml.g") for variant in config["ProductionVariants"]
    )
    assert ("KmsKeyId" in config) is not local_disks


def test_predictions_are_captured_with_our_key(assembly: Assembly) -> None:
    capture = serving(assembly, "prod").only("AWS::SageMaker::EndpointConfig")["DataCaptureConfig"]
    assert capture["EnableCapture"] is True
    assert "LakeKey" in str(capture["KmsKeyId"])
    assert "/flight_delay/" in str(capture["DestinationS3Uri"])
    assert [option["CaptureMode"] for option in capture["CaptureOptions"]] == ["Input", "Output"]


def test_production_moves_by_canary_and_alarms_take_it_back(assembly: Assembly) -> None:
    template = serving(assembly, "prod")
    deployment = template.only("AWS::SageMaker::Endpoint")["DeploymentConfig"]
    policy = deployment["BlueGreenUpdatePolicy"]
    routing = policy["TrafficRoutingConfiguration"]
    assert routing["Type"] == "CANARY"
    assert routing["CanarySize"]["Value"] <= 50
    assert routing["WaitIntervalInSeconds"] > 0
    assert policy["TerminationWaitInSeconds"] > 0
    assert policy["MaximumExecutionTimeoutInSeconds"] > 2 * routing["WaitIntervalInSeconds"]
    alarms = deployment["AutoRollbackConfiguration"]["Alarms"]
    assert {alarm["AlarmName"]["Ref"] for alarm in alarms} == set(
        template.of_type("AWS::CloudWatch::Alarm")
    )


def test_rollback_alarms_look_at_the_new_fleet_only(template: Template) -> None:
    (config,) = template.of_type("AWS::SageMaker::EndpointConfig")
    for alarm in template.properties("AWS::CloudWatch::Alarm").values():
        metrics = [
            entry["MetricStat"]["Metric"]
            for entry in alarm.get("Metrics", [])
            if "MetricStat" in entry
        ] or [alarm]
        for metric in metrics:
            dimensions = {entry["Name"]: entry["Value"] for entry in metric["Dimensions"]}
            assert dimensions["EndpointConfigName"] == {
                "Fn::GetAtt": [config, "EndpointConfigName"]
            }
            assert set(dimensions) == {"EndpointName", "VariantName", "EndpointConfigName"}


def test_the_latency_alarm_counts_in_microseconds(assembly: Assembly) -> None:
    thresholds = [
        alarm["Threshold"]
        for alarm in serving(assembly, "prod").properties("AWS::CloudWatch::Alarm").values()
        if alarm.get("MetricName") == "ModelLatency"
    ]
    assert thresholds
    assert min(thresholds) >= 1000


def test_production_scales_and_keeps_its_instances_across_updates(assembly: Assembly) -> None:
    template = serving(assembly, "prod")
    target = template.only("AWS::ApplicationAutoScaling::ScalableTarget")
    assert target["ResourceId"] == "endpoint/prod-flight-delay/variant/main"
    assert target["MinCapacity"] >= 2, "a canary needs two instances"
    policy = template.only("AWS::ApplicationAutoScaling::ScalingPolicy")
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["PredefinedMetricSpecification"] == {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    }
    endpoint = template.only("AWS::SageMaker::Endpoint")
    assert endpoint["RetainAllVariantProperties"] is True
    assert {"VariantPropertyType": "DataCaptureConfig"} in endpoint[
        "ExcludeRetainedVariantProperties"
    ]
    (endpoint_id,) = template.of_type("AWS::SageMaker::Endpoint")
    for resource in template.of_type("AWS::ApplicationAutoScaling::ScalableTarget").values():
        assert endpoint_id in resource["DependsOn"]
        assert resource["Condition"] == "HasChampion"


def test_the_execution_role_reads_models_and_writes_captures_of_its_workload_only(
    assembly: Assembly,
) -> None:
    reached = {}
    for _, statement in serving(assembly, "prod").statements():
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            if action in {"s3:GetObject", "s3:PutObject"}:
                reached[action] = str(statement["Resource"])
            assert action not in {"s3:DeleteObject", "logs:CreateLogGroup"}
    assert "Artifacts" in reached["s3:GetObject"]
    assert "/flight_delay/models/*" in reached["s3:GetObject"]
    assert "Captured" in reached["s3:PutObject"]
    assert "/flight_delay/*" in reached["s3:PutObject"]
