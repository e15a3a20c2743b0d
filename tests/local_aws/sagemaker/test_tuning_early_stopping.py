"""Trainings of a tuning job that are stopped before they end, and which are not."""

from __future__ import annotations

from typing import Any

import pytest

from flywheel.local_aws.sagemaker.errors import ServiceError
from flywheel.local_aws.sagemaker.tuning_stopping import Hyperband, Median, Never, stopping
from tests.local_aws.sagemaker.helpers import Aws
from tests.local_aws.sagemaker.test_tuning_jobs import request, tune

# Reports an epoch every twentieth of a second; `bad` gets nowhere and would take ten seconds.
EPOCHS = """
import argparse, os, pathlib, time
parser = argparse.ArgumentParser()
parser.add_argument("--kind")
kind = parser.parse_known_args()[0].kind
for epoch in range(5 if kind == "good" else 200):
    print(f"score={epoch if kind == 'good' else -1}", flush=True)
    time.sleep(0.05)
(pathlib.Path(os.environ["SM_MODEL_DIR"]) / "model").write_text(kind)
"""
GOOD_FIRST = {"CategoricalParameterRanges": [{"Name": "kind", "Values": ["good", "bad"]}]}


def tuned(aws: Aws, **config: Any) -> dict[str, Any]:
    """Run a tuning job over `good` and `bad`, one after the other."""
    given = request(aws, "Grid", GOOD_FIRST, script=EPOCHS, MaxParallelTrainingJobs=1)
    given["HyperParameterTuningJobConfig"] |= config
    return tune(aws, given)


def trials(aws: Aws, job: dict[str, Any]) -> list[dict[str, Any]]:
    """The trainings of a tuning job, oldest first."""
    listed: list[dict[str, Any]] = aws.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=job["HyperParameterTuningJobName"]
    )["TrainingJobSummaries"]
    return listed


def test_a_training_that_is_worse_than_those_before_is_stopped(aws: Aws) -> None:
    job = tuned(aws, TrainingJobEarlyStoppingType="Auto")
    good, bad = trials(aws, job)
    assert (good["TrainingJobStatus"], bad["TrainingJobStatus"]) == ("Completed", "Stopped")
    assert bad["TunedHyperParameters"] == {"kind": "bad"}
    assert bad["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == -1
    seconds = (bad["TrainingEndTime"] - bad["TrainingStartTime"]).total_seconds()
    assert seconds < 5
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 1
    assert job["BestTrainingJob"]["TrainingJobName"] == good["TrainingJobName"]


def test_hyperband_gives_the_better_settings_their_time(aws: Aws) -> None:
    given = request(
        aws, "Hyperband", GOOD_FIRST, script=EPOCHS, MaxParallelTrainingJobs=1,
        MaxNumberOfTrainingJobs=3,
    )  # fmt: skip
    given["HyperParameterTuningJobConfig"]["StrategyConfig"] = {
        "HyperbandStrategyConfig": {"MinResource": 2, "MaxResource": 6}
    }
    given["HyperParameterTuningJobConfig"]["RandomSeed"] = 3
    job = tune(aws, given)
    kinds = [(one["TunedHyperParameters"]["kind"], one["TrainingJobStatus"])
             for one in trials(aws, job)]  # fmt: skip
    assert ("good", "Completed") in kinds
    assert ("bad", "Stopped") in kinds
    assert ("bad", "Completed") not in kinds
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"kind": "good"}


def test_the_median_is_that_of_means_up_to_the_same_epoch() -> None:
    rule = Median()
    ended = {"a": [5.0, 1.0, 0.0], "b": [7.0, 3.0], "c": [9.0]}
    assert not rule.stops("new", {"new": [7.0]}, ended)  # the median of 5, 7 and 9
    assert rule.stops("new", {"new": [7.1]}, ended)
    assert not rule.stops("new", {"new": [9.0, 4.0]}, ended)  # of 3 and 5
    assert rule.stops("new", {"new": [1.0, 4.1]}, ended)
    assert not rule.stops("new", {"new": [9.0, 9.0, 9.0, 9.0]}, ended)  # nobody came so far
    assert not rule.stops("new", {"new": [9.0]}, {})


def test_on_each_rung_the_best_third_goes_on() -> None:
    rule = Hyperband(1, 9)
    ended = {"a": [1.0], "b": [2.0], "c": [3.0]}
    assert not rule.stops("first", {"first": [0.5]}, ended)
    assert rule.stops("second", {"second": [1.5]}, ended)
    # Decided once: later results do not change what has passed.
    assert not rule.stops("first", {"first": [0.5, 0.4]}, ended | {"d": [0.1], "e": [0.2]})
    assert rule.stops("first", {"first": [0.5, 0.4, 0.4]}, ended | {"d": [0.1, 0.1, 0.1]})
    assert rule.stops("long", {"long": [0.0] * 10}, {})  # more than MaxResource
    assert not rule.stops("long", {"long": [0.0] * 9}, {})


def test_the_end_of_hyperband_is_found_among_the_hyperparameters() -> None:
    rule = stopping({"Strategy": "Hyperband"}, {"epochs": "4"})
    assert rule.stops("x", {"x": [0.0] * 5}, {})
    assert not rule.stops("x", {"x": [0.0] * 4}, {})
    assert isinstance(stopping({"Strategy": "Random"}, {}), Never)
    with pytest.raises(ServiceError, match="MinResource is 9 and MaxResource is 4"):
        stopping(
            {
                "Strategy": "Hyperband",
                "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 9}},
            },
            {"epochs": "4"},
        )
