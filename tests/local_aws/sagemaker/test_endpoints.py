"""Endpoints and InvokeEndpoint through plain boto3."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.sagemaker.helpers import IMAGE, ROLE, Aws, unique


def test_an_endpoint_starts_answers_and_goes(aws: Aws) -> None:
    config = aws.endpoint_config(aws.model("one"))
    name = unique("endpoint")
    arn = aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)["EndpointArn"]
    assert aws.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Creating"
    aws.sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
    )
    answer = aws.runtime.invoke_endpoint(
        EndpointName=name, Body="a,b", ContentType="text/csv", Accept="text/csv"
    )
    assert answer["Body"].read() == b"one:a,b"
    assert answer["ContentType"] == "text/csv"
    assert answer["InvokedProductionVariant"] == "v1"
    assert aws.states("Endpoint", arn, "EndpointStatus") == ["CREATING", "IN_SERVICE"]
    aws.sagemaker.delete_endpoint(EndpointName=name)
    aws.service.wait_deleted(name, 20)
    with pytest.raises(ClientError, match='Could not find endpoint "arn:aws:sagemaker:'):
        aws.sagemaker.describe_endpoint(EndpointName=name)


def test_any_bytes_pass_through_unchanged(aws: Aws) -> None:
    endpoint = aws.endpoint(aws.endpoint_config(aws.model("one")))
    body = bytes(range(256)) * 4000
    answer = aws.runtime.invoke_endpoint(
        EndpointName=endpoint,
        Body=body,
        ContentType="application/octet-stream",
        Accept="application/octet-stream",
    )
    assert answer["Body"].read() == body


def test_a_bad_request_is_the_clients_fault_and_says_what_was_expected(aws: Aws) -> None:
    endpoint = aws.endpoint(aws.endpoint_config(aws.model("one")))
    with pytest.raises(ClientError) as refused:
        aws.runtime.invoke_endpoint(
            EndpointName=endpoint, Body="{}", ContentType="application/json"
        )
    response = refused.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 400
    assert (
        response["OriginalMessage"] == "content type application/json is not known; send text/csv"
    )
    assert (
        'Received client error (400) from v1 with message "content type'
        in response["Error"]["Message"]
    )


def test_a_fault_of_the_model_tells_the_caller_nothing_and_the_log_all(aws: Aws) -> None:
    endpoint = aws.endpoint(aws.endpoint_config(aws.model("one")))
    with pytest.raises(ClientError) as failed:
        aws.ask(endpoint, "fail")
    assert failed.value.response["OriginalStatusCode"] == 500
    assert "secret" not in str(failed.value.response)
    logs = list((aws.service.config.work_dir / "endpoints" / endpoint).rglob("output.log"))
    assert "a secret detail" in logs[0].read_text()


def test_unknown_endpoints_and_variants_are_validation_errors(aws: Aws) -> None:
    with pytest.raises(ClientError, match="Endpoint nobody of account 000000000000 not found"):
        aws.ask("nobody")
    endpoint = aws.endpoint(aws.endpoint_config(aws.model("one")))
    with pytest.raises(ClientError, match="Variant v9 not found") as refused:
        aws.ask(endpoint, TargetVariant="v9")
    assert refused.value.response["Error"]["Code"] == "ValidationError"


def test_no_call_fails_while_an_endpoint_is_updated_under_load(aws: Aws) -> None:
    endpoint = aws.endpoint(aws.endpoint_config(aws.model("model-0")))
    words = ["model-1", "model-2", "model-3"]
    configs = {word: aws.endpoint_config(aws.model(word)) for word in words}
    done = threading.Event()
    seen: list[str] = []
    failed: list[str] = []

    def ask_all_the_time() -> None:
        number = 0
        while not done.is_set():
            number += 1
            text = f"sleep 0.0{number % 5}" if number % 3 == 0 else "x"
            try:
                seen.append(aws.ask(endpoint, text).partition(":")[0])
            except Exception as error:  # noqa: BLE001 - any failed call counts
                failed.append(repr(error))

    with ThreadPoolExecutor(12) as pool:
        for _ in range(12):
            pool.submit(ask_all_the_time)
        for word, config in configs.items():
            aws.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
            settled = aws.service.wait("endpoint", endpoint, 30)
            assert settled["EndpointConfigName"] == config
            while word not in seen and not failed:
                done.wait(0.01)
        done.set()
    assert failed == []
    assert set(seen) == {"model-0", *words}


def test_a_new_model_that_does_not_start_leaves_the_old_one_serving(aws: Aws) -> None:
    config = aws.endpoint_config(aws.model("old"))
    endpoint = aws.endpoint(config)
    broken = aws.endpoint_config(aws.model("new", EXPECTED="something else"))
    arn = aws.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=broken)[
        "EndpointArn"
    ]
    settled = aws.service.wait("endpoint", endpoint, 30)
    assert settled["EndpointStatus"] == "InService"
    assert settled["EndpointConfigName"] == config
    assert "FailureReason" not in settled
    assert "PendingDeploymentSummary" not in settled
    assert aws.ask(endpoint) == "old:x"
    states = aws.states("Endpoint", arn, "EndpointStatus")
    assert states == ["CREATING", "IN_SERVICE", "UPDATING", "ROLLING_BACK", "IN_SERVICE"]


def test_an_endpoint_whose_first_model_does_not_start_fails_and_says_why(aws: Aws) -> None:
    name = unique("endpoint")
    config = aws.endpoint_config(aws.model("new", EXPECTED="something else"))
    aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    settled = aws.service.wait("endpoint", name, 30)
    assert settled["EndpointStatus"] == "Failed"
    assert "production variant v1 did not pass the ping health check" in settled["FailureReason"]
    assert "the artifact is not the one that was registered" in settled["FailureReason"]
    with pytest.raises(ClientError, match="not found"):
        aws.ask(name)
    aws.sagemaker.delete_endpoint(EndpointName=name)
    aws.service.wait_deleted(name, 10)


def test_an_endpoint_that_changes_cannot_be_changed(aws: Aws) -> None:
    config = aws.endpoint_config(aws.model("one"))
    name = unique("endpoint")
    aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    with pytest.raises(ClientError, match='Cannot update in-progress endpoint "arn'):
        aws.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)
    with pytest.raises(ClientError, match='Cannot update in-progress endpoint "arn'):
        aws.sagemaker.delete_endpoint(EndpointName=name)
    with pytest.raises(ClientError, match='Cannot create already existing endpoint "arn'):
        aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    with pytest.raises(ClientError, match='Could not find endpoint configuration "arn'):
        aws.sagemaker.create_endpoint(EndpointName=unique("endpoint"), EndpointConfigName="nothing")
    aws.service.wait("endpoint", name, 30)


def test_weights_share_the_traffic_and_a_target_variant_overrides_them(aws: Aws) -> None:
    config = aws.endpoint_config(aws.model("one"), aws.model("two"), weights=(1.0, 0.0))
    endpoint = aws.endpoint(config)
    assert {aws.ask(endpoint) for _ in range(20)} == {"one:x"}
    assert aws.ask(endpoint, TargetVariant="v2") == "two:x"
    aws.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[
            {"VariantName": "v1", "DesiredWeight": 0.0},
            {"VariantName": "v2", "DesiredWeight": 3.0, "DesiredInstanceCount": 4},
        ],
    )
    assert {aws.ask(endpoint) for _ in range(20)} == {"two:x"}
    variants = aws.sagemaker.describe_endpoint(EndpointName=endpoint)["ProductionVariants"]
    assert [(v["CurrentWeight"], v["CurrentInstanceCount"]) for v in variants] == [
        (0.0, 1),
        (3.0, 4),
    ]
    aws.sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=aws.endpoint_config(aws.model("three"), aws.model("four")),
        RetainAllVariantProperties=True,
    )
    kept = aws.service.wait("endpoint", endpoint, 30)["ProductionVariants"]
    assert [(v["CurrentWeight"], v["CurrentInstanceCount"]) for v in kept] == [(0.0, 1), (3.0, 4)]
    assert {aws.ask(endpoint) for _ in range(20)} == {"four:x"}


def test_a_server_that_dies_is_started_again(aws: Aws) -> None:
    endpoint = aws.endpoint(aws.endpoint_config(aws.model("one")))
    with pytest.raises(ClientError, match="The model process exited") as failed:
        aws.ask(endpoint, "die")
    assert failed.value.response["Error"]["Code"] == "ModelError"
    assert aws.ask(endpoint) == "one:x"
    (log,) = (aws.service.config.work_dir / "endpoints" / endpoint).rglob("output.log")
    assert log.read_text().count("loaded one") == 2, "a deadly request is never sent twice"


def test_a_connection_that_the_server_closed_meanwhile_is_replaced(aws: Aws) -> None:
    endpoint = aws.endpoint(aws.endpoint_config(aws.model("one")))
    assert aws.ask(endpoint) == "one:x"
    fleet = aws.service._endpoints.get(endpoint).fleet
    assert fleet is not None
    (kept,) = fleet.variants["v1"].servers[0]._idle
    kept.sock.shutdown(socket.SHUT_RDWR)
    assert aws.ask(endpoint) == "one:x"


CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
            "WaitIntervalInSeconds": 2,
        },
        "TerminationWaitInSeconds": 0,
    },
}


def test_a_canary_gets_its_share_before_it_gets_everything(aws: Aws) -> None:
    endpoint = aws.endpoint(aws.endpoint_config(aws.model("old")))
    new = aws.endpoint_config(aws.model("new"))
    aws.sagemaker.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=new, DeploymentConfig=CANARY
    )
    during: list[str] = []
    while aws.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "Updating":
        during.append(aws.ask(endpoint))
    assert {"old:x", "new:x"} == set(during)
    settled = aws.service.wait("endpoint", endpoint, 10)
    assert settled["EndpointConfigName"] == new
    assert settled["LastDeploymentConfig"] == CANARY
    assert {aws.ask(endpoint) for _ in range(20)} == {"new:x"}


def test_an_alarm_during_the_canary_puts_the_old_model_back(aws: Aws) -> None:
    cloudwatch = aws.client("cloudwatch")
    alarm = unique("alarm")
    cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        MetricName="Invocation5XXErrors",
        Namespace="AWS/SageMaker",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="test")
    config = aws.endpoint_config(aws.model("old"))
    endpoint = aws.endpoint(config)
    aws.sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=aws.endpoint_config(aws.model("new")),
        DeploymentConfig=CANARY | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}},
    )
    settled = aws.service.wait("endpoint", endpoint, 10)
    assert settled["EndpointStatus"] == "InService"
    assert settled["EndpointConfigName"] == config
    assert {aws.ask(endpoint) for _ in range(10)} == {"old:x"}


def test_models_and_configurations_must_make_sense(aws: Aws) -> None:
    with pytest.raises(ClientError, match="Could not access model data at s3://test-bucket/none"):
        aws.sagemaker.create_model(
            ModelName=unique("model"),
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": IMAGE, "ModelDataUrl": f"s3://{aws.bucket}/none.tar.gz"},
        )
    model = aws.model("one")
    with pytest.raises(ClientError, match='Cannot create already existing model "arn'):
        aws.sagemaker.create_model(
            ModelName=model, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE}
        )
    with pytest.raises(ClientError, match='Could not find model "arn:aws:sagemaker:eu-west-1:'):
        aws.endpoint_config("no-such-model")
    config = aws.endpoint_config(model)
    aws.sagemaker.delete_endpoint_config(EndpointConfigName=config)
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        aws.sagemaker.describe_endpoint_config(EndpointConfigName=config)
    assert aws.sagemaker.list_models(NameContains=model)["Models"][0]["ModelName"] == model
    aws.sagemaker.delete_model(ModelName=model)
    with pytest.raises(ClientError, match="Could not find model"):
        aws.sagemaker.describe_model(ModelName=model)
