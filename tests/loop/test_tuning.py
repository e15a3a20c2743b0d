"""Tuning: the best of several models goes on, the next run begins with what was learnt."""

from typing import Any

import pytest

from tests.loop.algorithm_world import AlgorithmWorld
from tests.loop.world import AwsError

FIRST = ("2013-01", "2013-02", "2013-03")
ACTION = "createHyperParameterTuningJob"


def test_the_best_training_s_model_is_the_challenger(flowers: AlgorithmWorld) -> None:
    run = flowers.arrive(*FIRST)

    (job,) = flowers.called(ACTION)
    best = f"{job['HyperParameterTuningJobName']}-004-best"
    assert run.output["outcome"] == "promoted"
    assert run.output["tuning"] == {
        "job": job["HyperParameterTuningJobName"],
        "best": best,
        "objective": {"test:msd": 0.25},
        "hyperparameters": {"epochs": "4"},
        "trainings": {"Completed": 5, "Stopped": 1},
    }
    (package,) = flowers.called("createModelPackage")
    (container,) = package["InferenceSpecification"]["Containers"]
    assert container["ModelDataUrl"] == f"s3://artifacts/flowers/models/{best}/output/model.tar.gz"
    assert package["CustomerMetadataProperties"]["tuning_job"] == job["HyperParameterTuningJobName"]
    assert not flowers.called("createTrainingJob")


@pytest.mark.parametrize("name", ["run", "0" * 36, "e" * 80])
def test_the_name_follows_from_the_run_and_fits(flowers: AlgorithmWorld, name: str) -> None:
    flowers.arrive(*FIRST, name=name)
    flowers.arrive("2013-04")

    first, second = (job["HyperParameterTuningJobName"] for job in flowers.called(ACTION))
    assert len(first) <= 32
    assert first.startswith("local-flowers-")
    assert first != second


def test_a_tuning_without_a_success_fails_the_run(flowers: AlgorithmWorld) -> None:
    flowers.best = ""

    run = flowers.arrive(*FIRST)

    assert run.status == "FAILED"
    assert run.cause.startswith("Tune: ")
    assert run.cause.endswith("none of the trainings has reported the objective metric")
    assert not flowers.locked()


def test_the_next_run_begins_with_this_one_s_tuning(flowers: AlgorithmWorld) -> None:
    flowers.arrive(*FIRST)
    flowers.arrive("2013-04")
    flowers.arrive("2013-05")

    first, second, third = flowers.called(ACTION)
    assert "WarmStartConfig" not in first
    for job, parent in ((second, first), (third, second)):
        assert job["WarmStartConfig"] == {
            "WarmStartType": "TransferLearning",
            "ParentHyperParameterTuningJobs": [
                {"HyperParameterTuningJobName": parent["HyperParameterTuningJobName"]}
            ],
        }


def test_a_tuning_that_looked_for_something_else_is_no_parent(flowers: AlgorithmWorld) -> None:
    flowers.arrive(*FIRST)
    remembered = flowers.item()["tuning_job"]["S"]
    flowers.put_item({**flowers.item(), "tuning_job": {"S": f"0{remembered}"}})

    flowers.arrive("2013-04")

    assert "WarmStartConfig" not in flowers.called(ACTION)[1]


def test_a_parent_that_sagemaker_refuses_does_not_stop_the_loop(flowers: AlgorithmWorld) -> None:
    flowers.arrive(*FIRST)
    refused = AwsError("SageMaker.SageMakerException", "Could not find tuning job")

    attempts: list[Any] = []
    answer = flowers._on_create_hyper_parameter_tuning_job

    def create(arguments: Any) -> Any:
        attempts.append(arguments)
        if "WarmStartConfig" in arguments:
            raise refused
        return answer(arguments)

    flowers._on_create_hyper_parameter_tuning_job = create  # type: ignore[method-assign]

    run = flowers.arrive("2013-04")

    assert run.output["outcome"] == "promoted"
    assert "WarmStartConfig" not in attempts[-1]


def test_a_failed_tuning_is_not_tried_again_without_its_parent(flowers: AlgorithmWorld) -> None:
    flowers.arrive(*FIRST)
    flowers.failing[ACTION] = AwsError("States.TaskFailed", '{"FailureReason": "no capacity"}')

    run = flowers.arrive("2013-04")

    assert run.cause == "TuneFurther: no capacity"
    assert len(flowers.called(ACTION)) == 2


def test_a_script_is_tuned_too(delays: AlgorithmWorld) -> None:
    run = delays.arrive(*FIRST)

    assert run.output["outcome"] == "promoted"
    (job,) = delays.called(ACTION)
    config, definition = job["HyperParameterTuningJobConfig"], job["TrainingJobDefinition"]
    assert config["Strategy"] == "Random"
    assert config["TrainingJobEarlyStoppingType"] == "Off"
    assert config["HyperParameterTuningJobObjective"] == {
        "Type": "Maximize",
        "MetricName": "validation:auc",
    }
    assert config["ParameterRanges"] == {
        "IntegerParameterRanges": [
            {"Name": "max_depth", "MinValue": "3", "MaxValue": "8", "ScalingType": "Auto"}
        ],
        "ContinuousParameterRanges": [
            {"Name": "eta", "MinValue": "0.01", "MaxValue": "0.3", "ScalingType": "Logarithmic"}
        ],
        "CategoricalParameterRanges": [{"Name": "booster", "Values": ["gbtree", "dart"]}],
    }
    assert config["ResourceLimits"] == {
        "MaxNumberOfTrainingJobs": 5,
        "MaxParallelTrainingJobs": 2,
        "MaxRuntimeInSeconds": 3 * (90 + 30) * 60,
    }
    assert definition["StaticHyperParameters"]["sagemaker_program"] == "train.py"
    assert definition["AlgorithmSpecification"]["MetricDefinitions"] == [
        {"Name": "validation:auc", "Regex": "validation-auc=([0-9.]+)"}
    ]
    assert definition["StoppingCondition"]["MaxWaitTimeInSeconds"] == 90 * 60
    assert "CheckpointConfig" not in definition, "the trainings would share it"
