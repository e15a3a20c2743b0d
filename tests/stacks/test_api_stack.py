"""POST /predictions: who may call, what is checked, what a caller sees when something is wrong."""

import json
import re
from typing import Any

import pytest

from tests.conftest import ENVIRONMENTS, Assembly, Template


@pytest.fixture(params=ENVIRONMENTS)
def api(assembly: Assembly, request: pytest.FixtureRequest) -> Template:
    return assembly.template(request.param, "FlightDelayApi")


@pytest.fixture
def method(api: Template) -> dict[str, Any]:
    return api.only("AWS::ApiGateway::Method")


def test_callers_sign_with_iam(method: dict[str, Any]) -> None:
    assert method["HttpMethod"] == "POST"
    assert method["AuthorizationType"] == "AWS_IAM"


def test_the_api_calls_this_endpoint_and_may_do_nothing_else(
    api: Template, method: dict[str, Any]
) -> None:
    integration = method["Integration"]
    assert integration["Type"] == "AWS"
    name = api.only("AWS::ApiGateway::RestApi")["Name"]
    assert f":runtime.sagemaker:path/endpoints/{name}/invocations" in str(integration["Uri"])
    ((_, statement),) = api.statements()
    assert statement["Action"] == "sagemaker:InvokeEndpoint"
    assert str(statement["Resource"]).count(f":endpoint/{name}") == 1
    assert "*" not in str(statement["Resource"])


def test_requests_are_validated(api: Template, method: dict[str, Any]) -> None:
    validator = api.only("AWS::ApiGateway::RequestValidator")
    assert validator["ValidateRequestBody"] is True
    assert validator["ValidateRequestParameters"] is True
    assert "RequestValidatorId" in method
    assert method["RequestParameters"]["method.request.header.Content-Type"] is True
    schema = api.only("AWS::ApiGateway::Model")["Schema"]
    assert schema["required"] == ["instances"]
    assert schema["properties"]["instances"] == {"type": "array", "minItems": 1}


def test_a_bad_body_is_told_what_a_good_one_is(api: Template) -> None:
    response = api.only("AWS::ApiGateway::GatewayResponse")
    assert response["ResponseType"] == "BAD_REQUEST_BODY"
    answer = json.loads(response["ResponseTemplates"]["application/json"])
    assert '{"instances": [...]}' in answer["message"]


def test_content_type_and_accept_reach_the_model(method: dict[str, Any]) -> None:
    passed_on = method["Integration"]["RequestParameters"]
    assert passed_on["integration.request.header.Content-Type"].endswith("Content-Type")
    assert passed_on["integration.request.header.Accept"].endswith("Accept")


def test_a_call_can_be_joined_with_its_captured_prediction(method: dict[str, Any]) -> None:
    header = "integration.request.header.X-Amzn-SageMaker-Inference-Id"
    assert method["Integration"]["RequestParameters"][header] == "context.requestId"


def test_binary_bodies_pass_as_they_are(api: Template) -> None:
    types = api.only("AWS::ApiGateway::RestApi")["BinaryMediaTypes"]
    assert {"application/x-npy", "application/x-parquet"} <= set(types)
    assert not {"application/json", "text/csv", "application/jsonlines"} & set(types)


def test_the_stage_throttles_logs_and_measures(api: Template) -> None:
    stage = api.only("AWS::ApiGateway::Stage")
    (settings,) = stage["MethodSettings"]
    assert settings["ThrottlingRateLimit"] > 0
    assert settings["ThrottlingBurstLimit"] > 0
    assert settings["LoggingLevel"] == "ERROR"
    assert settings["MetricsEnabled"] is True
    assert settings["DataTraceEnabled"] is False, "requests and predictions stay out of the log"
    assert "$context.identity.userArn" in stage["AccessLogSetting"]["Format"]


def test_the_log_that_api_gateway_would_make_is_ours(api: Template) -> None:
    ((logical_id, _),) = [
        (logical_id, group)
        for logical_id, group in api.properties("AWS::Logs::LogGroup").items()
        if "API-Gateway-Execution-Logs_" in str(group.get("LogGroupName"))
    ]
    (stage,) = api.of_type("AWS::ApiGateway::Stage").values()
    assert logical_id in stage["DependsOn"]


def selected(method: dict[str, Any], status: int) -> str:
    """The status that API Gateway answers with for a status of SageMaker."""
    responses = method["Integration"]["IntegrationResponses"]
    matching = [
        response["StatusCode"]
        for response in responses
        if re.fullmatch(response.get("SelectionPattern", "(?!)"), str(status))
    ]
    default = [r["StatusCode"] for r in responses if "SelectionPattern" not in r]
    assert len(matching) <= 1, f"{status} matches {matching}"
    (answer,) = matching or default
    return str(answer)


@pytest.mark.parametrize(
    ("from_sagemaker", "to_caller"),
    [
        (200, "200"),
        (400, "400"),
        (403, "500"),
        (404, "500"),
        (413, "500"),
        (424, "502"),
        (429, "429"),
        (500, "503"),
        (503, "503"),
        (530, "503"),
    ],
)
def test_every_status_of_sagemaker_has_one_answer(
    method: dict[str, Any], from_sagemaker: int, to_caller: str
) -> None:
    assert selected(method, from_sagemaker) == to_caller
    declared = {response["StatusCode"] for response in method["MethodResponses"]}
    assert to_caller in declared


def test_an_error_of_the_model_shows_its_words_only_when_the_request_was_bad(
    method: dict[str, Any],
) -> None:
    template = {
        response["StatusCode"]: response.get("ResponseTemplates", {}).get("application/json", "")
        for response in method["Integration"]["IntegrationResponses"]
    }
    refused, failed = template["502"].split("#else")
    assert "$input.json('$.OriginalMessage')" in refused
    assert "responseOverride.status = 400" in refused
    assert "$input" not in failed
    missing = template["400"].split("#else")[0]
    assert "responseOverride.status = 503" in missing
    assert "No model is deployed yet" in missing


def test_the_url_is_an_output(api: Template) -> None:
    assert "execute-api" in str(api.body["Outputs"]["ApiUrl"]["Value"])
