"""A small environment of two stacks, by hand, and the means to plant a change in it."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flywheel.review import Environment, Review, Stack, review
from flywheel.review.assembly import Acknowledgment, Asset

Templates = dict[str, dict[str, Any]]
OWN_ROOT = {"Fn::Join": ["", ["arn:aws:iam::", {"Ref": "AWS::AccountId"}, ":root"]]}
STRANGER = "arn:aws:iam::999999999999:root"
OLD_HASH, NEW_HASH = "a" * 64, "b" * 64


def statement(actions: Any, resources: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def arn(logical_id: str, suffix: str = "") -> Any:
    attribute = {"Fn::GetAtt": [logical_id, "Arn"]}
    return {"Fn::Join": ["", [attribute, suffix]]} if suffix else attribute


def output(name: str, environment: str = "prod") -> dict[str, Any]:
    """A value that the lake's stack offers to the other one."""
    return {"Fn::GetStackOutput": {"StackName": f"{environment}-Lake", "OutputName": name}}


def _bucket(**properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "VersioningConfiguration": {"Status": "Enabled"},
            "PublicAccessBlockConfiguration": dict.fromkeys(
                (
                    "BlockPublicAcls",
                    "BlockPublicPolicy",
                    "IgnorePublicAcls",
                    "RestrictPublicBuckets",
                ),
                True,
            ),
            "Tags": [{"Key": "team", "Value": "a"}, {"Key": "zone", "Value": "raw"}],
            **properties,
        },
    }


def lake(environment: str = "prod") -> dict[str, Any]:
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {
        "Resources": {
            "Key": {
                "Type": "AWS::KMS::Key",
                "Properties": {
                    "EnableKeyRotation": True,
                    "KeyPolicy": policy(
                        statement("kms:*", Principal={"AWS": OWN_ROOT}),
                        statement(
                            ["kms:Decrypt", "kms:GenerateDataKey"],
                            Principal={"Service": "logs.amazonaws.com"},
                            Condition={
                                "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
                            },
                        ),
                    ),
                },
                **kept,
            },
            "Raw": {**_bucket(), **kept},
            "Scratch": _bucket(),
            "Named": _bucket(BucketName=f"flywheel-{environment}-named"),
            "RawPolicy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {
                    "Bucket": {"Ref": "Raw"},
                    "PolicyDocument": policy(
                        statement(
                            "s3:*",
                            [arn("Raw"), arn("Raw", "/*")],
                            Effect="Deny",
                            Principal={"AWS": "*"},
                            Condition={"Bool": {"aws:SecureTransport": "false"}},
                        )
                    ),
                },
            },
            "Log": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {
                    "LogGroupName": f"/flywheel/{environment}/lake",
                    "RetentionInDays": 365,
                },
                **kept,
            },
            "Spark": {
                "Type": "AWS::EMRServerless::Application",
                "Properties": {"Type": "SPARK", "ReleaseLabel": "emr-7.5.0"},
            },
            "Door": {
                "Type": "AWS::EC2::SecurityGroup",
                "Properties": {
                    "GroupDescription": "Door",
                    "SecurityGroupIngress": [
                        {"CidrIp": "10.0.0.0/16", "IpProtocol": "tcp", "FromPort": 443}
                    ],
                },
            },
            "Way": {
                "Type": "AWS::EC2::VPCEndpoint",
                "Properties": {
                    "ServiceName": "com.amazonaws.eu-west-1.s3",
                    "VpcId": "vpc-1",
                    "PolicyDocument": policy(
                        statement("s3:GetObject", arn("Raw", "/*"), Principal="*")
                    ),
                },
            },
        },
        "Outputs": {
            "RawArn": {"Value": arn("Raw")},
            "KeyArn": {"Value": arn("Key"), "Export": {"Name": "lake-key"}},
        },
    }


def serving(environment: str = "prod") -> dict[str, Any]:
    prefix = {"Fn::Join": ["", [output("RawArn", environment), "/flights/*"]]}
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }
    return {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": policy(trust)},
            },
            "Rights": {
                "Type": "AWS::IAM::Policy",
                "Properties": {
                    "PolicyName": "Rights",
                    "Roles": [{"Ref": "Role"}],
                    "PolicyDocument": policy(
                        statement(["s3:GetObject", "s3:PutObject"], prefix),
                        statement("s3:ListBucket", output("RawArn", environment)),
                        statement("kms:Decrypt", {"Fn::ImportValue": "lake-key"}),
                    ),
                },
            },
            "Model": {
                "Type": "AWS::SageMaker::Model",
                "Properties": {
                    "EnableNetworkIsolation": True,
                    "ExecutionRoleArn": arn("Role"),
                    "PrimaryContainer": {
                        "Image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/xgboost:1"
                    },
                },
            },
            "Config": {
                "Type": "AWS::SageMaker::EndpointConfig",
                "Properties": {
                    "DataCaptureConfig": {
                        "EnableCapture": True,
                        "InitialSamplingPercentage": 20,
                    },
                    "ProductionVariants": [
                        {
                            "VariantName": "main",
                            "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                            "InstanceType": "ml.m5.xlarge",
                            "InitialInstanceCount": 2,
                        }
                    ],
                },
            },
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Properties": {
                    "EndpointName": f"{environment}-flights",
                    "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                    "DeploymentConfig": {
                        "BlueGreenUpdatePolicy": {
                            "TrafficRoutingConfiguration": {"Type": "CANARY"}
                        },
                        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": {"Ref": "Alarm"}}]},
                    },
                },
            },
            "Alarm": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "ComparisonOperator": "GreaterThanThreshold",
                    "EvaluationPeriods": 1,
                    "AlarmActions": ["arn:aws:sns:eu-west-1:123456789012:topic"],
                },
            },
            "Group": {
                "Type": "AWS::SageMaker::ModelPackageGroup",
                "Properties": {
                    "ModelPackageGroupName": f"{environment}-flights",
                    "ModelPackageGroupDescription": "Flights",
                },
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
            },
            "Code": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Role": arn("Role"),
                    "Code": {
                        "S3Bucket": {"Fn::Sub": "cdk-assets-${AWS::AccountId}-eu-west-1"},
                        "S3Key": f"{OLD_HASH}.zip",
                    },
                },
            },
            "Method": {
                "Type": "AWS::ApiGateway::Method",
                "Properties": {
                    "AuthorizationType": "AWS_IAM",
                    "HttpMethod": "POST",
                    "ResourceId": "r",
                    "RestApiId": "a",
                },
            },
            "Scaling": {
                "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
                "Properties": {
                    "MinCapacity": 1,
                    "MaxCapacity": 4,
                    "ResourceId": "endpoint/flights",
                    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
                    "ServiceNamespace": "sagemaker",
                },
            },
            "Loop": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "RoleArn": arn("Role"),
                    "DefinitionString": {
                        "Fn::Join": [
                            "",
                            [
                                '{"StartAt":"Train","States":{"Train":{"Type":"Task","Arguments":'
                                '{"RoleArn":"',
                                arn("Role"),
                                '","InstanceType":"ml.m5.large","InstanceCount":1},"End":true}}}',
                            ],
                        ]
                    },
                },
            },
        },
    }


def templates(environment: str = "prod") -> Templates:
    return copy.deepcopy({"Lake": lake(environment), "Serving": serving(environment)})


def environment(
    given: Templates,
    *,
    name: str = "prod",
    region: str = "eu-west-1",
    assets: Path | None = None,
    acknowledgments: tuple[Acknowledgment, ...] = (),
    **settings: Any,
) -> Environment:
    """An environment of these templates; construct paths are `Stack/LogicalId`.

    A resource with `Metadata: {path: …}` has that path.
    """
    stacks = {}
    for stack_id, template in given.items():
        paths = {
            logical_id: resource.get("Metadata", {}).get("path", f"{stack_id}/{logical_id}")
            for logical_id, resource in template["Resources"].items()
        }
        stacks[stack_id] = Stack(
            id=stack_id,
            name=f"{name}-{stack_id}",
            environment=name,
            region=region,
            account="123456789012",
            template=json.loads(json.dumps(template)),
            paths=paths,
            assets={
                digest: Asset(digest, "Serving/Code", assets / digest)
                for digest in (OLD_HASH, NEW_HASH)
            }
            if assets
            else {},
            acknowledgments=acknowledgments,
            **{"termination_protection": True, **settings},
        )
    return Environment(name, stacks)


def judge(after: Templates, before: Templates | None = None, **settings: Any) -> Review:
    """The review of a planted change."""
    was = environment(templates() if before is None else before, assets=settings.get("assets"))
    return review(was, environment(after, **settings), against="main")
