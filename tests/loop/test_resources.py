"""The loop's resources: encrypted, logged, started by what should start it."""

import json
from typing import Any

import pytest

from components.loop.triggers import MAX_KEYS_PER_EXECUTION
from tests.conftest import ENVIRONMENTS, Assembly, Template
from tests.loop.conftest import STACK
from tests.loop.template import KEY, resolve

LONGEST_KEY = "\u00e4" * 512  # 1,024 bytes
MAX_INPUT_BYTES = 262_144


@pytest.fixture(params=ENVIRONMENTS)
def template(request: pytest.FixtureRequest, assembly: Assembly) -> Template:
    return assembly.template(request.param, STACK)


def test_the_machine_is_encrypted_traced_and_logged(template: Template) -> None:
    machine = template.only("AWS::StepFunctions::StateMachine")

    assert machine["StateMachineType"] == "STANDARD"
    assert machine["EncryptionConfiguration"]["Type"] == "CUSTOMER_MANAGED_KMS_KEY"
    assert resolve(machine["EncryptionConfiguration"]["KmsKeyId"]) == KEY
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ALL"


def test_what_the_loop_stores_is_encrypted_with_our_key(template: Template) -> None:
    table = template.only("AWS::DynamoDB::Table")
    queues = template.properties("AWS::SQS::Queue").values()

    assert table["SSESpecification"]["SSEType"] == "KMS"
    assert resolve(template.only("AWS::SNS::Topic")["KmsMasterKeyId"]) == KEY
    assert {resolve(queue["KmsMasterKeyId"]) for queue in queues} == {KEY}
    assert resolve(template.only("AWS::Logs::LogGroup")["KmsKeyId"]) == KEY


def test_the_state_table_can_be_brought_back(template: Template) -> None:
    specification = template.only("AWS::DynamoDB::Table")["PointInTimeRecoverySpecification"]

    assert specification == {"PointInTimeRecoveryEnabled": True}


def test_production_keeps_its_state(assembly: Assembly) -> None:
    (table,) = assembly.template("prod", STACK).of_type("AWS::DynamoDB::Table").values()

    assert table["DeletionPolicy"].startswith("Retain")
    assert table["Properties"]["DeletionProtectionEnabled"] is True


def test_new_objects_of_the_workload_are_queued(assembly: Assembly) -> None:
    rules = assembly.template("local", STACK).properties("AWS::Events::Rule").values()
    (rule,) = [rule for rule in rules if rule["EventPattern"]["source"] == ["aws.s3"]]

    assert resolve(rule["EventPattern"]["detail"]) == {
        "bucket": {"name": ["raw"]},
        "object": {"key": [{"prefix": "flight_delay/flights/"}]},
    }
    assert "DeadLetterConfig" in rule["Targets"][0]


def test_a_full_batch_of_the_longest_keys_fits_into_one_input(template: Template) -> None:
    pipe = template.only("AWS::Pipes::Pipe")
    size = pipe["SourceParameters"]["SqsQueueParameters"]["BatchSize"]
    one = pipe["TargetParameters"]["InputTemplate"].replace(
        "<$.body.detail.object.key>", LONGEST_KEY
    )

    batch = json.dumps([json.loads(one)] * size, ensure_ascii=False).encode()
    assert size <= MAX_KEYS_PER_EXECUTION
    assert len(batch) <= MAX_INPUT_BYTES


def test_the_pipe_starts_the_machine_and_does_not_wait(template: Template) -> None:
    parameters = template.only("AWS::Pipes::Pipe")["TargetParameters"]

    assert parameters["StepFunctionStateMachineParameters"] == {"InvocationType": "FIRE_AND_FORGET"}


def test_what_cannot_be_handed_over_is_kept(template: Template) -> None:
    queues = template.properties("AWS::SQS::Queue")
    (arrivals,) = [queue for queue in queues.values() if "RedrivePolicy" in queue]

    assert arrivals["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert arrivals["RedrivePolicy"]["maxReceiveCount"] == 5


def inputs(template: Template, detail_type: str) -> list[dict[str, Any]]:
    return [
        rule
        for rule in template.properties("AWS::Events::Rule").values()
        if rule["EventPattern"]["detail-type"] == [detail_type]
    ]


@pytest.mark.parametrize(
    ("environment", "rules"), [("local", 0), ("dev", 0), ("staging", 1), ("prod", 1)]
)
def test_approvals_start_the_loop_where_a_person_approves(
    assembly: Assembly, environment: str, rules: int
) -> None:
    found = inputs(assembly.template(environment, STACK), "SageMaker Model Package State Change")

    assert len(found) == rules
    for rule in found:
        assert rule["EventPattern"]["detail"] == {
            "ModelPackageGroupName": [f"{environment}-flight-delay"],
            "ModelApprovalStatus": ["Approved"],
        }
        transformer = rule["Targets"][0]["InputTransformer"]
        assert transformer["InputTemplate"] == '{"approved":<detail-ModelPackageArn>,"at":<time>}'
        assert transformer["InputPathsMap"] == {
            "detail-ModelPackageArn": "$.detail.ModelPackageArn",
            "time": "$.time",
        }


def test_the_end_of_a_stopped_run_is_noticed(template: Template) -> None:
    (rule,) = inputs(template, "Step Functions Execution Status Change")

    assert rule["EventPattern"]["detail"]["status"] == ["ABORTED", "FAILED", "TIMED_OUT"]
    transformer = rule["Targets"][0]["InputTransformer"]
    assert transformer["InputTemplate"] == '{"stopped":<detail-name>}'


def test_outputs_keep_their_names(template: Template) -> None:
    assert {"StateMachineArn", "TopicArn", "StateTable"} <= set(template.body["Outputs"])
