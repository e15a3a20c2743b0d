"""Resource types that hold something, and what goes with them when they go."""

from collections.abc import Mapping
from typing import Any

STATEFUL: Mapping[str, str] = {
    "AWS::S3::Bucket": "its objects and all their versions",
    "AWS::S3::AccessPoint": "the address that its users know",
    "AWS::DynamoDB::Table": "its items",
    "AWS::DynamoDB::GlobalTable": "its items in every region",
    "AWS::KMS::Key": "all data encrypted with it, for ever",
    "AWS::Logs::LogGroup": "its log",
    "AWS::SQS::Queue": "the messages that wait in it",
    "AWS::SNS::Topic": "its subscriptions",
    "AWS::SSM::Parameter": "its value and its history",
    "AWS::SecretsManager::Secret": "its value",
    "AWS::Kinesis::Stream": "the records in it",
    "AWS::KinesisFirehose::DeliveryStream": "the records that it has buffered",
    "AWS::Glue::Database": "its tables and partitions in the catalogue",
    "AWS::Glue::Table": "its partitions and statistics in the catalogue",
    "AWS::Athena::WorkGroup": "its query history and saved queries",
    "AWS::SageMaker::ModelPackageGroup": "the registered models, their metrics and approvals",
    "AWS::SageMaker::FeatureGroup": "its features",
    "AWS::SageMaker::Domain": "its users' home folders",
    "AWS::SageMaker::MlflowTrackingServer": "its experiments",
    "AWS::ECR::Repository": "its images",
    "AWS::EFS::FileSystem": "its files",
    "AWS::FSx::FileSystem": "its files",
    "AWS::EC2::Volume": "its blocks",
    "AWS::RDS::DBInstance": "its databases",
    "AWS::RDS::DBCluster": "its databases",
    "AWS::Redshift::Cluster": "its databases",
    "AWS::Neptune::DBCluster": "its graph",
    "AWS::DocDB::DBCluster": "its documents",
    "AWS::ElastiCache::ReplicationGroup": "its cached items",
    "AWS::OpenSearchService::Domain": "its indices",
    "AWS::Cognito::UserPool": "its users",
    "AWS::Backup::BackupVault": "its backups",
    "AWS::CodeCommit::Repository": "its commits",
    "AWS::Events::Archive": "its archived events",
    "AWS::CloudTrail::EventDataStore": "its events",
    "AWS::ApiGateway::RestApi": "its address, which clients know",
    "AWS::ApiGatewayV2::Api": "its address, which clients know",
    "AWS::EC2::EIP": "its address, which others may have allowed",
}
"""Type → what is lost. Wider than cfn-lint's list: it also has what only we would miss."""

GUARDS = frozenset(
    {
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::CloudTrail::Trail",
        "AWS::EC2::FlowLog",
        "AWS::WAFv2::WebACLAssociation",
        "AWS::Config::ConfigRule",
        "AWS::GuardDuty::Detector",
        "AWS::Budgets::Budget",
        "AWS::SageMaker::MonitoringSchedule",
        "AWS::Backup::BackupSelection",
    }
)
"""Types that watch over others: fewer of them is less protection."""

IMMUTABLE = frozenset(
    {
        "AWS::ApiGateway::Deployment",
        "AWS::ApiGatewayV2::Deployment",
        "AWS::ECS::TaskDefinition",
        "AWS::Lambda::LayerVersion",
        "AWS::Lambda::Version",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Model",
    }
)
"""Types that are made anew for every change, by design: another resource points to them."""

_KEPT = ("Retain", "RetainExceptOnCreate")


def fate(resource: Mapping[str, Any], *policies: str) -> str:
    """What happens to a resource that goes: "kept", "snapshot" or "deleted".

    Args:
        resource: The template's resource.
        policies: DeletionPolicy or UpdateReplacePolicy, the one that counts first.
    """
    policy = next((resource[name] for name in policies if resource.get(name)), "Delete")
    if policy in _KEPT:
        return "kept"
    return "snapshot" if policy == "Snapshot" else "deleted"
