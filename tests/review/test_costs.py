"""What an environment costs: every dollar can be worked out again from the lines."""

import json
from pathlib import Path
from typing import Any

import pytest

from flywheel.errors import UserError
from flywheel.review import Environment, review
from flywheel.review.costs import PRICES_FILE, costs, read_prices, refresh
from flywheel.review.costs.refresh import OFFERS
from flywheel.settings import CostSettings
from tests.review.estate import cluster, endpoint, environment, machine

NOTHING_ASSUMED = CostSettings(storage_gb=0, logs_gb_per_month=0)


def at_rest(estate: Environment, assumed: CostSettings = NOTHING_ASSUMED) -> float:
    after = costs(None, estate, assumed).total.after
    assert after is not None
    return after.at_rest_month


def per_retraining(**tasks: Any) -> float:
    """Without the state machine's own transitions."""
    after = costs(
        None, environment(Loop={"Machine": machine(**tasks)}), NOTHING_ASSUMED
    ).total.after
    assert after is not None
    return after.per_retraining - 60 * 0.025 / 1000


def test_an_endpoint_costs_its_instances_for_every_hour_of_the_month() -> None:
    assert at_rest(environment(Serving={"Config": endpoint("ml.g5.xlarge", 2)})) == pytest.approx(
        2 * 1.408 * 730
    )


def test_an_interface_endpoint_costs_by_the_zone_and_a_gateway_nothing() -> None:
    private = {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"], "ServiceName": "x.y.z.kms"}
    gateway = {"VpcEndpointType": "Gateway", "ServiceName": "x.y.z.s3"}
    estate = environment(
        Network={
            "Kms": ("AWS::EC2::VPCEndpoint", private),
            "S3": ("AWS::EC2::VPCEndpoint", gateway),
        }
    )
    assert at_rest(estate) == pytest.approx(2 * 730 * 0.01)


def test_an_alarm_costs_by_the_metrics_that_it_looks_at() -> None:
    metrics = [{"MetricStat": {}}, {"MetricStat": {}}, {"Expression": "a / b"}]
    estate = environment(
        Monitoring={
            "One": ("AWS::CloudWatch::Alarm", {"MetricName": "Errors"}),
            "Two": ("AWS::CloudWatch::Alarm", {"Metrics": metrics}),
        }
    )
    assert at_rest(estate) == pytest.approx(0.1 + 0.2)


def test_what_is_assumed_for_all_buckets_is_counted_once() -> None:
    estate = environment(Lake={"A": ("AWS::S3::Bucket", {}), "B": ("AWS::S3::Bucket", {})})
    assert at_rest(estate, CostSettings(storage_gb=200)) == pytest.approx(200 * 0.023)


@pytest.mark.parametrize(
    ("action", "arguments", "hours"),
    [
        ("createTrainingJob.sync", {"ResourceConfig": cluster("ml.m5.xlarge", 2)}, 2 * 15 / 60),
        (
            "createHyperParameterTuningJob.sync",
            {
                "HyperParameterTuningJobConfig": {
                    "ResourceLimits": {"MaxNumberOfTrainingJobs": 8, "MaxParallelTrainingJobs": 2}
                },
                "TrainingJobDefinition": {"ResourceConfig": cluster("ml.m5.xlarge")},
            },
            8 * 15 / 60,
        ),
        (
            "createProcessingJob.sync",
            {"ProcessingResources": {"ClusterConfig": cluster("ml.m5.xlarge")}},
            10 / 60,
        ),
        ("createTransformJob.sync", {"TransformResources": cluster("ml.m5.xlarge")}, 10 / 60),
    ],
)
def test_a_retraining_costs_its_jobs(action: str, arguments: dict[str, Any], hours: float) -> None:
    assert per_retraining(Job=(f"sagemaker:{action}", arguments)) == pytest.approx(
        hours * 0.23, rel=1e-4
    )


def test_a_spark_job_costs_driver_and_executors() -> None:
    said = (
        "--conf spark.driver.cores=2 --conf spark.driver.memory=7g --conf spark.executor.cores=4 "
        "--conf spark.executor.memory=10g --conf spark.executor.instances=3"
    )
    submit = {"JobDriver": {"SparkSubmit": {"SparkSubmitParameters": said}}}
    expected = (2 + 3 * 4) * 0.052624 + (7 + 3 * 10) * 1.1 * 0.0057785
    assert per_retraining(Etl=("emr-serverless:startJobRun.sync", submit)) == pytest.approx(
        expected * 10 / 60, rel=1e-4
    )


def test_predictions_cost_requests_traffic_and_what_is_captured() -> None:
    capture = {"DataCaptureConfig": {"EnableCapture": True, "InitialSamplingPercentage": 50}}
    estate = environment(
        Api={"Rest": ("AWS::ApiGateway::RestApi", {})},
        Serving={"Config": endpoint("ml.m5.large", 1, **capture)},
    )
    after = costs(None, estate, CostSettings(kilobytes_per_prediction=1)).total.after
    assert after is not None
    assert after.per_million_predictions == pytest.approx(3.5 + 2 * 0.016 + 2 * 0.5 * 0.023)


def test_an_instance_without_a_price_is_named_and_not_counted() -> None:
    found = costs(None, environment(S={"C": endpoint("ml.p6.huge", 1)}), NOTHING_ASSUMED)
    assert [(each.path, each.why) for each in found.unpriced] == [
        ("S/C", "ml.p6.huge is not in the table of prices; `make prices` fetches it")
    ]
    assert found.total.after is not None
    assert found.total.after.at_rest_month == 0


def test_both_sides_stand_in_one_line_where_only_the_count_differs_they_do_not() -> None:
    before = environment(S={"C": endpoint("ml.g5.xlarge", 1), "K": ("AWS::KMS::Key", {})})
    after = environment(S={"C": endpoint("ml.g5.xlarge", 2), "K": ("AWS::KMS::Key", {})})
    lines = costs(before, after, NOTHING_ASSUMED).stacks[0].lines
    shown = [
        (line.before, line.after) for line in lines if line.kind == "at_rest_month" and line.price
    ]
    assert shown == [
        (None, pytest.approx(2 * 1.408 * 730)),
        (pytest.approx(1.408 * 730), None),
        (1.0, 1.0),
    ]


def test_dearer_rest_is_a_finding_and_the_same_is_none() -> None:
    before = environment(S={"C": endpoint("ml.g5.xlarge", 1)})
    after = environment(S={"C": endpoint("ml.g5.xlarge", 2)})

    def rules(one: Environment, two: Environment) -> set[str]:
        found = review(one, two, against="a", costs=costs(one, two, NOTHING_ASSUMED)).findings
        return {each.rule for each in found}

    assert "cost_raised" in rules(before, after)
    assert "cost_raised" not in rules(after, before)
    assert "cost_raised" not in rules(before, before)


def test_every_assumption_is_listed_with_its_setting() -> None:
    found = costs(None, environment(S={}), CostSettings(training_minutes=42))
    listed = {each.setting: each.value for each in found.assumptions}
    assert listed["review.costs.training_minutes"] == 42
    assert len(listed) == len(CostSettings.model_fields)
    assert all(each.meaning for each in found.assumptions)


class PriceList:
    """The Price List API, with the answers that it is given."""

    def __init__(self, products: dict[str, dict[str, float]]) -> None:
        self._products = products

    def get_paginator(self, name: str) -> "PriceList":
        assert name == "get_products"
        return self

    def paginate(self, *, ServiceCode: str, Filters: list[Any]) -> list[Any]:  # noqa: N803
        assert Filters[0]["Field"] == "regionCode"
        found = self._products.get(ServiceCode, {})
        return [{"PriceList": [_product(usage, price) for usage, price in found.items()]}]


def _product(usage: str, price: float) -> str:
    dimension = {"pricePerUnit": {"USD": str(price)}}
    terms = {"OnDemand": {"a": {"priceDimensions": {"b": dimension}}}}
    return json.dumps({"product": {"attributes": {"usagetype": usage}}, "terms": terms})


@pytest.fixture
def table(tmp_path: Path) -> Path:
    copy = tmp_path / "prices.json"
    copy.write_text(PRICES_FILE.read_text())
    return copy


def test_the_table_is_written_again_with_the_prices_of_the_region(table: Path) -> None:
    said: list[str] = []
    offered = {
        "AmazonSageMaker": {"EUW1-Host:ml.c7i.large": 0.12, "EUW1-Host:ml.m5.large": 0.128},
        "awskms": {"EUW1-KMS-Keys": 1.5},
    }
    refresh(PriceList(offered), region="eu-west-1", today="2026-12-01", say=said.append, file=table)

    prices = read_prices(table)
    assert (prices.region, prices.date) == ("eu-west-1", "2026-12-01")
    assert (prices.hour("ml.c7i.large"), prices.hour("ml.m5.large")) == (0.12, 0.128)
    assert "ml.c7i.large" not in prices.estimated
    assert prices.of("kms-key") == 1.5
    assert "kms-key: $1.5 instead of $1 a month" in said
    assert "nat-gateway: not offered as NatGateway-Hours; $0.045 is kept" in said


def test_a_region_without_prices_leaves_the_table_as_it_is(table: Path) -> None:
    before = table.read_text()
    with pytest.raises(UserError, match="has no SageMaker prices for mars-1"):
        refresh(PriceList({}), region="mars-1", today="2026-12-01", say=print, file=table)
    assert table.read_text() == before


def test_every_price_of_the_table_can_be_refreshed() -> None:
    assert OFFERS.keys() == read_prices().services.keys()
