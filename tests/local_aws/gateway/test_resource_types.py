"""CloudFormation types that ministack lacks: deployed by a template, described by their APIs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flywheel.local_aws import LocalAws

Deploy = Callable[..., dict[str, Any]]
VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.1.0.0/16"}}


def schema_of(resource_type: str) -> dict[str, Any]:
    """AWS's published schema of a type, as cfn-lint ships it."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    schema: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(
        "us-east-1", resource_type
    ).schema
    return schema


def test_a_spark_application_lives_with_its_stack(aws: LocalAws, deploy: Deploy) -> None:
    properties = {
        "Name": "tests",
        "ReleaseLabel": "emr-7.12.0",
        "Type": "SPARK",
        "MaximumCapacity": {"Cpu": "8 vCPU", "Memory": "32 GB"},
        "AutoStopConfiguration": {"Enabled": True, "IdleTimeoutMinutes": "5"},
        "Tags": [{"Key": "team", "Value": "ml"}],
    }
    application = {"Type": "AWS::EMRServerless::Application", "Properties": properties}
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Spark", "Arn"]}}}
    stack = deploy({"Spark": application}, Outputs=outputs)
    emr = aws.client("emr-serverless")

    found = emr.get_application(applicationId=stack["ids"]["Spark"])["application"]

    assert found["maximumCapacity"] == {"cpu": "8 vCPU", "memory": "32 GB"}
    assert found["autoStopConfiguration"] == {"enabled": True, "idleTimeoutMinutes": 5}
    assert found["tags"]["team"] == "ml"
    assert found["tags"]["aws:cloudformation:stack-name"] == stack["StackName"]
    assert stack["outputs"]["Arn"] == found["arn"]

    changed = {**application, "Properties": {**properties, "ReleaseLabel": "emr-7.9.0"}}
    updated = deploy({"Spark": changed}, stack["StackName"], Outputs=outputs)
    found = emr.get_application(applicationId=stack["ids"]["Spark"])["application"]

    assert updated["ids"] == stack["ids"]
    assert found["releaseLabel"] == "emr-7.9.0"


def test_a_release_that_no_image_stands_for_fails_the_stack(deploy: Deploy) -> None:
    application = {
        "Type": "AWS::EMRServerless::Application",
        "Properties": {"ReleaseLabel": "emr-6.15.0", "Type": "SPARK"},
    }

    stack = deploy({"Spark": application})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"


def test_an_unknown_property_fails_the_stack_and_is_named(deploy: Deploy) -> None:
    application = {
        "Type": "AWS::EMRServerless::Application",
        "Properties": {"ReleaseLabel": "emr-7.12.0", "Type": "SPARK", "MaxCapacity": "8"},
    }

    stack = deploy({"Spark": application})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("MaxCapacity is no property" in reason for reason in stack["reasons"])


def test_a_model_package_group_is_made_with_its_description(aws: LocalAws, deploy: Deploy) -> None:
    name = f"tests-{uuid.uuid4().hex[:8]}"
    properties = {"ModelPackageGroupName": name, "ModelPackageGroupDescription": "flights"}
    group = {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": properties}

    stack = deploy({"Group": group})

    found = aws.client("sagemaker").describe_model_package_group(ModelPackageGroupName=name)
    assert found["ModelPackageGroupDescription"] == "flights"
    assert stack["ids"]["Group"] == found["ModelPackageGroupArn"]


def test_a_stack_that_asks_for_what_is_not_here_fails_and_says_so(deploy: Deploy) -> None:
    application = {
        "Type": "AWS::EMRServerless::Application",
        "Properties": {"ReleaseLabel": "emr-7.12.0", "Type": "HIVE"},
    }

    stack = deploy({"Hive": application})

    assert any("runs SPARK only" in reason for reason in stack["reasons"])


def test_scaling_of_an_endpoint_that_does_not_exist_fails_the_stack(deploy: Deploy) -> None:
    target = {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {
            "MinCapacity": 1,
            "MaxCapacity": 4,
            "ResourceId": "endpoint/none/variant/main",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "ServiceNamespace": "sagemaker",
        },
    }

    assert deploy({"Target": target})["StackStatus"] == "ROLLBACK_COMPLETE"


def test_flow_logs_and_security_group_rules_reach_the_network(
    aws: LocalAws, deploy: Deploy
) -> None:
    group = {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {"GroupDescription": "tests", "VpcId": {"Ref": "Vpc"}},
    }
    rule = {
        "GroupId": {"Fn::GetAtt": ["Group", "GroupId"]},
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": "443",
        "Description": "among themselves",
    }
    peer = {"Fn::GetAtt": ["Group", "GroupId"]}
    stack = deploy(
        {
            "Vpc": VPC,
            "Group": group,
            "In": {
                "Type": "AWS::EC2::SecurityGroupIngress",
                "Properties": {**rule, "SourceSecurityGroupId": peer},
            },
            "Out": {
                "Type": "AWS::EC2::SecurityGroupEgress",
                "Properties": {**rule, "DestinationSecurityGroupId": peer},
            },
            "Log": {
                "Type": "AWS::EC2::FlowLog",
                "Properties": {
                    "ResourceId": {"Ref": "Vpc"},
                    "ResourceType": "VPC",
                    "TrafficType": "ALL",
                    "LogDestinationType": "cloud-watch-logs",
                    "LogGroupName": "flow",
                    "DeliverLogsPermissionArn": "arn:aws:iam::000000000000:role/x",
                },
            },
        }
    )
    ec2 = aws.client("ec2")

    found = ec2.describe_security_groups(GroupIds=[stack["ids"]["Group"]])["SecurityGroups"][0]
    (log,) = ec2.describe_flow_logs(FlowLogIds=[stack["ids"]["Log"]])["FlowLogs"]

    assert any(r.get("FromPort") == 443 for r in found["IpPermissions"])
    assert any(r.get("FromPort") == 443 for r in found["IpPermissionsEgress"])
    assert log["ResourceId"] == stack["ids"]["Vpc"]


def test_budgets_and_named_queries_are_kept(aws: LocalAws, deploy: Deploy) -> None:
    stack = deploy(
        {
            "Budget": {
                "Type": "AWS::Budgets::Budget",
                "Properties": {
                    "Budget": {
                        "BudgetType": "COST",
                        "TimeUnit": "MONTHLY",
                        "BudgetLimit": {"Amount": 300, "Unit": "USD"},
                    },
                    "NotificationsWithSubscribers": [
                        {
                            "Notification": {
                                "NotificationType": "ACTUAL",
                                "ComparisonOperator": "GREATER_THAN",
                                "Threshold": 80,
                            },
                            "Subscribers": [
                                {"SubscriptionType": "SNS", "Address": "arn:aws:sns:eu-west-1:0:t"}
                            ],
                        }
                    ],
                },
            },
            "Query": {
                "Type": "AWS::Athena::NamedQuery",
                "Properties": {"Database": "flights", "QueryString": "SELECT 1", "Name": "one"},
            },
        }
    )

    budget = aws.client("budgets").describe_budget(
        AccountId="000000000000", BudgetName=stack["ids"]["Budget"]
    )["Budget"]
    query = aws.client("athena").get_named_query(NamedQueryId=stack["ids"]["Query"])["NamedQuery"]

    assert float(budget["BudgetLimit"]["Amount"]) == 300
    assert query["QueryString"] == "SELECT 1"


def test_an_alarm_on_metric_math_is_kept_and_described(aws: LocalAws, deploy: Deploy) -> None:
    metrics = [
        {"Id": "share", "Expression": "100 * errors / calls", "ReturnData": True},
        *(
            {
                "Id": name,
                "ReturnData": False,
                "MetricStat": {
                    "Metric": {"Namespace": "AWS/SageMaker", "MetricName": metric},
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
            for name, metric in (("errors", "Invocation5XXErrors"), ("calls", "Invocations"))
        ),
    ]
    alarm = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "Metrics": metrics,
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": 1,
            "Threshold": 1,
        },
    }
    stack = deploy({"Alarm": alarm})
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["reasons"]
    cloudwatch, name = aws.client("cloudwatch"), stack["ids"]["Alarm"]

    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="planted")
    (found,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]

    assert [metric["Id"] for metric in found["Metrics"]] == ["share", "errors", "calls"]
    assert "MetricName" not in found
    assert found["StateValue"] == "ALARM"


def test_a_deleted_stack_takes_its_resources_along(aws: LocalAws, deploy: Deploy) -> None:
    name = f"tests-{uuid.uuid4().hex[:8]}"
    stack = deploy(
        {
            "Group": {
                "Type": "AWS::SageMaker::ModelPackageGroup",
                "Properties": {"ModelPackageGroupName": name},
            },
            "Spark": {
                "Type": "AWS::EMRServerless::Application",
                "Properties": {"ReleaseLabel": "emr-7.12.0", "Type": "SPARK"},
            },
        }
    )
    cloudformation = aws.client("cloudformation")

    cloudformation.delete_stack(StackName=stack["StackName"])
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=stack["StackName"], WaiterConfig={"Delay": 0, "MaxAttempts": 500}
    )

    with pytest.raises(ClientError):
        aws.client("sagemaker").describe_model_package_group(ModelPackageGroupName=name)
    with pytest.raises(ClientError):
        aws.client("emr-serverless").get_application(applicationId=stack["ids"]["Spark"])


def our_types() -> dict[str, frozenset[str]]:
    """Each type that this package adds, with the properties whose change replaces it."""
    from flywheel.local_aws.api_types import ApiTypes
    from flywheel.local_aws.network_types import NetworkTypes
    from flywheel.local_aws.request_validator import RequestValidator
    from flywheel.local_aws.sagemaker_types import SageMakerTypes
    from flywheel.local_aws.sdk_tasks import Clients

    nothing: Any = None
    clients = Clients("")
    by_api = (ApiTypes(clients), NetworkTypes(clients), RequestValidator(clients))
    types = [
        *(each for types in by_api for each in types.types()),
        *SageMakerTypes(nothing, nothing, nothing).types(),
    ]
    return {each.name: each.replacing for each in types}


@pytest.mark.parametrize("resource_type", sorted(our_types()))
def test_replacing_properties_are_those_of_awss_schema(resource_type: str) -> None:
    replacing = our_types()[resource_type]
    schema = schema_of(resource_type)
    create_only = {path.split("/")[2] for path in schema.get("createOnlyProperties", [])}
    properties = set(schema["properties"]) - {
        path.split("/")[2] for path in schema.get("readOnlyProperties", [])
    }

    assert replacing <= properties, "a property that AWS does not know"
    if create_only:  # older schemas do not tell
        assert create_only <= replacing
        assert not {
            name for name in replacing - create_only if not re.match("Tags|Name", name)
        } or (
            resource_type.startswith(("AWS::EC2::SecurityGroup", "AWS::Athena", "AWS::SageMaker"))
        )
