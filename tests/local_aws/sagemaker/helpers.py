"""What the tests of the local SageMaker share: clients, small models, requests."""

from __future__ import annotations

import io
import itertools
import json
import tarfile
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from flywheel.local_aws.sagemaker.schema import response_violations
from flywheel.local_aws.sagemaker.service import SageMaker

REGION = "eu-west-1"
ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Job"


def image_uri(name: str) -> str:
    """The ECR URI of `repository:tag`."""
    return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}"


IMAGE = image_uri("sagemaker-xgboost:3.2-0")
# Of no algorithm of Amazon's, so that its jobs may define metrics.
SCRIPT_IMAGE = image_uri("sagemaker-scikit-learn:1.9-0-cpu-py3")

_numbers = itertools.count(1)

# A model that answers with a word, and can be told to be slow, to refuse, to fail and to die.
INFERENCE = """
import os
import time
from pathlib import Path

def model_fn(model_dir):
    word = (Path(model_dir) / "word.txt").read_text()
    print("loaded", word)
    if word != os.environ.get("EXPECTED", word):
        raise RuntimeError("the artifact is not the one that was registered")
    return word

def input_fn(body, content_type):
    if content_type not in ("text/csv", "application/octet-stream"):
        raise ValueError(f"content type {content_type} is not known; send text/csv")
    return body

def predict_fn(data, model):
    if data == "die":
        os._exit(3)
    if data == "fail":
        raise KeyError("a secret detail")
    if isinstance(data, str) and data.startswith("sleep "):
        time.sleep(float(data.split()[1]))
    return data if isinstance(data, bytes) else f"{model}:{data}"

def output_fn(prediction, accept):
    return prediction, accept
"""


class Aws:
    """The running local AWS as a test sees it."""

    def __init__(self, endpoint_url: str, service: SageMaker, events: list[dict[str, Any]]) -> None:
        self.endpoint_url = endpoint_url
        self.service = service
        self.events = events
        self.sagemaker = self.client("sagemaker")
        self.runtime = self.client("sagemaker-runtime")
        self.s3 = self.client("s3")
        self.bucket = "test-bucket"
        self.s3.create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        self.sagemaker.meta.events.register("after-call.sagemaker", _must_match_awss_model)

    def client(self, service: str) -> Any:
        """A plain boto3 client."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(
                s3={"addressing_style": "path"},
                retries={"total_max_attempts": 1},
                max_pool_connections=40,
            ),
        )

    def put(self, key: str, body: bytes | str) -> str:
        """Write an object; its URI."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def get(self, uri: str) -> bytes:
        """Read an object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def keys(self, prefix: str) -> list[str]:
        """The objects below a prefix."""
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", ())]

    def states(self, noun: str, arn: str, member: str) -> list[Any]:
        """What a resource's state change events said, in order."""
        return [
            json.loads(event["Detail"])[member]
            for event in list(self.events)
            if event["DetailType"] == f"SageMaker {noun} State Change"
            and event["Resources"] == [arn]
        ]

    def model(self, word: str, **environment: str) -> str:
        """Create a model that answers with a word; its name."""
        name = unique("model")
        data = self.put(
            f"{name}/model.tar.gz", archive({"word.txt": word, "code/inference.py": INFERENCE})
        )
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={
                "Image": IMAGE,
                "ModelDataUrl": data,
                "Environment": {"SAGEMAKER_PROGRAM": "inference.py", **environment},
            },
        )
        return name

    def endpoint_config(self, *models: str, weights: tuple[float, ...] = (), **more: Any) -> str:
        """Create an endpoint configuration with variants `v1`, `v2`, …; its name."""
        name = unique("config")
        variants = [
            {
                "VariantName": f"v{number}",
                "ModelName": model,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
                "InitialVariantWeight": weights[number - 1] if weights else 1.0,
            }
            for number, model in enumerate(models, start=1)
        ]
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=variants, **more
        )
        return name

    def endpoint(self, config: str) -> str:
        """Create an endpoint and wait until it is in service; its name."""
        name = unique("endpoint")
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        settled = self.service.wait("endpoint", name, 30)
        assert settled["EndpointStatus"] == "InService", settled
        return name

    def ask(self, endpoint: str, text: str = "x", **more: Any) -> str:
        """Invoke an endpoint with a line of text."""
        answer = self.runtime.invoke_endpoint(
            EndpointName=endpoint, Body=text, ContentType="text/csv", Accept="text/csv", **more
        )
        body: bytes = answer["Body"].read()
        return body.decode()

    def training_request(self, script: str, **more: Any) -> dict[str, Any]:
        """A CreateTrainingJob request for a script in script mode; its only channel is code."""
        name = unique("training")
        self.put(f"{name}/code/source.tar.gz", archive({"train.py": script}))
        request: dict[str, Any] = {
            "TrainingJobName": name,
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": "/opt/ml/input/data/code/source.tar.gz",
            },
            "InputDataConfig": [channel("code", f"s3://{self.bucket}/{name}/code/source.tar.gz")],
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/{name}/models"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "EnableNetworkIsolation": True,
        }
        return _merged(request, more)

    def algorithm_request(self, image: str, **more: Any) -> dict[str, Any]:
        """A CreateTrainingJob request for a built-in algorithm, such as `kmeans:1`."""
        request = self.training_request("", **more)
        own = ("sagemaker_program", "sagemaker_submit_directory")
        request["HyperParameters"] = {
            name: value for name, value in request["HyperParameters"].items() if name not in own
        }
        request["AlgorithmSpecification"]["TrainingImage"] = image_uri(image)
        given = request["InputDataConfig"][1:]
        data = channel("train", self.put(f"{request['TrainingJobName']}/train.csv", "1,2\n"))
        request["InputDataConfig"] = given or [data]
        return request

    def train_algorithm(self, image: str, **more: Any) -> dict[str, Any]:
        """Run a training job of a built-in algorithm to its end; its description."""
        return self.finished(self.algorithm_request(image, **more))

    def train(self, script: str, **more: Any) -> dict[str, Any]:
        """Run a training job to its end; its description."""
        return self.finished(self.training_request(script, **more))

    def finished(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run the training job of a request to its end; its description."""
        self.sagemaker.create_training_job(**request)
        self.service.wait("training-job", request["TrainingJobName"], 60)
        description: dict[str, Any] = self.sagemaker.describe_training_job(
            TrainingJobName=request["TrainingJobName"]
        )
        return description

    def processing_request(self, *command: str, **more: Any) -> dict[str, Any]:
        """A CreateProcessingJob request that runs a command."""
        return {
            "ProcessingJobName": unique("processing"),
            "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": list(command)},
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": "ml.m5.large",
                    "InstanceCount": 1,
                    "VolumeSizeInGB": 1,
                }
            },
            **more,
        }

    def process(self, *command: str, **more: Any) -> dict[str, Any]:
        """Run a processing job to its end; its description."""
        request = self.processing_request(*command, **more)
        self.sagemaker.create_processing_job(**request)
        self.service.wait("processing-job", request["ProcessingJobName"], 60)
        description: dict[str, Any] = self.sagemaker.describe_processing_job(
            ProcessingJobName=request["ProcessingJobName"]
        )
        return description


def members(aws: Aws, uri: str) -> dict[str, bytes]:
    """The files of a .tar.gz in S3."""
    with tarfile.open(fileobj=io.BytesIO(aws.get(uri))) as tar:
        return {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]


def channel(name: str, uri: str, kind: str = "S3Prefix", **more: Any) -> dict[str, Any]:
    """A training channel."""
    source = {"S3DataType": kind, "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **more}


def processing_input(name: str, uri: str, path: str, kind: str = "S3Prefix") -> dict[str, Any]:
    """A processing input."""
    source = {"S3Uri": uri, "LocalPath": path, "S3DataType": kind, "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source}


def _merged(request: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    merged = dict(request)
    for name, value in more.items():
        if isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = merged[name] | value
        elif isinstance(value, list) and isinstance(merged.get(name), list):
            merged[name] = merged[name] + value
        else:
            merged[name] = value
    return merged


def unique(what: str) -> str:
    """A name that no other test uses."""
    return f"{what}-{next(_numbers)}"


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """A `.tar.gz` of some files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def _must_match_awss_model(model: Any, http_response: Any, **_: Any) -> None:
    if http_response.status_code == 200:
        violations = response_violations(model.name, json.loads(http_response.content))
        assert not violations, violations
