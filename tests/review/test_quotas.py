"""Quotas: an endpoint counts twice, parallel trainings each, and what is too little is said."""

from typing import Any

import pytest

from flywheel.review import Environment, review
from flywheel.review.quotas import quotas
from tests.review.estate import cluster, endpoint, environment, machine


def needed(estate: Environment) -> dict[str, float]:
    return {row.quota: row.needed_after for row in quotas(None, estate).rows}


def test_an_endpoint_needs_its_largest_fleet_twice() -> None:
    target = {"ResourceId": "endpoint/prod-x/variant/main", "MaxCapacity": 4}
    estate = environment(
        S={
            "C": endpoint("ml.g5.xlarge", 2),
            "T": ("AWS::ApplicationAutoScaling::ScalableTarget", target),
        }
    )
    assert needed(estate)["ml.g5.xlarge for endpoint usage"] == 8


def test_jobs_need_their_instances_and_tuning_as_many_as_run_in_parallel() -> None:
    training = {"ResourceConfig": cluster("ml.m5.xlarge", 2, KeepAlivePeriodInSeconds=600)}
    tuning = {
        "HyperParameterTuningJobConfig": {
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 12}
        },
        "TrainingJobDefinition": {
            "ResourceConfig": cluster("ml.p3.2xlarge"),
            "EnableManagedSpotTraining": True,
        },
    }
    estate = environment(
        A={"M": machine(Train=("sagemaker:createTrainingJob.sync", training))},
        B={"M": machine(Tune=("sagemaker:createHyperParameterTuningJob.sync", tuning))},
    )
    found = needed(estate)
    assert found["ml.m5.xlarge for training job usage"] == 2
    assert found["ml.m5.xlarge for training warm pool usage"] == 2
    assert found["ml.p3.2xlarge for spot training job usage"] == 12
    parallel = "Maximum number of parallel training jobs per hyperparameter tuning job"
    assert found[parallel] == 12
    row = next(row for row in quotas(None, estate).rows if row.quota == parallel)
    assert (row.limit, row.enough) == (10, False)


def test_spark_needs_the_whole_capacity_of_its_application() -> None:
    properties = {"MaximumCapacity": {"Cpu": "32 vCPU", "Memory": "64 GB"}}
    estate = environment(Lake={"Spark": ("AWS::EMRServerless::Application", properties)})
    row = next(row for row in quotas(None, estate).rows if row.service == "emr-serverless")
    assert (row.needed_after, row.enough) == (32, False)
    assert "Ask for 32" in row.remedy


class ServiceQuotas:
    """Service Quotas with one value that was raised."""

    def get_paginator(self, name: str) -> Any:
        quota = {"QuotaName": "ml.g5.xlarge for endpoint usage", "Value": 0.0}
        raised = {**quota, "Value": 6.0}
        pages = {
            "list_aws_default_service_quotas": [{"Quotas": [quota]}],
            "list_service_quotas": [{"Quotas": [raised]}],
        }

        class Pages:
            def paginate(self, *, ServiceCode: str) -> Any:  # noqa: N803
                return pages[name] if ServiceCode == "sagemaker" else [{"Quotas": []}]

        return Pages()


def test_with_credentials_the_accounts_own_values_count() -> None:
    estate = environment(S={"C": endpoint("ml.g5.xlarge", 3)})
    found = quotas(None, estate, clients=lambda _: ServiceQuotas())
    row = next(row for row in found.rows if row.service == "sagemaker")
    assert (row.limit, row.needed_after, row.enough) == (6, 6, True)
    assert found.source == "Service Quotas of the account"


@pytest.mark.parametrize(("before", "finds"), [(2, False), (1, True)])
def test_only_a_need_that_grows_is_a_finding(before: int, finds: bool) -> None:
    old, new = (environment(S={"C": endpoint("ml.g5.xlarge", n)}) for n in (before, 2))
    verdict = review(old, new, against="a", quotas=quotas(old, new))
    assert ("quota_exceeded" in {each.rule for each in verdict.findings}) is finds
