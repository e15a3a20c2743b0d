"""Tuning of built-in algorithms, and tuning jobs that begin with what earlier ones have learnt."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from flywheel.local_aws.sagemaker import tuning_warm_start
from flywheel.local_aws.sagemaker.tuning_search import dimensions
from tests.local_aws.sagemaker.helpers import Aws, unique
from tests.local_aws.sagemaker.test_tuning_jobs import tune

BATCH = {"Name": "mini_batch_size", "MinValue": "2", "MaxValue": "9", "ScalingType": "Linear"}


def request(aws: Aws, image: str = "kmeans:1", **config: Any) -> dict[str, Any]:
    """A CreateHyperParameterTuningJob request for a built-in algorithm."""
    training = aws.algorithm_request(image, HyperParameters={"feature_dim": "2"})
    del training["TrainingJobName"]
    static = training.pop("HyperParameters")
    return {
        "HyperParameterTuningJobName": unique("tuning"),
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "test:msd"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"IntegerParameterRanges": [BATCH]},
            "RandomSeed": 1,
            **config,
        },
        "TrainingJobDefinition": {"StaticHyperParameters": static, **training},
    }


def warm(given: dict[str, Any], *parents: str, kind: str = "TransferLearning") -> dict[str, Any]:
    """A request that begins with what its parents have learnt."""
    named = [{"HyperParameterTuningJobName": name} for name in parents]
    config = {"WarmStartType": kind, "ParentHyperParameterTuningJobs": named}
    return given | {"WarmStartConfig": config}


@pytest.fixture(scope="module")
def parent(aws: Aws) -> dict[str, Any]:
    """A tuning job of K-Means that has ended."""
    job = tune(aws, request(aws))
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    return job


def test_a_built_in_algorithm_is_tuned_by_its_own_metric(aws: Aws, parent: dict[str, Any]) -> None:
    best = parent["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"] == {
        "Type": "Minimize", "MetricName": "test:msd", "Value": 0.5,
    }  # fmt: skip
    assert set(best["TunedHyperParameters"]) == {"mini_batch_size"}
    trained = aws.sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert trained["HyperParameters"]["_tuning_objective_metric"] == "test:msd"
    uri = trained["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri.endswith(f"/{best['TrainingJobName']}/output/model.tar.gz")
    assert aws.get(uri)


@pytest.mark.parametrize("kind", ["TransferLearning", "IdenticalDataAndAlgorithm"])
def test_a_tuning_job_learns_from_its_parents(aws: Aws, parent: dict[str, Any], kind: str) -> None:
    given = warm(request(aws), parent["HyperParameterTuningJobName"], kind=kind)
    job = tune(aws, given)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    assert job["WarmStartConfig"] == given["WarmStartConfig"]
    assert ("OverallBestTrainingJob" in job) == (kind == "IdenticalDataAndAlgorithm")
    own = aws.service._tuning.get(job["HyperParameterTuningJobName"])
    space = dimensions(own.config["ParameterRanges"])
    learnt = tuning_warm_start.known(own, own.parents, space)
    tried = [trial.tuned["mini_batch_size"] for trial in own.parents[0].trials]
    assert [space[0].text(point[0]) for point, _ in learnt] == tried
    expected = 0.5 if own.identical else 0.0
    assert [loss for _, loss in learnt] == [expected] * len(tried)


def test_results_outside_of_the_new_range_are_left_out(aws: Aws, parent: dict[str, Any]) -> None:
    given = warm(request(aws), parent["HyperParameterTuningJobName"])
    given["HyperParameterTuningJobConfig"]["ParameterRanges"]["IntegerParameterRanges"] = [
        BATCH | {"MinValue": "100", "MaxValue": "200"}
    ]
    job = tune(aws, given)
    own = aws.service._tuning.get(job["HyperParameterTuningJobName"])
    space = dimensions(own.config["ParameterRanges"])
    assert tuning_warm_start.known(own, own.parents, space) == []


def test_losses_of_different_data_count_relative_to_each_other() -> None:
    assert tuning_warm_start.standardised([10.0, 30.0]) == [-1.0, 1.0]
    assert tuning_warm_start.standardised([7.0, 7.0]) == [0.0, 0.0]
    assert tuning_warm_start.standardised([]) == []


def test_parents_that_do_not_fit_are_refused(aws: Aws, parent: dict[str, Any]) -> None:
    name = parent["HyperParameterTuningJobName"]

    def refusal(given: dict[str, Any]) -> str:
        with pytest.raises(ClientError) as refused:
            aws.sagemaker.create_hyper_parameter_tuning_job(**given)
        assert refused.value.response["Error"]["Code"] == "ValidationException"
        return str(refused.value)

    assert "Parent tuning job nobody was not found" in refusal(warm(request(aws), "nobody"))
    objective = {"Type": "Minimize", "MetricName": "test:ssd"}
    assert "The objective is Minimize test:ssd" in refusal(
        warm(request(aws, HyperParameterTuningJobObjective=objective), name)
    )
    more = request(aws)
    more["TrainingJobDefinition"]["StaticHyperParameters"]["epochs"] = "2"
    assert "There are 3 static and tunable" in refusal(warm(more, name))
    words = {"CategoricalParameterRanges": [{"Name": "mini_batch_size", "Values": ["2", "3"]}]}
    assert (
        "mini_batch_size is in CategoricalParameterRanges, and in IntegerParameterRanges"
        in refusal(warm(request(aws, ParameterRanges=words), name))
    )
    grid = request(aws, Strategy="Grid", ParameterRanges=words)
    assert "with WarmStartConfig it must be Bayesian or Random" in refusal(warm(grid, name))


@pytest.mark.parametrize(
    ("image", "config", "message"),
    [
        (
            "kmeans:1",
            {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "msd"}},
            r"The objective metric, \[msd\], .* isn't valid for K-Means. Choose one of test:msd",
        ),
        (
            "kmeans:1",
            {"HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "test:msd"}},
            r"The objective metric type, \[Maximize\], .*Choose Minimize",
        ),
        (
            "kmeans:1",
            {"ParameterRanges": {"IntegerParameterRanges": [BATCH | {"Name": "feature_dim"}]}},
            "Hyperparameter feature_dim cannot be tuned for K-Means",
        ),
        ("pca:1", {}, "Principal Component Analysis reports no metric"),
    ],
)
def test_what_sagemaker_does_not_tune_is_refused(
    aws: Aws, image: str, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        aws.sagemaker.create_hyper_parameter_tuning_job(**request(aws, image, **config))
