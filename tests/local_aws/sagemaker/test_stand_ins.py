"""Built-in algorithms: a stand-in trains and serves in the place of Amazon's container."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flywheel.local_aws.sagemaker.config import SageMakerConfig
from tests.local_aws.sagemaker.helpers import (
    ROLE,
    Aws,
    archive,
    channel,
    image_uri,
    members,
    unique,
)


def found_by(aws: Aws, job: dict[str, Any]) -> dict[str, Any]:
    """What a job's stand-in saw of it."""
    assert job["TrainingJobStatus"] == "Completed", job
    files = members(aws, job["ModelArtifacts"]["S3ModelArtifacts"])
    found: dict[str, Any] = json.loads(files["found.json"])
    return found


def created_model(aws: Aws, image: str, data: str | None, **environment: str) -> str:
    """A model of this image; its name."""
    name = unique("model")
    artifact = {} if data is None else {"ModelDataUrl": data}
    aws.sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": image_uri(image), "Environment": environment, **artifact},
    )
    return name


@pytest.mark.parametrize(
    ("image", "hyperparameters", "key"),
    [
        ("kmeans:1", {"k": "3"}, "kmeans"),
        ("forecasting-deepar:1", {}, "deepar"),
        ("sagemaker-xgboost:1.7-1", {}, "xgboost"),
        ("blazingtext:1", {"mode": "supervised"}, "blazingtext_text_classification"),
        ("blazingtext:1", {"mode": "skipgram"}, "blazingtext_word2vec"),
        ("linear-learner:1", {"predictor_type": "regressor"}, "linear_learner_regression"),
        (
            "linear-learner:1",
            {"predictor_type": "binary_classifier"},
            "linear_learner_classification",
        ),
    ],
)
def test_an_image_trains_by_the_stand_in_of_its_row(
    aws: Aws, image: str, hyperparameters: dict[str, str], key: str
) -> None:
    data = aws.put(f"{unique('data')}/train/part-0.csv", "1,2\n")
    job = aws.train_algorithm(
        image,
        HyperParameters=hyperparameters,
        InputDataConfig=[channel("train", data, ContentType="text/csv;label_size=0")],
    )
    found = found_by(aws, job)
    assert found["key"] == key
    assert found["given"] == hyperparameters
    assert found["files"] == {"train/part-0.csv": b"1,2\n".hex()}
    assert found["channels"]["train"]["ContentType"] == "text/csv;label_size=0"


def test_the_metrics_of_an_algorithm_are_read_from_its_log(aws: Aws) -> None:
    job = aws.train_algorithm("kmeans:1", HyperParameters={"reports": "3,2,1.5"})
    (metric,) = job["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("test:msd", 1.5)
    defined = job["AlgorithmSpecification"]["MetricDefinitions"]
    assert {one["Name"] for one in defined} == {"test:msd", "test:ssd"}


def test_the_metrics_of_xgboost_are_read_from_the_lines_that_it_prints(aws: Aws) -> None:
    job = aws.train_algorithm("sagemaker-xgboost:3.2-0", HyperParameters={"reports": "3,1"})
    assert [(m["MetricName"], m["Value"]) for m in job["FinalMetricDataList"]] == [
        ("validation:rmse", 1.0)
    ]


def test_xgboosts_image_still_runs_a_script(aws: Aws) -> None:
    job = aws.train("print('[7]\\ttrain-auc:0.9\\tvalidation-auc:0.75')")
    assert job["TrainingJobStatus"] == "Completed", job
    assert [(m["MetricName"], m["Value"]) for m in job["FinalMetricDataList"]] == [
        ("validation:auc", 0.75)
    ]


def test_a_stand_in_that_refuses_its_job_says_why(aws: Aws) -> None:
    job = aws.train_algorithm("kmeans:1", HyperParameters={"does": "fail"})
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "ClientError: k must be at least 1, exit code: 1"


@pytest.mark.parametrize(
    ("image", "change", "message"),
    [
        (
            "kmeans:1",
            {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "m", "Regex": "m"}]}},
            "You can't override the metric definitions for Amazon SageMaker algorithms",
        ),
        (
            "sagemaker-xgboost:1.7-1",
            {"HyperParameters": {"sagemaker_program": "train.py"}},
            "Script mode in image sagemaker-xgboost:1.7-1 is not available",
        ),
        (
            "sagemaker-scikit-learn:1.9-0-cpu-py3",
            {},
            "The built-in program of image sagemaker-scikit-learn:1.9-0-cpu-py3 is not available",
        ),
    ],
)
def test_what_an_image_does_not_do_is_refused(
    aws: Aws, image: str, change: dict[str, Any], message: str
) -> None:
    request = aws.algorithm_request(image)
    for name, value in change.items():
        request[name] |= value
    with pytest.raises(ClientError, match=message):
        aws.sagemaker.create_training_job(**request)


def test_a_trained_model_serves_bytes_as_they_were_sent(aws: Aws) -> None:
    job = aws.train_algorithm("kmeans:1")
    model = created_model(aws, "kmeans:1", job["ModelArtifacts"]["S3ModelArtifacts"])
    endpoint = aws.endpoint(aws.endpoint_config(model))

    def ask(**headers: str) -> dict[str, Any]:
        answer = aws.runtime.invoke_endpoint(EndpointName=endpoint, Body=b"1,\xff", **headers)
        said: dict[str, Any] = json.loads(answer["Body"].read())
        return said | {"answered": answer["ContentType"]}

    said = ask(ContentType="text/csv; label_size=0")
    assert said["body"] == b"1,\xff".hex()
    assert (said["content_type"], said["accept"]) == ("text/csv; label_size=0", None)
    assert (said["key"], said["answered"]) == ("kmeans", "application/json")
    assert ask(ContentType="text/csv", Accept="application/jsonlines")["answered"] == (
        "application/jsonlines"
    )
    with pytest.raises(ClientError, match=r"client error \(415\).*send text/csv"):
        ask(ContentType="text/strange")


def test_a_model_of_xgboosts_image_is_served_by_its_script_or_by_the_stand_in(aws: Aws) -> None:
    by_script = aws.endpoint(aws.endpoint_config(aws.model("blue")))
    assert aws.ask(by_script) == "blue:x"
    job = aws.train_algorithm("sagemaker-xgboost:3.2-0")
    data = job["ModelArtifacts"]["S3ModelArtifacts"]
    model = created_model(aws, "sagemaker-xgboost:3.2-0", data)
    assert json.loads(aws.ask(aws.endpoint(aws.endpoint_config(model))))["key"] == "xgboost"


def test_an_endpoint_of_a_model_that_cannot_be_loaded_fails_and_says_why(aws: Aws) -> None:
    foreign = aws.put(f"{unique('foreign')}/model.tar.gz", archive({"model_algo-1": "MXNet"}))
    other = aws.train_algorithm("pca:1")["ModelArtifacts"]["S3ModelArtifacts"]
    for data, reason in (
        (None, "no flywheel-stand-in.json"),
        (foreign, "no flywheel-stand-in.json: they were not written by the local stand-in"),
        (other, "the model was trained by pca, not by kmeans:1"),
    ):
        config = aws.endpoint_config(created_model(aws, "kmeans:1", data))
        name = unique("endpoint")
        aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        settled = aws.service.wait("endpoint", name, 30)
        assert settled["EndpointStatus"] == "Failed"
        assert "did not pass the ping health check" in settled["FailureReason"]
        assert reason in settled["FailureReason"]


def test_the_stand_ins_are_those_of_this_checkout_unless_said_otherwise() -> None:
    root = SageMakerConfig.stand_ins
    assert (root / "flywheel" / "standins" / "contract.py").is_file()
