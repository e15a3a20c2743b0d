"""The front door: validation against AWS's own model, tags, actions that are not here."""

from __future__ import annotations

import contextlib
import http.client
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from flywheel.local_aws.sagemaker.errors import ServiceError
from flywheel.local_aws.sagemaker.schema import _compiled, check_request, service_model
from tests.local_aws.sagemaker.helpers import IMAGE, ROLE, Aws, unique

CONFIG = {
    "EndpointConfigName": "config",
    "ProductionVariants": [{"VariantName": "v1", "ModelName": "m", "InstanceType": "ml.m5.large"}],
}


def refused(params: dict[str, Any], action: str = "CreateEndpointConfig") -> str:
    """What a request is refused with."""
    with pytest.raises(ServiceError) as error:
        check_request(action, params)
    return f"{error.value.code}: {error.value.message}"


def test_a_request_that_awss_model_allows_is_let_through() -> None:
    check_request("CreateEndpointConfig", CONFIG)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"EndpointConfigName": None},
            "Value null at 'endpointConfigName' failed to satisfy constraint: Member must",
        ),
        (
            {"EndpointConfigName": "no_underscores"},
            "Member must satisfy regular expression pattern",
        ),
        ({"EndpointConfigName": "x" * 64}, "Member must have length less than or equal to 63"),
        ({"Misspelt": 1}, "Value of an unknown member at 'misspelt'"),
        ({"ProductionVariants": []}, "Member must have length greater than or equal to 1"),
        (
            {"ProductionVariants": "v1"},
            "SerializationException: 'productionVariants' must be a list, not str",
        ),
    ],
)
def test_what_awss_model_forbids_is_refused(change: dict[str, Any], message: str) -> None:
    assert message in refused(CONFIG | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"InstanceType": "ml.z9.huge"},
            "Value 'ml.z9.huge' at 'productionVariants.1.member.instanceType'",
        ),
        ({"InitialInstanceCount": 0}, "Member must have value greater than or equal to 1"),
        ({"InitialInstanceCount": "1"}, "SerializationException"),
        ({"InitialInstanceCount": True}, "SerializationException"),
    ],
)
def test_members_of_members_are_checked(change: dict[str, Any], message: str) -> None:
    variant = {"VariantName": "v1", "InstanceType": "ml.m5.large"} | change
    assert message in refused(CONFIG | {"ProductionVariants": [variant]})


def test_all_violations_are_told_at_once() -> None:
    message = refused({"EndpointConfigName": "_", "ProductionVariants": []})
    assert message.startswith("ValidationException: 2 validation errors detected: ")


def test_every_pattern_of_awss_model_is_understood() -> None:
    for service in ("sagemaker", "sagemaker-runtime"):
        model = service_model(service)
        for name in model.shape_names:
            shape = model.shape_for(name)
            if "pattern" in shape.metadata:
                _compiled(shape.metadata["pattern"])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from([*CONFIG, "Tags", "DataCaptureConfig", "x"]), json_values))
def test_any_json_is_either_accepted_or_refused(params: dict[str, Any]) -> None:
    with contextlib.suppress(ServiceError):
        check_request("CreateEndpointConfig", params)


def test_boto3_sees_the_refusal_as_awss(aws: Aws) -> None:
    request = aws.training_request("")
    request["ResourceConfig"]["InstanceType"] = "ml.z9.huge"
    with pytest.raises(
        ClientError, match="failed to satisfy constraint: Member must satisfy enum"
    ) as error:
        aws.sagemaker.create_training_job(**request)
    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_action_that_is_not_here_is_named_and_never_pretended(aws: Aws) -> None:
    with pytest.raises(ClientError, match="CreateNotebookInstance is not implemented") as error:
        aws.sagemaker.create_notebook_instance(
            NotebookInstanceName="n", InstanceType="ml.t3.medium", RoleArn=ROLE
        )
    assert error.value.response["Error"]["Code"] == "UnknownOperationException"
    with pytest.raises(ClientError, match="InvokeEndpointAsync is not implemented"):
        aws.runtime.invoke_endpoint_async(EndpointName="e", InputLocation="s3://b/k")


def test_every_action_that_is_here_is_one_of_awss(aws: Aws) -> None:
    assert set(aws.service.actions) <= set(service_model("sagemaker").operation_names)


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_body_that_is_not_a_json_object_is_a_client_error(aws: Aws, body: bytes) -> None:
    connection = http.client.HTTPConnection(aws.endpoint_url.removeprefix("http://"))
    connection.request("POST", "/", body, {"X-Amz-Target": "SageMaker.ListModels"})
    response = connection.getresponse()
    assert response.status == 400
    assert json.loads(response.read())["__type"] == "SerializationException"
    connection.close()


def test_tags_are_kept_changed_and_sent_with_events(aws: Aws) -> None:
    name = unique("model")
    arn = aws.sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": IMAGE},
        Tags=[{"Key": "team", "Value": "delays"}],
    )["ModelArn"]
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "dev"}])
    aws.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "dev"}]
    assert aws.states("Model", arn, "Tags") == [{"team": "delays"}]
    with pytest.raises(ClientError, match="not found"):
        aws.sagemaker.list_tags(ResourceArn=arn + "x")


def test_a_call_from_the_same_process_is_checked_and_copied(aws: Aws) -> None:
    variants = [{"VariantName": "v1", "ModelName": aws.model("one"), "InstanceType": "ml.m5.large"}]
    name = unique("config")
    aws.service.call(
        "CreateEndpointConfig", {"EndpointConfigName": name, "ProductionVariants": variants}
    )
    variants.clear()
    described = aws.service.call("DescribeEndpointConfig", {"EndpointConfigName": name})
    assert described["ProductionVariants"][0]["VariantName"] == "v1"
    with pytest.raises(ServiceError, match="Member must not be null"):
        aws.service.call("DescribeEndpointConfig", {})


def test_waiting_ends_at_the_timeout_and_knows_its_kinds(aws: Aws) -> None:
    request = aws.processing_request("sleep", "30")
    name = request["ProcessingJobName"]
    aws.service.call("CreateProcessingJob", request)
    with pytest.raises(TimeoutError):
        aws.service.wait("processing-job", name, 0.01)
    aws.service.call("StopProcessingJob", {"ProcessingJobName": name})
    assert aws.service.wait("processing-job", name, 20)["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(ValueError, match="kind is model; it must be one of training-job"):
        aws.service.wait("model", name)
