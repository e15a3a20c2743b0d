"""The API's way to an endpoint: what reaches it, and what comes back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.rest_sagemaker import SageMakerIntegration

OK: seams.Response = (200, {"Content-Type": "text/csv", "X-Variant": "main"}, b"0.25")


class Endpoint:
    """Remembers what it was asked."""

    def __init__(self, answer: seams.Response = OK) -> None:
        self.answer = answer
        self.asked: dict[str, Any] = {}

    async def handle_request(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> seams.Response:
        self.asked = {"method": method, "path": path, "headers": headers, "body": body}
        return self.answer


def call(endpoint: Endpoint, integration: dict[str, Any], **request: Any) -> seams.Response:
    defaults: dict[str, Any] = {
        "region": "eu-west-1",
        "path": "/endpoints/local-flight-delay/invocations",
        "headers": {"content-type": "text/csv"},
        "query": {},
        "path_parameters": {},
        "body": b"1,2,3",
        "binary_media_types": (),
        "stage_variables": {},
        "request_id": "id-1",
    }
    whole = {"httpMethod": "POST", "integrationResponses": {"200": {"statusCode": "200"}}}
    return asyncio.run(
        SageMakerIntegration(endpoint.handle_request)(
            seams.RestRequest(integration={**whole, **integration}, **{**defaults, **request})
        )
    )


def test_the_body_and_its_content_type_reach_the_endpoint() -> None:
    endpoint = Endpoint()

    status, _headers, body = call(endpoint, {})

    assert (status, body) == (200, b"0.25")
    assert endpoint.asked["path"] == "/endpoints/local-flight-delay/invocations"
    assert endpoint.asked["headers"]["content-type"] == "text/csv"
    assert endpoint.asked["body"] == b"1,2,3"


def test_request_parameters_are_mapped() -> None:
    endpoint = Endpoint()
    parameters = {
        "integration.request.header.Accept": "method.request.header.Accept",
        "integration.request.header.X-Id": "context.requestId",
        "integration.request.header.X-Fixed": "'yes'",
        "integration.request.header.X-None": "method.request.header.Nothing",
    }

    call(
        endpoint,
        {"requestParameters": parameters},
        headers={"Content-Type": "application/json", "accept": "text/csv"},
    )

    headers = endpoint.asked["headers"]
    assert headers["accept"] == "text/csv"
    assert headers["x-id"] == "id-1"
    assert headers["x-fixed"] == "yes"
    assert "x-none" not in headers


def test_the_callers_other_headers_stay_outside() -> None:
    endpoint = Endpoint()

    call(endpoint, {}, headers={"authorization": "secret", "content-type": "text/csv"})

    assert "authorization" not in endpoint.asked["headers"]


@pytest.mark.parametrize(
    ("declared", "arrives"), [(["application/x-npy"], b"\x93NUMPY"), ([], b"\xef\xbf\xbdNUMPY")]
)
def test_binary_bodies_survive_only_where_their_type_is_declared(
    declared: list[str], arrives: bytes
) -> None:
    endpoint = Endpoint()

    call(
        endpoint,
        {},
        headers={"content-type": "application/x-npy"},
        body=b"\x93NUMPY",
        binary_media_types=declared,
    )

    assert endpoint.asked["body"] == arrives


def test_the_status_selects_the_response_and_headers_are_mapped() -> None:
    endpoint = Endpoint((415, {"Content-Type": "application/json"}, b'{"error": "no such type"}'))
    responses = {
        "200": {"statusCode": "200"},
        "415": {
            "statusCode": "415",
            "selectionPattern": "4\\d\\d",
            "responseParameters": {
                "method.response.header.Content-Type": "integration.response.header.Content-Type",
                "method.response.header.X-Why": "integration.response.body.error",
            },
        },
    }

    status, headers, body = call(endpoint, {"integrationResponses": responses})

    assert status == 415
    assert headers["X-Why"] == "no such type"
    assert json.loads(body) == {"error": "no such type"}


def test_a_response_template_hides_the_back_ends_words() -> None:
    endpoint = Endpoint((500, {}, b"Traceback: secret"))
    responses = {
        "500": {
            "statusCode": "502",
            "selectionPattern": "5\\d\\d",
            "responseTemplates": {"application/json": '{"message": "the model failed"}'},
        }
    }

    status, _headers, body = call(endpoint, {"integrationResponses": responses})

    assert (status, json.loads(body)) == (502, {"message": "the model failed"})


def test_an_answer_that_no_response_fits_is_an_internal_error() -> None:
    responses = {"200": {"statusCode": "200", "selectionPattern": "2\\d\\d"}}

    status, _headers, _body = call(Endpoint((400, {}, b"")), {"integrationResponses": responses})

    assert status == 500


TEMPLATE = """\
#set($status = $input.path('$.OriginalStatusCode'))
#if($status >= 400 && $status < 500)
#set($context.responseOverride.status = 400)
{"message":$input.json('$.OriginalMessage')}
#else
{"message":"The model failed."}
#end"""


@pytest.mark.parametrize(
    ("original", "expected"), [(415, (400, "no such type")), (500, (502, "The model failed."))]
)
def test_a_template_may_decide_and_override_the_status(
    original: int, expected: tuple[int, str]
) -> None:
    body = json.dumps({"OriginalStatusCode": original, "OriginalMessage": "no such type"}).encode()
    responses = {
        "502": {
            "statusCode": "502",
            "selectionPattern": "424",
            "responseTemplates": {"application/json": TEMPLATE},
        }
    }

    status, _headers, answer = call(Endpoint((424, {}, body)), {"integrationResponses": responses})

    assert (status, json.loads(answer)["message"]) == expected
