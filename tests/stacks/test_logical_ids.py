"""Logical ids of what holds state or is known outside: a new id means a new, empty resource."""

import pytest

from tests.conftest import ENVIRONMENTS, Assembly

PINNED = {
    "Network": {
        "AWS::KMS::Key": ["NetworkKey1D162FA0"],
        "AWS::EC2::VPC": ["NetworkVpc7FB7348F"],
    },
    "DataLake": {
        "AWS::KMS::Key": ["LakeKey7B6C155C"],
        "AWS::S3::Bucket": [
            "LakeAccessLogs4431AB8D",
            "LakeArtifacts2DD6A05E",
            "LakeCapturedBA29D309",
            "LakeCurated8ED8635F",
            "LakeFeatures22ED2D8C",
            "LakeQueryResultsD271E3DC",
            "LakeRaw8A880B75",
        ],
        "AWS::Glue::Database": ["LakeDatabase161E1CC7"],
        "AWS::EMRServerless::Application": ["LakeSparkApplicationB2A977B3"],
    },
    "FlightDelayRegistry": {
        "AWS::SageMaker::ModelPackageGroup": ["RegistryModelPackageGroup27C6820F"],
        "AWS::SSM::Parameter": ["RegistryChampion4871F2AB"],
    },
    "FlightDelayServing": {"AWS::SageMaker::Endpoint": ["ServingEndpointC149CBA2"]},
    "FlightDelayApi": {"AWS::ApiGateway::RestApi": ["PredictionsRest98B9B00F"]},
    "FlightDelayRetraining": {
        "AWS::DynamoDB::Table": ["State1C20CC9A"],
        "AWS::SNS::Topic": ["TopicBFC7AF6E"],
        "AWS::SQS::Queue": ["ArrivalsDeadLettersA8145CD2", "ArrivalsQueueC4D3E9A9"],
    },
}
STATEFUL_TYPES = {kind for kinds in PINNED.values() for kind in kinds}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_logical_ids_stay(assembly: Assembly, environment: str) -> None:
    found: dict[str, dict[str, list[str]]] = {}
    for stack_id, template in assembly.templates(environment).items():
        for resource_type in STATEFUL_TYPES:
            if ids := sorted(template.of_type(resource_type)):
                found.setdefault(stack_id, {})[resource_type] = ids
    assert found == PINNED
