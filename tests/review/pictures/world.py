"""A small pipeline in one template: files arrive, a machine trains a model, an API asks it."""

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from flywheel.review import review
from flywheel.review.pictures.architecture import architecture
from flywheel.review.pictures.drawing import Arrow, Box, Drawing
from tests.review.world import Templates, arn, environment, policy, statement

DEFINITION: Mapping[str, Any] = {
    "StartAt": "Note",
    "States": {
        "Note": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:putItem",
            "Arguments": {"TableName": "@Notes"},
            "Next": "Train",
        },
        "Train": {
            "Type": "Task",
            "Comment": "One job",
            "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
            "Arguments": {
                "RoleArn": "@JobRole.Arn",
                "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2},
            },
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Tell"}],
            "Next": "Good",
        },
        "Good": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $metric > 0.5 %}", "Next": "Wait"}],
            "Default": "Tell",
        },
        "Wait": {"Type": "Wait", "Seconds": 30, "Next": "Tell"},
        "Tell": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish",
            "Arguments": {"TopicArn": "@News"},
            "Next": "Done",
        },
        "Done": {"Type": "Succeed"},
    },
}


def machine(definition: Mapping[str, Any] = DEFINITION) -> dict[str, Any]:
    """A state machine with this definition; `@Id` is a reference, `@Id.Arn` an attribute."""
    text = json.dumps(definition)
    pieces: list[Any] = []
    for part in text.split('"@'):
        if not pieces:
            pieces.append(part + '"')
            continue
        name, rest = part.split('"', 1)
        logical_id, _, attribute = name.partition(".")
        reference = {"Fn::GetAtt": [logical_id, attribute]} if attribute else {"Ref": logical_id}
        pieces += [reference, f'"{rest}"']
    pieces[-1] = pieces[-1][:-1]
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"DefinitionString": {"Fn::Join": ["", pieces]}},
        "Metadata": {"path": "Flow/Loop/StateMachine/Resource"},
    }


def _role(name: str, *statements: Mapping[str, Any]) -> dict[str, Any]:
    policies = [{"PolicyName": "Own", "PolicyDocument": policy(*statements)}]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": policy(), "Policies": policies},
        "Metadata": {"path": f"Flow/{name}/Role/Resource"},
    }


def _alarm(name: str) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {"AlarmActions": [{"Ref": "News"}]},
        "Metadata": {"path": f"Flow/{name}"},
    }


def flow() -> Templates:
    """The templates; construct ids and logical ids are alike."""
    resources: dict[str, Any] = {
        "In": {"Type": "AWS::S3::Bucket", "Properties": {}},
        "InPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {"Bucket": {"Ref": "In"}, "PolicyDocument": policy()},
        },
        "Out": {"Type": "AWS::S3::Bucket", "Properties": {}},
        "Notes": {"Type": "AWS::DynamoDB::Table", "Properties": {}},
        "NewFiles": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {
                    "source": ["aws.s3"],
                    "detail-type": ["Object Created"],
                    "detail": {"bucket": {"name": [{"Ref": "In"}]}},
                },
                "Targets": [{"Id": "1", "Arn": arn("Queue")}],
            },
        },
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {}},
        "Pipe": {
            "Type": "AWS::Pipes::Pipe",
            "Properties": {
                "Source": arn("Queue"),
                "Target": {"Ref": "Loop"},
                "RoleArn": arn("PipeRole"),
            },
        },
        "PipeRole": _role("Pipe", statement("sqs:ReceiveMessage", arn("Queue"))),
        "Loop": machine(),
        "JobRole": _role(
            "Training",
            statement("s3:GetObject*", arn("In", "/*")),
            statement(["s3:Put*", "s3:GetObject"], arn("Out", "/*")),
            statement("kms:Decrypt", "*"),
        ),
        "News": {"Type": "AWS::SNS::Topic", "Properties": {}},
        "Mail": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "News"}, "Protocol": "email", "Endpoint": "a@b.c"},
        },
        "Late": _alarm("Late"),
        "Failed": _alarm("Failed"),
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {}},
        "Ask": {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "HttpMethod": "POST",
                "AuthorizationType": "AWS_IAM",
                "Integration": {"Credentials": arn("ApiRole")},
            },
        },
        "ApiRole": _role(
            "Api",
            statement(
                "sagemaker:InvokeEndpoint",
                {"Fn::Sub": "arn:aws:sagemaker:eu-west-1:${AWS::AccountId}:endpoint/flights"},
            ),
        ),
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {
                "ProductionVariants": [
                    {"VariantName": "a", "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 2}
                ]
            },
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": "flights",
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
    }
    return copy.deepcopy({"Flow": {"Resources": resources}})


def drawn(*changes: Callable[[Templates], None], given: Callable[[], Templates] = flow) -> Drawing:
    """The picture of what these changes do."""
    before, after = given(), given()
    for change in changes:
        change(after)
    old, new = environment(before), environment(after)
    return architecture(old, new, review(old, new, against="main"))


def box(drawing: Drawing, title: str) -> Box:
    """The box with this title."""
    return next(each for each in drawing.boxes if each.title == title)


def arrow(drawing: Drawing, source: str, target: str) -> Arrow:
    """The arrow between the boxes with these titles."""
    ends = box(drawing, source).id, box(drawing, target).id
    return next(each for each in drawing.arrows if (each.source, each.target) == ends)


def ways(drawing: Drawing) -> set[tuple[str, str]]:
    """The titles at the ends of all arrows."""
    names = {each.id: each.title or "start" for each in drawing.boxes}
    return {(names[each.source], names[each.target]) for each in drawing.arrows}
