"""What holds for every resource of a kind, in whichever stack it is."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import ENVIRONMENTS, Assembly, Template

STATEFUL_TYPES = (
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SageMaker::ModelPackageGroup",
    "AWS::SSM::Parameter",
)
PRODUCER_TYPES = ("AWS::SNS::Topic", "AWS::SQS::Queue")


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def templates(assembly: Assembly, environment: str) -> dict[str, Template]:
    return assembly.templates(environment)


def every(templates: dict[str, Template], resource_type: str) -> Iterator[tuple[str, Any]]:
    """Name and resource, of all resources of a type in all stacks; there is at least one."""
    found = [
        (f"{stack_id}/{logical_id}", resource)
        for stack_id, template in templates.items()
        for logical_id, resource in template.of_type(resource_type).items()
    ]
    assert found, resource_type
    yield from found


def is_our_key(value: object) -> bool:
    """Whether a property refers to a key of these templates, here or in another stack."""
    text = str(value)
    return "Key" in text and ("Fn::GetAtt" in text or "Fn::GetStackOutput" in text)


def test_every_bucket_is_private_encrypted_versioned_and_logged(
    templates: dict[str, Template],
) -> None:
    for name, bucket in every(templates, "AWS::S3::Bucket"):
        properties = bucket["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}, name
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}, name
        rule = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
        if "AccessLogs" in name:
            assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
            continue
        assert rule["BucketKeyEnabled"] is True, name
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms", name
        assert is_our_key(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]), name
        assert "DestinationBucketName" in properties["LoggingConfiguration"], name


def test_every_bucket_refuses_plain_http_and_old_tls(templates: dict[str, Template]) -> None:
    buckets = dict(every(templates, "AWS::S3::Bucket"))
    refusing = set()
    for name, policy in every(templates, "AWS::S3::BucketPolicy"):
        denials = [
            statement["Condition"]
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Deny" and statement["Principal"] == {"AWS": "*"}
        ]
        assert {"Bool": {"aws:SecureTransport": "false"}} in denials, name
        assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in denials, name
        refusing.add(f"{name.split('/')[0]}/{policy['Properties']['Bucket']['Ref']}")
    assert refusing == set(buckets)


def test_unfinished_uploads_and_superseded_versions_do_not_pile_up(
    templates: dict[str, Template],
) -> None:
    for name, bucket in every(templates, "AWS::S3::Bucket"):
        rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
        assert any("AbortIncompleteMultipartUpload" in rule for rule in rules), name
        assert any("NoncurrentVersionExpiration" in rule for rule in rules), name


def test_data_survives_its_stack_only_where_the_environment_says_so(
    templates: dict[str, Template], environment: str
) -> None:
    expected = ("RetainExceptOnCreate", "Retain") if environment == "prod" else ("Delete", "Delete")
    for resource_type in STATEFUL_TYPES:
        for name, resource in every(templates, resource_type):
            policies = (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
            assert policies == expected, name


def test_every_key_rotates(templates: dict[str, Template]) -> None:
    for name, key in every(templates, "AWS::KMS::Key"):
        assert key["Properties"]["EnableKeyRotation"] is True, name


def test_a_key_is_open_to_this_account_and_to_services_on_its_behalf(
    templates: dict[str, Template],
) -> None:
    for name, key in every(templates, "AWS::KMS::Key"):
        for statement in key["Properties"]["KeyPolicy"]["Statement"]:
            principal = statement["Principal"]
            if "Service" not in principal:
                assert "root" in str(principal), name
                continue
            assert "kms:*" not in statement["Action"], name
            # EventBridge and log delivery do not say on whose behalf they come.
            unconditional = {"events.amazonaws.com", "delivery.logs.amazonaws.com"}
            assert "Condition" in statement or principal["Service"] in unconditional, name


def test_every_log_is_encrypted_with_our_key_and_ends(
    templates: dict[str, Template], environment: str
) -> None:
    days = {"local": 7, "dev": 30, "staging": 90, "prod": 365}[environment]
    for name, log_group in every(templates, "AWS::Logs::LogGroup"):
        assert log_group["Properties"]["RetentionInDays"] == days, name
        assert is_our_key(log_group["Properties"]["KmsKeyId"]), name


def test_every_queue_and_topic_is_encrypted_with_our_key(templates: dict[str, Template]) -> None:
    for resource_type in PRODUCER_TYPES:
        for name, resource in every(templates, resource_type):
            assert is_our_key(resource["Properties"]["KmsMasterKeyId"]), name


def test_no_role_may_do_everything_of_a_service(templates: dict[str, Template]) -> None:
    for stack_id, template in templates.items():
        for logical_id, statement in template.statements():
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                assert not action.endswith(":*"), f"{stack_id}/{logical_id} {action}"
                assert action != "*", f"{stack_id}/{logical_id}"


def test_a_service_may_assume_a_role_only_for_this_account(templates: dict[str, Template]) -> None:
    exempt = ("ApiLoggingRole", "InvokeRole", "EventsRole")  # their services name no account
    for name, role in every(templates, "AWS::IAM::Role"):
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            if not any(part in name for part in exempt):
                condition = statement["Condition"]["StringEquals"]
                assert condition == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}, name


def test_nothing_but_what_outsiders_must_know_has_a_fixed_name(
    templates: dict[str, Template],
) -> None:
    for resource_type, prop in {
        "AWS::S3::Bucket": "BucketName",
        "AWS::IAM::Role": "RoleName",
        "AWS::SQS::Queue": "QueueName",
        "AWS::SNS::Topic": "TopicName",
        "AWS::CloudWatch::Alarm": "AlarmName",
        "AWS::SageMaker::Model": "ModelName",
        "AWS::SageMaker::EndpointConfig": "EndpointConfigName",
    }.items():
        for name, resource in every(templates, resource_type):
            assert prop not in resource["Properties"], name


def test_alarms_of_people_reach_the_topic(templates: dict[str, Template]) -> None:
    for name, alarm in every(templates, "AWS::CloudWatch::Alarm"):
        if "Rollback" not in name:
            assert alarm["Properties"]["AlarmActions"], name
        assert alarm["Properties"]["TreatMissingData"] == "notBreaching", name
