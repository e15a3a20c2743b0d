"""Step Functions' tasks of SageMaker: jobs that are waited for, models made and removed between."""

from __future__ import annotations

import io
import itertools
import json
import tarfile
import uuid
from typing import Any

from flywheel.local_aws import LocalAws
from tests.local_aws.gateway.conftest import ROLE, Run
from tests.local_aws.gateway.test_tasks import SDK, caught, task

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
SHOUT = """
def model_fn(model_dir): return None
def transform_fn(model, data, content_type, accept): return data.upper(), accept
"""


def upload(aws: LocalAws, bucket: str, key: str, files: dict[str, str]) -> str:
    """Put a `.tar.gz` into the bucket; its URI."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=buffer.getvalue())
    return f"s3://{bucket}/{key}"


def chained(**states: dict[str, Any]) -> dict[str, Any]:
    """States that follow each other."""
    names = list(states)
    for name, following in itertools.pairwise(names):
        del states[name]["End"]
        states[name]["Next"] = following
    return states


def test_a_model_is_made_asked_about_a_folder_and_removed(
    aws: LocalAws, run_states: Run, bucket: str
) -> None:
    data = upload(aws, bucket, "model.tar.gz", {"code/inference.py": SHOUT})
    aws.client("s3").put_object(Bucket=bucket, Key="in/a.csv", Body=b"one\ntwo\n")
    name = f"m-{uuid.uuid4().hex[:8]}"
    container = {
        "Image": IMAGE, "ModelDataUrl": data,
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
    }  # fmt: skip
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/in/"}
    transform = {
        "TransformJobName": name,
        "ModelName": name,
        "MaxPayloadInMB": 1,
        "TransformInput": {
            "DataSource": {"S3DataSource": source}, "ContentType": "text/csv", "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": f"s3://{bucket}/out", "Accept": "text/csv"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }  # fmt: skip

    found = run_states(
        chained(
            Make=task(
                f"{SDK}:sagemaker:createModel",
                {"ModelName": name, "ExecutionRoleArn": ROLE, "PrimaryContainer": container},
            ),
            Ask=task(
                "arn:aws:states:::sagemaker:createTransformJob.sync",
                transform,
                Assign={"status": "{% $states.result.TransformJobStatus %}"},
            ),
            Remove=task(
                f"{SDK}:sagemaker:deleteModel", {"ModelName": name}, Output="{% $status %}"
            ),
        )
    )

    assert (found["status"], found.get("output")) == ("SUCCEEDED", "Completed"), found
    answered = aws.client("s3").get_object(Bucket=bucket, Key="out/a.csv.out")["Body"].read()
    assert answered == b"ONE\nTWO\n"
    assert not aws.client("sagemaker").list_models(NameContains=name)["Models"]


def test_a_transform_job_that_fails_fails_its_task_with_its_description(
    aws: LocalAws, run_states: Run, bucket: str
) -> None:
    data = upload(aws, bucket, "model.tar.gz", {"code/inference.py": "x ="})
    name = f"m-{uuid.uuid4().hex[:8]}"
    aws.client("s3").put_object(Bucket=bucket, Key="in/a.csv", Body=b"one\n")
    container = {
        "Image": IMAGE, "ModelDataUrl": data,
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py"},
    }  # fmt: skip
    aws.client("sagemaker").create_model(
        ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container
    )
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/in/"}

    found = run_states(
        caught(
            "arn:aws:states:::sagemaker:createTransformJob.sync",
            {
                "TransformJobName": name,
                "ModelName": name,
                "TransformInput": {"DataSource": {"S3DataSource": source}},
                "TransformOutput": {"S3OutputPath": f"s3://{bucket}/out"},
                "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            },
            "States.TaskFailed",
        )
    )

    cause = json.loads(found["output"]["Cause"])
    assert cause["TransformJobStatus"] == "Failed"
    assert "SyntaxError" in cause["FailureReason"]


def test_a_built_in_algorithm_is_tuned_and_the_best_training_job_named(
    aws: LocalAws, run_states: Run, bucket: str
) -> None:
    rows = "".join(f"{number % 7},{number % 7 * 2},{number}\n" for number in range(70))
    aws.client("s3").put_object(Bucket=bucket, Key="data/a.csv", Body=rows.encode())
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/data/"}
    definition = {
        "StaticHyperParameters": {"num_round": "5", "objective": "reg:squarederror"},
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "InputDataConfig": [
            {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}
            for name in ("train", "validation")
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }

    found = run_states(
        {
            "Tune": task(
                "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync",
                {
                    "HyperParameterTuningJobName": f"t-{uuid.uuid4().hex[:8]}",
                    "HyperParameterTuningJobConfig": {
                        "Strategy": "Random",
                        "HyperParameterTuningJobObjective": {
                            "Type": "Minimize", "MetricName": "validation:rmse",
                        },
                        "ResourceLimits": {
                            "MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2,
                        },
                        "ParameterRanges": {
                            "ContinuousParameterRanges": [
                                {"Name": "eta", "MinValue": "0.1", "MaxValue": "0.5"}
                            ]
                        },
                    },
                    "TrainingJobDefinition": definition,
                },
            )
        }
    )  # fmt: skip

    assert found["status"] == "SUCCEEDED", found
    best = found["output"]["BestTrainingJob"]
    assert 0.1 <= float(best["TunedHyperParameters"]["eta"]) <= 0.5
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["MetricName"] == "validation:rmse"
    key = f"models/{best['TrainingJobName']}/output/model.tar.gz"
    assert aws.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0
