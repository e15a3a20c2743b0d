"""The API requests of every row pass botocore's validation, and what botocore leaves unchecked."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import botocore.loaders
import botocore.model
import botocore.validate
import pytest

from flywheel.algorithms import catalogue, images, training_requests
from flywheel.algorithms.validation import ChannelUse, RangeUse, Training, Tuning
from tests.algorithms.trainings import MINIMAL, tuned

EVERY_ROW = catalogue.keys()
TUNABLE = [key for key in EVERY_ROW if catalogue.find(key).tunable]


@cache
def _model() -> botocore.model.ServiceModel:
    loader = botocore.loaders.create_loader()
    return botocore.model.ServiceModel(loader.load_service_model("sagemaker", "service-2"))


def _refusals(operation: str, request: Mapping[str, Any]) -> list[str]:
    shape = _model().operation_model(operation).input_shape
    report = botocore.validate.ParamValidator().validate(request, shape)
    return [report.generate_report()] if report.has_errors() else list(_unmet(shape, request))


def _unmet(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Enumerations, patterns and greatest lengths: the service checks them, botocore does not."""
    if shape.type_name == "structure":
        for name, member in value.items():
            yield from _unmet(shape.members[name], member, f"{path}.{name}")
    elif shape.type_name == "list":
        for entry in value:
            yield from _unmet(shape.member, entry, f"{path}[]")
    elif shape.type_name == "map":
        for name, entry in value.items():
            yield from _unmet(shape.key, name, f"{path}.{name} (key)")
            yield from _unmet(shape.value, entry, f"{path}.{name}")
    elif shape.type_name == "string":
        pattern = shape.metadata.get("pattern")
        if shape.enum and value not in shape.enum:
            yield f"{path}: {value} is not in the enumeration"
        if pattern and not re.fullmatch(pattern.replace(r"\p{L}", r"\w"), value):
            yield f"{path}: {value} does not match {pattern}"
    if shape.type_name in {"string", "list", "map"}:
        most = shape.metadata.get("max")
        if most is not None and len(value) > most:
            yield f"{path}: {len(value)} entries, at most {most}"


def _job(key: str, training: Training) -> dict[str, Any]:
    algorithm = catalogue.find(key)
    image = images.image_uri(
        algorithm.image.name,
        algorithm.image.version,
        "eu-west-1",
        instance_type=training.instance_type,
    )
    return {
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "RoleArn": "arn:aws:iam::000000000000:role/training",
        "InputDataConfig": [
            training_requests.channel_input(algorithm, name, use, f"s3://bucket/{key}/{name}/")
            for name, use in training.channels.items()
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/models/"},
        "ResourceConfig": {
            "InstanceType": training.instance_type,
            "InstanceCount": training.instance_count,
            "VolumeSizeInGB": 30,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }


def _training_job(key: str, training: Training) -> dict[str, Any]:
    sent = training_requests.hyperparameters(catalogue.find(key), training.hyperparameters)
    return {"TrainingJobName": "job", **_job(key, training), "HyperParameters": sent}


def _tuning_job(key: str, training: Training) -> dict[str, Any]:
    algorithm = catalogue.find(key)
    assert training.tuning
    assert training.tuning.objective
    return {
        "HyperParameterTuningJobName": "job",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": training_requests.objective(
                algorithm, training.tuning.objective
            ),
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": training_requests.parameter_ranges(algorithm, training),
        },
        "TrainingJobDefinition": {
            **_job(key, training),
            "StaticHyperParameters": training_requests.hyperparameters(
                algorithm, training.hyperparameters
            ),
        },
    }


def _everything(key: str) -> Training:
    """The minimal training with every default written out, all channels and all of their types."""
    algorithm, least = catalogue.find(key), MINIMAL[key]
    defaults = {
        name: known.default
        for name, known in algorithm.hyperparameters.items()
        if known.default is not None
    }
    channels = {
        name: ChannelUse(content_type=held)
        for name, channel in algorithm.channels.items()
        for held in (*channel.content_types, None)[: len(channel.content_types) or 1]
    }
    return replace(least, hyperparameters={**defaults, **least.hyperparameters}, channels=channels)


@pytest.mark.parametrize("key", EVERY_ROW)
def test_the_training_job_of_every_row_passes(key: str) -> None:
    assert _refusals("CreateTrainingJob", _training_job(key, MINIMAL[key])) == []
    assert _refusals("CreateTrainingJob", _training_job(key, _everything(key))) == []


@pytest.mark.parametrize("key", TUNABLE)
def test_the_tuning_job_of_every_row_passes(key: str) -> None:
    request = _tuning_job(key, tuned(key))
    ranges = request["HyperParameterTuningJobConfig"]["ParameterRanges"]
    assert sum(map(len, ranges.values())) <= training_requests.MAX_TUNED
    assert _refusals("CreateHyperParameterTuningJob", request) == []


@pytest.mark.parametrize("key", EVERY_ROW)
def test_every_content_type_passes(key: str) -> None:
    algorithm = catalogue.find(key)
    for name, channel in algorithm.channels.items():
        for held, content in channel.content_types.items():
            for mode in content.input_modes:
                use = ChannelUse(content_type=held, input_mode=mode)
                training = replace(MINIMAL[key], channels={name: use})
                assert _refusals("CreateTrainingJob", _training_job(key, training)) == []


def test_a_planted_fault_is_seen() -> None:
    request = _training_job("kmeans", MINIMAL["kmeans"])
    request["ResourceConfig"]["InstanceType"] = "ml.m5.huge"
    request["HyperParameters"]["k"] = "9" * 2501
    assert _refusals("CreateTrainingJob", request) == [
        ".ResourceConfig.InstanceType: ml.m5.huge is not in the enumeration",
        ".HyperParameters.k: 2501 entries, at most 2500",
    ]


def test_values_are_sent_as_the_algorithm_reads_them() -> None:
    sent = training_requests.hyperparameters
    words = catalogue.find("blazingtext_word2vec")
    assert sent(words, {"subwords": True, "mode": "cbow"}) == {"subwords": "True", "mode": "cbow"}
    linear = catalogue.find("linear_learner_regression")
    assert sent(linear, {"use_bias": True, "wd": 1e-05}) == {"use_bias": "true", "wd": "1e-05"}
    pictures = catalogue.find("image_classification")
    assert sent(pictures, {"use_pretrained_model": False}) == {"use_pretrained_model": "0"}
    assert sent(pictures, {"lr_scheduler_step": [10, 20]}) == {"lr_scheduler_step": "10,20"}
    clusters = catalogue.find("kmeans")
    assert sent(clusters, {"eval_metrics": ["msd"], "k": 3}) == {
        "eval_metrics": '["msd"]',
        "k": "3",
    }
    trees = catalogue.find("xgboost")
    assert sent(trees, {"monotone_constraints": [1, 0], "csv_weights": True}) == {
        "monotone_constraints": "(1, 0)",
        "csv_weights": "1",
    }


def test_without_labels_the_first_column_is_not_taken_for_one() -> None:
    channels = catalogue.find("kmeans").channels
    assert training_requests.content_type(channels["train"], "text/csv") == "text/csv;label_size=0"
    assert training_requests.content_type(channels["train"], "text/csv; label_size=0") == (
        "text/csv;label_size=0"
    )
    scored = catalogue.find("random_cut_forest").channels["test"]
    assert training_requests.content_type(scored, "text/csv") == "text/csv;label_size=1"
    trees = catalogue.find("xgboost").channels["train"]
    assert training_requests.content_type(trees, "text/csv") == "text/csv"
    assert training_requests.content_type(trees, None) == "text/libsvm"
    pictures = catalogue.find("image_classification").channels["train"]
    assert (
        training_requests.content_type(pictures, "application/x-recordio")
        == "application/x-recordio"
    )


def test_data_is_distributed_as_aws_recommends() -> None:
    def distribution(key: str, name: str) -> str:
        algorithm = catalogue.find(key)
        sent = training_requests.channel_input(
            algorithm, name, ChannelUse(content_type="text/csv"), "s3://b/"
        )
        return str(sent["DataSource"]["S3DataSource"]["S3DataDistributionType"])

    assert distribution("kmeans", "train") == "ShardedByS3Key"
    assert distribution("kmeans", "test") == "FullyReplicated"
    assert distribution("xgboost", "train") == "FullyReplicated"


def test_ranges_are_sent_by_their_kind() -> None:
    training = Training(
        tuning=Tuning(
            objective="validation:rmse",
            ranges={
                "eta": RangeUse(min=0.01, max=0.3, scaling="Logarithmic"),
                "max_depth": RangeUse(),
                "learning_rate": RangeUse(),
            },
        )
    )
    eta = {"Name": "eta", "MinValue": "0.01", "MaxValue": "0.3", "ScalingType": "Logarithmic"}
    depth = {"Name": "max_depth", "MinValue": "0", "MaxValue": "10", "ScalingType": "Linear"}
    alias = {"Name": "eta", "MinValue": "0.1", "MaxValue": "0.5", "ScalingType": "Linear"}
    assert training_requests.parameter_ranges(catalogue.find("xgboost"), training) == {
        "ContinuousParameterRanges": [eta, alias],
        "IntegerParameterRanges": [depth],
    }


def test_a_recommended_range_follows_the_other_settings() -> None:
    for kind, low in (("xavier", "2.0"), ("uniform", "-1.0")):
        training = Training(
            hyperparameters={"weight_init_type": kind},
            tuning=Tuning(ranges={"weight_init_scale": RangeUse()}),
        )
        sent = training_requests.parameter_ranges(catalogue.find("seq2seq"), training)
        assert sent["ContinuousParameterRanges"][0]["MinValue"] == low


def test_booleans_and_numbers_are_tuned_as_text() -> None:
    training = Training(tuning=Tuning(ranges={"use_bias": RangeUse()}))
    sent = training_requests.parameter_ranges(catalogue.find("linear_learner_regression"), training)
    assert sent == {
        "CategoricalParameterRanges": [{"Name": "use_bias", "Values": ["true", "false"]}]
    }
    training = Training(tuning=Tuning(ranges={"batch_size": RangeUse(values=(16, 32))}))
    sent = training_requests.parameter_ranges(catalogue.find("seq2seq"), training)
    assert sent == {"CategoricalParameterRanges": [{"Name": "batch_size", "Values": ["16", "32"]}]}


def test_the_goal_of_an_objective_is_the_algorithms() -> None:
    assert training_requests.objective(catalogue.find("kmeans"), "test:msd") == {
        "Type": "Minimize",
        "MetricName": "test:msd",
    }
    assert (
        training_requests.objective(catalogue.find("xgboost"), "validation:auc")["Type"]
        == "Maximize"
    )
