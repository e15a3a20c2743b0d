"""Zones, catalogue, queries and Spark."""

from typing import Any

import pytest

from tests.conftest import ENVIRONMENTS, Assembly, Template


@pytest.fixture(params=ENVIRONMENTS)
def lake(assembly: Assembly, request: pytest.FixtureRequest) -> Template:
    return assembly.template(request.param, "DataLake")


def bucket(lake: Template, zone: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = [
        properties
        for logical_id, properties in lake.properties("AWS::S3::Bucket").items()
        if logical_id.startswith(f"Lake{zone}")
    ]
    return found


def test_there_are_six_zones(lake: Template) -> None:
    for zone in ("Raw", "Curated", "Features", "Artifacts", "Captured", "QueryResults"):
        assert bucket(lake, zone)


def test_new_raw_objects_are_announced_to_eventbridge(lake: Template) -> None:
    assert bucket(lake, "Raw")["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }
    assert "NotificationConfiguration" not in bucket(lake, "Features")


@pytest.mark.parametrize(("zone", "days"), [("QueryResults", 30), ("Captured", 90)])
def test_results_and_captured_requests_end(lake: Template, zone: str, days: int) -> None:
    rules = bucket(lake, zone)["LifecycleConfiguration"]["Rules"]
    assert [rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule] == [days]


@pytest.mark.parametrize("zone", ["Raw", "Curated", "Features", "Artifacts"])
def test_data_does_not_end(lake: Template, zone: str) -> None:
    rules = bucket(lake, zone)["LifecycleConfiguration"]["Rules"]
    assert not any("ExpirationInDays" in rule for rule in rules)


def test_tables_find_their_months_without_a_crawler(lake: Template) -> None:
    tables = {
        properties["TableInput"]["Name"]: properties["TableInput"]
        for properties in lake.properties("AWS::Glue::Table").values()
    }
    assert set(tables) == {"flight_delay_curated", "flight_delay_features"}
    for table in tables.values():
        assert [key["Name"] for key in table["PartitionKeys"]] == ["month"]
        parameters = table["Parameters"]
        assert parameters["projection.enabled"] == "true"
        assert parameters["projection.month.type"] == "date"
        assert parameters["projection.month.format"] == "yyyy-MM"
        assert parameters["projection.month.interval.unit"] == "MONTHS"
        assert parameters["projection.month.range"].endswith(",NOW")
        location = str(parameters["storage.location.template"])
        assert "/flight_delay/month=${month}/" in location
        names = [column["Name"] for column in table["StorageDescriptor"]["Columns"]]
        assert names
        assert "month" not in names


def test_no_client_can_override_the_workgroup(lake: Template) -> None:
    workgroup = lake.only("AWS::Athena::WorkGroup")
    configuration = workgroup["WorkGroupConfiguration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert configuration["BytesScannedCutoffPerQuery"] == 100 * 1024**3
    encryption = configuration["ResultConfiguration"]["EncryptionConfiguration"]
    assert encryption["EncryptionOption"] == "SSE_KMS"
    assert workgroup["RecursiveDeleteOption"] is True, "else destroy fails after the first query"


def test_spark_costs_nothing_while_nothing_runs(lake: Template) -> None:
    application = lake.only("AWS::EMRServerless::Application")
    assert application["AutoStartConfiguration"] == {"Enabled": True}
    assert application["AutoStopConfiguration"]["Enabled"] is True
    assert "InitialCapacity" not in application
    assert application["MaximumCapacity"]["Cpu"].endswith(" vCPU")


def test_spark_runs_in_the_private_network_and_logs_with_our_key(lake: Template) -> None:
    application = lake.only("AWS::EMRServerless::Application")
    assert len(application["NetworkConfiguration"]["SubnetIds"]) == 2
    assert len(application["NetworkConfiguration"]["SecurityGroupIds"]) == 1
    monitoring = application["MonitoringConfiguration"]
    for settings in monitoring.values():
        assert settings["Enabled"] is True
        assert "LakeKey" in str(settings["EncryptionKeyArn"])


def test_the_outputs_are_there_for_outsiders(lake: Template) -> None:
    names = {"RawBucket", "CuratedBucket", "FeaturesBucket", "ArtifactsBucket"}
    assert names <= set(lake.body["Outputs"])
