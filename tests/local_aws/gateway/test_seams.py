"""Each touch of ministack's private names by itself: a name that vanished must fail here first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ministack import app
from ministack.core import router
from ministack.services import apigateway_v1, cloudwatch, eventbridge, pipes, stepfunctions
from ministack.services.cloudformation import engine, provisioners, stacks

from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.ministack_seams import version

SCOPE = ("111122223333", "eu-west-1")


@pytest.fixture(autouse=True)
def scope() -> Iterator[None]:
    with seams.request_scope(*SCOPE):
        yield


@pytest.fixture(autouse=True)
def unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test puts into ministack is taken out again."""
    for owner, names in {
        app: ("SERVICE_REGISTRY", "SERVICE_HANDLERS", "_loaded_modules"),
        router: ("SERVICE_PATTERNS",),
        provisioners: ("_RESOURCE_HANDLERS", "_REPLACING_PROPERTIES", "_STACK_TAG_PROPERTY"),
        stepfunctions: ("_SERVICE_DISPATCH",),
    }.items():
        for name in names:
            monkeypatch.setattr(owner, name, dict(getattr(owner, name)))
    for owner, names in {
        stacks: ("_runs_on_worker_thread",),
        stepfunctions: (
            "_invoke_aws_sdk_integration", "_execute_task", "_invoke_resource_with_timeout",
        ),
        apigateway_v1: ("_invoke_lambda_custom_v1", "_check_request_validation"),
    }.items():  # fmt: skip
        for name in names:
            monkeypatch.setattr(owner, name, getattr(owner, name))
    for name in ("AWS::Pipes::Pipe", "AWS::CloudWatch::Alarm", "AWS::ApiGateway::Method"):
        handlers = provisioners._RESOURCE_HANDLERS
        handlers[name] = dict(handlers[name])


def test_another_version_of_ministack_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    seams.check_version()
    monkeypatch.setattr(version, "version", lambda _: "9.9.9")

    with pytest.raises(seams.VersionError, match=r"ministack is 9\.9\.9; .* needs exactly"):
        seams.check_version()


async def answer(*_request: Any) -> seams.Response:
    return 200, {"Content-Type": "application/json"}, b'{"by": "ours"}'


def test_a_service_is_routed_by_its_signing_name_and_its_target() -> None:
    seams.add_service("sagemaker", answer, target_prefix="SageMaker.")
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=t/20260101/eu-west-1/sagemaker/aws4_"}

    assert router.detect_service("POST", "/endpoints/x/invocations", signed, {}) == "sagemaker"
    assert router.detect_service("POST", "/", {"x-amz-target": "SageMaker.X"}, {}) == "sagemaker"
    response = asyncio.run(app._dispatch_service_request("POST", "/", signed, b"", {}, "id"))
    assert response[2] == b'{"by": "ours"}'


def test_a_service_can_be_wrapped() -> None:
    seams.wrap_service("cloudformation", lambda _inner: answer)

    assert app.SERVICE_HANDLERS["cloudformation"] is answer


def test_the_gateway_is_an_asgi_application() -> None:
    assert seams.asgi_app() is app.app


def test_account_and_region_are_those_of_the_scope() -> None:
    assert seams.account_and_region() == SCOPE


def test_events_of_aws_services_are_dispatched(monkeypatch: pytest.MonkeyPatch) -> None:
    dispatched: list[Any] = []
    monkeypatch.setattr(
        eventbridge, "_dispatch_event", lambda event, _view: dispatched.append(event)
    )
    entry = {"Source": "aws.sagemaker", "DetailType": "t", "Detail": "{}", "Resources": []}

    seams.put_events([entry] * 12)

    assert [event["Source"] for event in dispatched] == ["aws.sagemaker"] * 12
    assert {(event["Account"], event["Region"]) for event in dispatched} == {SCOPE}


def make_type(**more: Any) -> seams.ResourceType:
    return seams.ResourceType(
        "AWS::Ours::Thing",
        create=lambda logical_id, properties, _stack: (f"{logical_id}-{len(properties)}", {"A": 1}),
        delete=lambda _physical_id, _properties: None,
        **more,
    )


def test_a_resource_type_is_accepted_and_provisioned() -> None:
    template = {"Resources": {"T": {"Type": "AWS::Ours::Thing"}}}
    with pytest.raises(ValueError, match="Unrecognized resource types"):
        engine.validate_template_support(template, {})

    seams.add_resource_type(make_type())

    engine.validate_template_support(template, {})
    assert provisioners._provision_resource("AWS::Ours::Thing", "T", {"P": 1}, "s") == (
        "T-1", {"A": 1},
    )  # fmt: skip
    assert "AWS::Ours::Thing" in seams.resource_types()
    assert seams.unsupported(["AWS::Ours::Thing", "AWS::No::Such", "Custom::X"]) == [
        "AWS::No::Such"
    ]


def test_a_change_of_a_replacing_property_makes_another_resource() -> None:
    seams.add_resource_type(make_type(replacing=frozenset({"Name"})))

    assert provisioners._replacing_change("AWS::Ours::Thing", {"Name": "a"}, {"Name": "b"})
    assert not provisioners._replacing_change("AWS::Ours::Thing", {"Size": 1}, {"Size": 2})


def test_stack_tags_reach_a_type_that_has_tags() -> None:
    seams.add_resource_type(make_type(tags=("Tags", "list")))

    tagged = provisioners._with_stack_tags(
        "AWS::Ours::Thing", {}, [{"Key": "team", "Value": "ml"}], "s", "id", "T"
    )

    assert {"Key": "team", "Value": "ml"} in tagged["Tags"]


def test_a_type_that_waits_runs_beside_the_event_loop() -> None:
    assert not stacks._runs_on_worker_thread("AWS::Ours::Waiter")

    seams.add_resource_type(
        seams.ResourceType(
            "AWS::Ours::Waiter", create=lambda *_: ("", {}), delete=lambda *_: None, waits=True
        )
    )

    assert stacks._runs_on_worker_thread("AWS::Ours::Waiter")
    assert stacks._runs_on_worker_thread("AWS::CloudFormation::WaitCondition")


def test_more_is_done_after_ministacks_own_handlers() -> None:
    seen: list[Any] = []
    provisioners._RESOURCE_HANDLERS["AWS::Ours::Base"] = {
        "create": lambda *_: ("id", {}),
        "update": lambda *_: ("id", {}),
        "delete": lambda *_: None,
    }

    seams.complete_resource_type("AWS::Ours::Base", seen.append)
    provisioners._RESOURCE_HANDLERS["AWS::Ours::Base"]["create"]("T", {"n": 1}, "s")
    provisioners._RESOURCE_HANDLERS["AWS::Ours::Base"]["update"]("id", {"n": 1}, {"n": 2}, "s")

    assert seen == [{"n": 1}, {"n": 2}]


def test_generated_names_carry_the_stack_and_fit() -> None:
    name = seams.physical_name("stack", "Logical", max_length=63)

    assert name.startswith("stack-Logical-")
    assert len(seams.physical_name("s" * 100, "Logical", max_length=63)) == 63


def run_task(state: dict[str, Any], execution: dict[str, Any] | None = None) -> Any:
    context = {"QueryLanguage": "JSONata", "State": {"Name": "T"}, "variables": {}}
    running = execution or {"status": "RUNNING", "events": [], "executionArn": "arn", "name": "e"}
    running.setdefault("mockAttempts", {})
    return stepfunctions._execute_task({"Type": "Task", "End": True, **state}, {}, running, context)


RESOURCE = "arn:aws:states:::ours:doIt"


def test_a_task_gets_its_arguments_and_gives_its_result() -> None:
    seams.add_task(RESOURCE, lambda resource, arguments: {"resource": resource, **arguments})

    output, _next = run_task({"Resource": f"{RESOURCE}.sync", "Arguments": {"a": 1}})

    assert output == {"resource": f"{RESOURCE}.sync", "a": 1}


def test_a_tasks_error_is_caught_by_name() -> None:
    def fail(_resource: str, _arguments: Any) -> Any:
        raise seams.task_error("Ours.Error", "because")

    seams.add_task(RESOURCE, fail)
    catch = [{"ErrorEquals": ["Ours.Error"], "Next": "N", "Output": "{% $states.errorOutput %}"}]

    output, following = run_task({"Resource": RESOURCE, "Catch": catch})

    assert (output, following) == ({"Error": "Ours.Error", "Cause": "because"}, "N")


def test_sdk_tasks_come_to_us() -> None:
    seams.use_sdk_tasks(lambda resource, _arguments: resource)

    output, _next = run_task({"Resource": "arn:aws:states:::aws-sdk:s3:getObject", "Arguments": {}})

    assert output == "arn:aws:states:::aws-sdk:s3:getObject"


def test_a_task_that_times_out_learns_of_it() -> None:
    seen: list[seams.Cancellation] = []

    def wait(_resource: str, _arguments: Any) -> Any:
        cancellation = seams.cancellation()
        seen.append(cancellation)
        while not cancellation.requested:
            pass
        return {}

    seams.add_task(RESOURCE, wait)
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "Late"}]

    _output, following = run_task({"Resource": RESOURCE, "TimeoutSeconds": 0.05, "Catch": catch})

    assert following == "Late"
    assert seen[0].requested


def test_a_task_whose_execution_was_stopped_learns_of_it() -> None:
    execution = {"status": "RUNNING", "events": [], "executionArn": "arn", "name": "e"}
    seen: list[bool] = []

    def look(_resource: str, _arguments: Any) -> Any:
        seen.append(seams.cancellation().requested)
        execution["status"] = "ABORTED"
        seen.append(seams.cancellation().requested)
        return {}

    seams.add_task(RESOURCE, look)
    run_task({"Resource": RESOURCE}, execution)

    assert seen == [False, True]


def test_an_execution_that_cannot_start_says_why() -> None:
    refused = seams.start_execution("arn:aws:states:eu-west-1:1:stateMachine:none", "[]")

    assert "StateMachineDoesNotExist" in refused


PIPE = {
    "Name": "p",
    "Source": f"arn:aws:sqs:{SCOPE[1]}:{SCOPE[0]}:q",
    "Target": f"arn:aws:states:{SCOPE[1]}:{SCOPE[0]}:stateMachine:m",
    "RoleArn": "arn:aws:iam::111122223333:role/r",
    "SourceParameters": {"SqsQueueParameters": {"BatchSize": 7}},
    "TargetParameters": {"InputTemplate": "<$.body>"},
}


def test_a_declared_pipe_keeps_its_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipes, "_ensure_poller", lambda: None)
    seams.keep_pipe_parameters()
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Pipes::Pipe"]

    handlers["create"]("P", PIPE, "s")
    (pipe,) = seams.running_pipes()
    changed = {**PIPE, "TargetParameters": {"InputTemplate": "<$.messageId>"}}
    handlers["update"]("p", PIPE, changed, "s", "P")
    (updated,) = seams.running_pipes()
    handlers["delete"]("p", changed)

    assert (pipe.account_id, pipe.region, pipe.name) == (*SCOPE, "p")
    assert pipe.source_parameters == PIPE["SourceParameters"]
    assert updated.target_parameters == {"InputTemplate": "<$.messageId>"}
    assert seams.running_pipes() == []


def test_an_alarm_on_metric_math_is_stored() -> None:
    seams.allow_math_alarms()
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
    alarm = {
        "Metrics": [{"Id": "e", "Expression": "1"}],
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 1,
        "EvaluationPeriods": 1,
    }

    name, _attributes = handlers["create"]("A", alarm, "s")

    assert cloudwatch._alarms[name]["Metrics"] == alarm["Metrics"]
    assert "MetricName" not in cloudwatch._alarms[name]


def test_integrations_of_a_service_come_to_us_and_others_go_on_to_lambda(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def to_lambda(*_arguments: Any, **_more: Any) -> seams.Response:
        return 200, {}, b"lambda"

    async def ours(request: seams.RestRequest) -> seams.Response:
        return 200, {}, f"{request.path} {request.region}".encode()

    monkeypatch.setattr(apigateway_v1, "_invoke_lambda_custom_v1", to_lambda)
    seams.add_rest_integration("runtime.sagemaker", ours)

    def invoke(uri: str) -> bytes:
        response: seams.Response = asyncio.run(
            apigateway_v1._invoke_lambda_custom_v1(
                {"uri": uri}, "api", "live", {}, {}, "/p", "POST", {}, b"", {}, {}
            )
        )
        return response[2]

    place = "path/endpoints/e/invocations"
    assert invoke(f"arn:aws:apigateway:eu-west-1:runtime.sagemaker:{place}") == (
        b"/endpoints/e/invocations eu-west-1"
    )
    assert invoke("arn:aws:apigateway:eu-west-1:lambda:path/x") == b"lambda"


def test_the_status_selects_an_integration_response() -> None:
    responses = {"400": {"statusCode": "400", "selectionPattern": "4\\d\\d"}, "200": {}}
    integration = {"integrationResponses": responses}

    assert seams.select_integration_response(integration, 415) == responses["400"]
    assert seams.select_integration_response(integration, 200) == {}


@pytest.mark.parametrize(
    ("models", "content_type", "refused"),
    [
        ({"application/json": "Body"}, "application/json", True),
        ({"application/json": "Body"}, "text/csv", False),
        ({"$default": "Body"}, "text/csv", True),
    ],
)
def test_a_body_is_checked_by_the_model_of_its_content_type(
    monkeypatch: pytest.MonkeyPatch, models: dict[str, str], content_type: str, refused: bool
) -> None:
    seams.check_only_modelled_bodies()
    validators = {"api": {"v": {"validateRequestBody": True}}}
    known = {"api": {"Body": {"schema": json.dumps({"type": "object", "required": ["x"]})}}}
    monkeypatch.setattr(apigateway_v1, "_request_validators", validators)
    monkeypatch.setattr(apigateway_v1, "_models", known)
    method = {"requestValidatorId": "v", "requestModels": models}

    found = apigateway_v1._check_request_validation(
        method, "api", {}, {"content-type": content_type}, b"{}", {}
    )

    assert bool(found) is refused


def test_errors_have_the_json_protocols_shape() -> None:
    status, headers, body = seams.json_error(404, "ResourceNotFoundException", "no such thing")

    assert (status, headers["x-amzn-ErrorType"]) == (404, "ResourceNotFoundException")
    assert json.loads(body)["message"] == "no such thing"
