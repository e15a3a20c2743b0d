"""One lake for all workloads of an environment, or for none yet."""

from aws_cdk import Stack

from components.data_lake import DataLake
from components.network import Network
from tests.components.conftest import environment_settings, synthesised, workload_settings


def lake_with(stack: Stack, *names: str) -> DataLake:
    environment = environment_settings()
    workloads = {name: workload_settings(name) for name in names}
    network = Network(stack, "Network", environment=environment)
    lake = DataLake(stack, "Lake", environment=environment, workloads=workloads, network=network)
    for workload in workloads.values():
        lake.add_workload(workload)
    return lake


def test_the_capacity_is_what_all_workloads_may_use_together(stack: Stack) -> None:
    lake_with(stack, "sales", "stock")
    capacity = synthesised(stack).only("AWS::EMRServerless::Application")["MaximumCapacity"]
    assert capacity == {"Cpu": "8 vCPU", "Memory": "32 GB"}


def test_each_workload_has_its_own_tables(stack: Stack) -> None:
    lake_with(stack, "sales", "stock")
    tables = synthesised(stack).properties("AWS::Glue::Table").values()
    assert {table["TableInput"]["Name"] for table in tables} == {
        "sales_curated", "sales_features", "stock_curated", "stock_features",
    }  # fmt: skip


def test_a_lake_without_workloads_can_be_deployed(stack: Stack) -> None:
    lake_with(stack)
    template = synthesised(stack)
    assert template.of_type("AWS::Glue::Table") == {}
    assert "MaximumCapacity" not in template.only("AWS::EMRServerless::Application")
