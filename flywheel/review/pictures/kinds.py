"""Which resource types a picture shows, what it calls them, and which it folds into others."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flywheel.review.pictures.drawing import Shape


@dataclass(frozen=True)
class Kind:
    """How resources of one type are shown.

    Attributes:
        name: In words.
        plural: Where several stand for one box; nothing where each has its own.
        arn: The resource's part of its ARN before the name, where the name is in a template.
        named_by: The property that holds that name.
    """

    name: str
    shape: Shape = "work"
    plural: str = ""
    arn: tuple[str, ...] = ()
    named_by: str = "Name"


KINDS: Mapping[str, Kind] = {
    "AWS::ApiGateway::RestApi": Kind("REST API", "door"),
    "AWS::ApiGatewayV2::Api": Kind("HTTP API", "door"),
    "AWS::Athena::WorkGroup": Kind("Athena workgroup", arn=("athena:workgroup/",)),
    "AWS::Bedrock::Agent": Kind("Bedrock agent"),
    "AWS::Budgets::Budget": Kind("budget", "note", "budgets"),
    "AWS::CloudFront::Distribution": Kind("CloudFront distribution", "door"),
    "AWS::CloudWatch::Alarm": Kind("alarm", "note", "alarms"),
    "AWS::CloudWatch::CompositeAlarm": Kind("composite alarm", "note", "composite alarms"),
    "AWS::CloudWatch::Dashboard": Kind("dashboard", "note", "dashboards"),
    "AWS::Cognito::UserPool": Kind("user pool", "door"),
    "AWS::DynamoDB::Table": Kind(
        "DynamoDB table", "store", arn=("dynamodb:table/",), named_by="TableName"
    ),
    "AWS::DynamoDB::GlobalTable": Kind(
        "DynamoDB global table", "store", arn=("dynamodb:table/",), named_by="TableName"
    ),
    "AWS::EC2::VPC": Kind("VPC", "note"),
    "AWS::ECR::Repository": Kind(
        "image repository", "store", arn=("ecr:repository/",), named_by="RepositoryName"
    ),
    "AWS::ECS::Service": Kind("ECS service"),
    "AWS::EFS::FileSystem": Kind("file system", "store"),
    "AWS::EMRServerless::Application": Kind("EMR Serverless"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Kind("load balancer", "door"),
    "AWS::Events::EventBus": Kind("event bus", "queue", arn=("events:event-bus/",)),
    "AWS::Glue::Job": Kind("Glue job", arn=("glue:job/",)),
    "AWS::IAM::OIDCProvider": Kind("identity provider", "door"),
    "AWS::KMS::Key": Kind("KMS key", "note", "KMS keys"),
    "AWS::Kinesis::Stream": Kind("Kinesis stream", "queue", arn=("kinesis:stream/",)),
    "AWS::KinesisFirehose::DeliveryStream": Kind(
        "delivery stream",
        "queue",
        arn=("firehose:deliverystream/",),
        named_by="DeliveryStreamName",
    ),
    "AWS::Lambda::Function": Kind(
        "Lambda function", arn=("lambda:function:",), named_by="FunctionName"
    ),
    "AWS::OpenSearchService::Domain": Kind("OpenSearch domain", "store"),
    "AWS::RDS::DBCluster": Kind("database cluster", "store"),
    "AWS::RDS::DBInstance": Kind("database", "store"),
    "AWS::Redshift::Cluster": Kind("Redshift cluster", "store"),
    "AWS::S3::Bucket": Kind("S3 bucket", "store"),
    "AWS::SNS::Topic": Kind("SNS topic", "queue"),
    "AWS::SQS::Queue": Kind("SQS queue", "queue"),
    "AWS::SSM::Parameter": Kind("SSM parameter", "store", arn=("ssm:parameter/",)),
    "AWS::SageMaker::Domain": Kind("SageMaker domain", "door"),
    "AWS::SageMaker::Endpoint": Kind(
        "SageMaker endpoint", arn=("sagemaker:endpoint/",), named_by="EndpointName"
    ),
    "AWS::SageMaker::FeatureGroup": Kind(
        "feature group", "store", arn=("sagemaker:feature-group/",), named_by="FeatureGroupName"
    ),
    "AWS::SageMaker::ModelPackageGroup": Kind(
        "model package group",
        "store",
        arn=("sagemaker:model-package-group/", "sagemaker:model-package/"),
        named_by="ModelPackageGroupName",
    ),
    "AWS::SageMaker::MonitoringSchedule": Kind("monitoring schedule"),
    "AWS::SageMaker::Pipeline": Kind("SageMaker pipeline"),
    "AWS::SecretsManager::Secret": Kind("secret", "store"),
    "AWS::StepFunctions::StateMachine": Kind("state machine"),
}
"""Types with a box of their own. Every other type is folded, or drawn plainly."""

_FOLDED = re.compile(
    r"AWS::(?:"
    r"IAM::(?!OIDCProvider)|Logs::|CDK::|ApplicationAutoScaling::|ApiGateway::|ApiGatewayV2::|Pipes::|"
    r"Route53|CertificateManager|WAFv2::|Backup::|Config::|Chatbot::|ServiceCatalog|Scheduler::|"
    r"CloudFormation::|ElasticLoadBalancingV2::|EC2::|KMS::Alias|Events::|Lambda::|S3::|SNS::|SQS::|"
    r"Glue::(?:Database|Table|Partition|Crawler)|SSM::|ECS::|Cognito::|"
    r"SageMaker::(?:Model|EndpointConfig|.*JobDefinition)$"
    r")|Custom::"
)
"""What serves something else: policies, versions, permissions, subnets, log groups …"""


def kind_of(resource_type: str) -> Kind | None:
    """How a type is shown; None where it is folded into what it serves."""
    known = KINDS.get(resource_type)
    if known or _FOLDED.match(resource_type):
        return known
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", resource_type.rsplit("::", 1)[-1])
    return Kind(" ".join(word if word.isupper() else word.lower() for word in words))
