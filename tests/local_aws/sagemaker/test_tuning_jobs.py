"""Hyperparameter tuning jobs through plain boto3, and their searches."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flywheel.local_aws.sagemaker.errors import ServiceError
from flywheel.local_aws.sagemaker.tuning_bayesian import Bayesian
from flywheel.local_aws.sagemaker.tuning_search import Random, dimensions, search
from tests.local_aws.sagemaker.helpers import SCRIPT_IMAGE, Aws, unique

SCORE = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--depth", type=int)
parser.add_argument("--kind")
given, _ = parser.parse_known_args()
assert given.depth != 13, "an unlucky depth"
print(f"score={100 * (given.kind == 'good') - abs(given.depth - 6)}")
"""
KINDS = {"Name": "kind", "Values": ["bad", "good"]}


def request(
    aws: Aws, strategy: str, ranges: dict[str, Any], script: str = SCORE, **limits: Any
) -> dict[str, Any]:
    """A CreateHyperParameterTuningJob request for a script."""
    training = aws.training_request(script)
    training["HyperParameters"]["depth"] = "4"
    training["AlgorithmSpecification"] |= {
        "TrainingImage": SCRIPT_IMAGE,
        "MetricDefinitions": [{"Name": "score", "Regex": r"score=(-?[0-9.]+)"}],
    }
    static = training.pop("HyperParameters")
    del training["TrainingJobName"]
    return {
        "HyperParameterTuningJobName": unique("tuning"),
        "HyperParameterTuningJobConfig": {
            "Strategy": strategy,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 2, **limits},
            "ParameterRanges": ranges,
            "RandomSeed": 1,
        },
        "TrainingJobDefinition": {"StaticHyperParameters": static, **training},
    }


def tune(aws: Aws, given: dict[str, Any]) -> dict[str, Any]:
    """Run a tuning job to its end; its description."""
    aws.sagemaker.create_hyper_parameter_tuning_job(**given)
    name = given["HyperParameterTuningJobName"]
    aws.service.wait("hyper-parameter-tuning-job", name, 60)
    described: dict[str, Any] = aws.sagemaker.describe_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name
    )
    return described


def test_a_grid_is_tried_whole_and_the_best_is_found(aws: Aws) -> None:
    depths = {"Name": "depth", "Values": ["5", "13"]}
    given = request(aws, "Grid", {"CategoricalParameterRanges": [KINDS, depths]})
    del given["TrainingJobDefinition"]["StaticHyperParameters"]["depth"]
    job = tune(aws, given)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    counters = job["TrainingJobStatusCounters"]
    assert (counters["Completed"], counters["NonRetryableError"]) == (2, 2)
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 2, "Pending": 0, "Failed": 2}
    best = job["BestTrainingJob"]
    assert best["TunedHyperParameters"] == {"kind": "good", "depth": "5"}
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 99
    listed = aws.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=job["HyperParameterTuningJobName"],
        SortBy="FinalObjectiveMetricValue",
        SortOrder="Descending",
    )["TrainingJobSummaries"]
    assert [one["TunedHyperParameters"]["kind"] for one in listed] == ["good", "bad"]
    child = aws.sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert child["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    (summary,) = aws.sagemaker.list_hyper_parameter_tuning_jobs(
        NameContains=job["HyperParameterTuningJobName"]
    )["HyperParameterTuningJobSummaries"]
    assert summary["Strategy"] == "Grid"
    arn = job["HyperParameterTuningJobArn"]
    states = aws.states("HyperParameter Tuning Job", arn, "HyperParameterTuningJobStatus")
    assert states == ["InProgress", "Completed"]


def test_a_tuning_job_ends_when_its_target_is_reached(aws: Aws) -> None:
    given = request(
        aws, "Random", {"CategoricalParameterRanges": [KINDS]}, MaxNumberOfTrainingJobs=50
    )
    criteria = {"TargetObjectiveMetricValue": 90.0}
    given["HyperParameterTuningJobConfig"]["TuningJobCompletionCriteria"] = criteria
    job = tune(aws, given)
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"kind": "good"}
    assert job["TrainingJobStatusCounters"]["Completed"] < 50


def test_stopping_a_tuning_job_stops_its_training_jobs(aws: Aws) -> None:
    given = request(
        aws, "Random", {"CategoricalParameterRanges": [KINDS]}, MaxNumberOfTrainingJobs=50
    )
    name = given["HyperParameterTuningJobName"]
    aws.sagemaker.create_hyper_parameter_tuning_job(**given)
    for _ in range(1000):
        told = aws.service.call(
            "DescribeHyperParameterTuningJob", {"HyperParameterTuningJobName": name}
        )
        if told["TrainingJobStatusCounters"]["InProgress"]:
            break
        threading.Event().wait(0.01)
    aws.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    job = aws.service.wait("hyper-parameter-tuning-job", name, 30)
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    counters = job["TrainingJobStatusCounters"]
    assert counters["InProgress"] == 0
    assert counters["Stopped"] >= 1


def test_a_tuning_job_whose_every_training_fails_has_failed(aws: Aws) -> None:
    given = request(
        aws,
        "Random",
        {"IntegerParameterRanges": [{"Name": "depth", "MinValue": "13", "MaxValue": "13"}]},
        MaxNumberOfTrainingJobs=2,
    )
    job = tune(aws, given)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("All training jobs failed.")
    assert "BestTrainingJob" not in job


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Strategy": "Hyperband"}, "MaxResource cannot be inferred for Strategy Hyperband"),
        (
            {"Strategy": "Hyperband", "TrainingJobEarlyStoppingType": "Auto"},
            "with Strategy Hyperband it must be Off",
        ),
        (
            {"StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 9}}},
            "for Strategy Hyperband only",
        ),
        (
            {
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 1},
                "Strategy": "Grid",
            },
            "the number of combinations, which is 2",
        ),
        (
            {"ResourceLimits": {"MaxParallelTrainingJobs": 101}},
            "MaxParallelTrainingJobs is 101; it must be at most 100",
        ),
        (
            {
                "ParameterRanges": {
                    "CategoricalParameterRanges": [
                        {"Name": "kind", "Values": [str(number) for number in range(31)]}
                    ]
                }
            },
            "length less than or equal to 30",
        ),
        (
            {
                "ParameterRanges": {
                    f"{kind}ParameterRanges": [
                        {"Name": f"{kind}{number}", "MinValue": "1", "MaxValue": "2"}
                        for number in range(16)
                    ]
                    for kind in ("Integer", "Continuous")
                }
            },
            "ParameterRanges has 32 hyperparameters",
        ),
        ({"ParameterRanges": {}}, "at least one range"),
        (
            {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"}},
            "objective metric loss must be one of the MetricDefinitions",
        ),
    ],
)
def test_what_cannot_be_tuned_is_refused(aws: Aws, change: dict[str, Any], message: str) -> None:
    given = request(aws, "Random", {"CategoricalParameterRanges": [KINDS]})
    given["HyperParameterTuningJobConfig"] |= change
    with pytest.raises(ClientError, match=message):
        aws.sagemaker.create_hyper_parameter_tuning_job(**given)


def test_a_long_name_is_refused(aws: Aws) -> None:
    given = request(aws, "Random", {"CategoricalParameterRanges": [KINDS]})
    given["HyperParameterTuningJobName"] = "x" * 33
    with pytest.raises(ServiceError, match="length less than or equal to 32"):
        aws.service.call("CreateHyperParameterTuningJob", given)


def numeric(scaling: str, low: str, high: str, kind: str = "Continuous") -> Any:
    """One numeric hyperparameter."""
    one = {"Name": "x", "MinValue": low, "MaxValue": high, "ScalingType": scaling}
    return dimensions({f"{kind}ParameterRanges": [one]})[0]


def test_numbers_are_spread_on_their_scale() -> None:
    assert [numeric("Linear", "1", "3", "Integer").text(at) for at in (0, 0.34, 0.99, 1)] == [
        "1",
        "2",
        "3",
        "3",
    ]
    assert float(numeric("Logarithmic", "0.01", "100").text(0.5)) == pytest.approx(1)
    assert float(numeric("Auto", "0.01", "100").text(0.5)) == pytest.approx(1)
    assert float(numeric("Auto", "0", "1").text(0.25)) == 0.25
    assert float(numeric("ReverseLogarithmic", "0", "0.99").text(0.5)) == pytest.approx(0.9)


@pytest.mark.parametrize("scaling", ["Linear", "Logarithmic", "ReverseLogarithmic"])
def test_a_numbers_position_is_where_it_came_from(scaling: str) -> None:
    own = numeric(scaling, "0.1", "0.9")
    for at in (0.01, 0.3, 0.99):
        assert own.position(own.text(at)) == pytest.approx(at)
    assert own.position("0.95") is None
    assert own.position("many") is None
    whole = numeric("Linear", "1", "4", "Integer")
    assert [whole.text(whole.position(text)) for text in "1234"] == ["1", "2", "3", "4"]
    (word,) = dimensions({"CategoricalParameterRanges": [KINDS]})
    assert word.text(word.position("good") or 0) == "good"
    assert word.position("worse") is None


@pytest.mark.parametrize(
    ("scaling", "low", "high", "message"),
    [
        ("Linear", "3", "1", "must not be empty"),
        ("Linear", "few", "1", "must be two numbers"),
        ("Logarithmic", "0", "1", "needs a MinValue above 0"),
        ("ReverseLogarithmic", "0", "1", "needs a range within"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(
    scaling: str, low: str, high: str, message: str
) -> None:
    with pytest.raises(ServiceError, match=message):
        numeric(scaling, low, high)


def test_a_grid_is_for_words_only() -> None:
    with pytest.raises(ServiceError, match="categorical hyperparameters only"):
        search("Grid", [numeric("Linear", "0", "1")], None)


@pytest.mark.parametrize("seed", range(5))
def test_bayesian_search_comes_closer_than_random_search(seed: int) -> None:
    def bowl(point: tuple[float, ...]) -> float:
        return (point[0] - 0.2) ** 2 + (point[1] - 0.7) ** 2

    best = {}
    for kind in (Random, Bayesian):
        chooser = kind(2, seed)
        known: list[tuple[tuple[float, ...], float]] = []
        for _ in range(20):
            point = chooser.next(known, [])
            known.append((point, bowl(point)))
        best[kind] = min(result for _, result in known)
    assert best[Bayesian] < best[Random]
    assert best[Bayesian] < 0.001


def test_the_same_seed_searches_the_same_points() -> None:
    first, second = Bayesian(2, 7), Bayesian(2, 7)
    known = [((0.1 * i, 0.5), float(i)) for i in range(8)]
    assert first.next(known, [(0.3, 0.3)]) == second.next(known, [(0.3, 0.3)])
