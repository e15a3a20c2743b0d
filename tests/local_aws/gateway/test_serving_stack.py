"""Model, endpoint config, endpoint, autoscaling and API as a stack: made, updated, rolled back."""

from __future__ import annotations

import io
import tarfile
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

from flywheel.local_aws import LocalAws
from tests.local_aws.gateway.conftest import ROLE

Deploy = Callable[..., dict[str, Any]]
INFERENCE = """
from pathlib import Path
def model_fn(model_dir): return (Path(model_dir) / "word.txt").read_text()
def input_fn(body, content_type): return body
def predict_fn(data, model): return f"{model}:{data}"
def output_fn(prediction, accept): return prediction, accept
"""
LIVE = "integration.response.header.Content-Type"


def upload_model(aws: LocalAws, bucket: str, word: str) -> str:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in {"word.txt": word, "code/inference.py": INFERENCE}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    aws.client("s3").put_object(Bucket=bucket, Key=f"{word}.tar.gz", Body=buffer.getvalue())
    return f"s3://{bucket}/{word}.tar.gz"


def template(aws: LocalAws, name: str, model_data: str) -> dict[str, Any]:
    image = f"000000000000.dkr.ecr.{aws.region}.amazonaws.com/sagemaker-xgboost:3.2-0"
    invoke = f"arn:aws:apigateway:{aws.region}:runtime.sagemaker:path/endpoints/{name}/invocations"
    return {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "ExecutionRoleArn": ROLE,
                "PrimaryContainer": {
                    "Image": image,
                    "ModelDataUrl": model_data,
                    "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
                },
            },
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {
                "ProductionVariants": [
                    {
                        "VariantName": "main",
                        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                        "InstanceType": "ml.c7i.large",
                        "InitialInstanceCount": "1",
                        "InitialVariantWeight": 1,
                    }
                ]
            },
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": name,
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "DependsOn": "Endpoint",
            "Properties": {
                "MinCapacity": 1,
                "MaxCapacity": 4,
                "ResourceId": f"endpoint/{name}/variant/main",
                "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
                "ServiceNamespace": "sagemaker",
            },
        },
        "Policy": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {
                "PolicyName": name,
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "TargetTrackingScalingPolicyConfiguration": {
                    "TargetValue": 600,
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                    },
                },
            },
        },
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": name}},
        "Path": {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                "PathPart": "predictions",
            },
        },
        "Method": {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ResourceId": {"Ref": "Path"},
                "HttpMethod": "POST",
                "AuthorizationType": "NONE",
                "RequestModels": {"application/json": {"Ref": "Body"}},
                "RequestValidatorId": {"Ref": "Validator"},
                "Integration": {
                    "Type": "AWS",
                    "IntegrationHttpMethod": "POST",
                    "Uri": invoke,
                    "Credentials": ROLE,
                    "IntegrationResponses": [
                        {
                            "StatusCode": "200",
                            "ResponseParameters": {"method.response.header.Content-Type": LIVE},
                        },
                        {"StatusCode": "502", "SelectionPattern": "[45]\\d\\d"},
                    ],
                },
            },
        },
        "Body": {
            "Type": "AWS::ApiGateway::Model",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ContentType": "application/json",
                "Schema": {"type": "object", "required": ["instances"]},
            },
        },
        "Validator": {
            "Type": "AWS::ApiGateway::RequestValidator",
            "Properties": {"RestApiId": {"Ref": "Api"}, "ValidateRequestBody": True},
        },
        "Deployment": {
            "Type": "AWS::ApiGateway::Deployment",
            "DependsOn": "Method",
            "Properties": {"RestApiId": {"Ref": "Api"}},
        },
        "Stage": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "DeploymentId": {"Ref": "Deployment"},
                "StageName": "live",
            },
        },
    }


def post(url: str, body: bytes, content_type: str = "text/csv") -> tuple[int, str]:
    request = urllib.request.Request(url, body, {"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_stack_serves_its_model_and_moves_to_the_next_without_a_failed_call(
    aws: LocalAws, deploy: Deploy, bucket: str
) -> None:
    name = f"tests-{uuid.uuid4().hex[:8]}"
    sagemaker = aws.client("sagemaker")
    stack = deploy(template(aws, name, upload_model(aws, bucket, "one")))
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["reasons"]
    url = aws.local_url(
        f"https://{stack['ids']['Api']}.execute-api.{aws.region}.amazonaws.com/live/predictions"
    )

    assert post(url, b"1") == (200, "one:1")
    assert post(url, b"{}", "application/json")[0] == 400

    answers: list[tuple[int, str]] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            answers.append(post(url, b"1"))

    caller = threading.Thread(target=ask)
    caller.start()
    updated = deploy(template(aws, name, upload_model(aws, bucket, "two")), stack["StackName"])
    done.set()
    caller.join()

    assert updated["StackStatus"] == "UPDATE_COMPLETE", updated["reasons"]
    assert updated["ids"]["Endpoint"] == stack["ids"]["Endpoint"]
    assert updated["ids"]["Model"] != stack["ids"]["Model"]
    assert {status for status, _ in answers} == {200}
    assert post(url, b"1") == (200, "two:1")
    live = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    configs = sagemaker.list_endpoint_configs(NameContains=stack["StackName"])["EndpointConfigs"]
    assert [each["EndpointConfigName"] for each in configs] == [live]
    policies = aws.client("application-autoscaling").describe_scaling_policies(
        ServiceNamespace="sagemaker", ResourceId=f"endpoint/{name}/variant/main"
    )["ScalingPolicies"]
    assert [policy["PolicyName"] for policy in policies] == [name]


def test_a_model_that_cannot_be_loaded_rolls_the_stack_back_and_keeps_serving(
    aws: LocalAws, deploy: Deploy, bucket: str
) -> None:
    name = f"tests-{uuid.uuid4().hex[:8]}"
    stack = deploy(template(aws, name, upload_model(aws, bucket, "good")))
    runtime = aws.client("sagemaker-runtime")

    updated = deploy(template(aws, name, f"s3://{bucket}/missing.tar.gz"), stack["StackName"])

    assert updated["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    answer = runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body=b"1")
    assert answer["ContentType"] == "application/json"  # as the model has it
    assert answer["Body"].read() == b"good:1"
