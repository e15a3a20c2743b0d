"""Transform jobs through plain boto3."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flywheel.standins.codecs.recordio import write_frames
from tests.local_aws.sagemaker.helpers import ROLE, Aws, archive, image_uri, unique

MARK = {"flywheel-stand-in.json": json.dumps({"key": "kmeans"})}
# Answers a line for each line it gets: how many numbers the line has.
COUNTS = """
def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    rows = data.strip().split("\\n")
    return "\\n".join(str(row.count(",") + 1) for row in rows), accept
"""


@pytest.fixture(scope="module")
def echo(aws: Aws) -> str:
    """A model that answers what it was asked."""
    return model(aws, "kmeans:1", MARK)


@pytest.fixture(scope="module")
def counter(aws: Aws) -> str:
    """A model that answers a line for each line."""
    return model(
        aws, "sagemaker-xgboost:3.2-0", {"code/inference.py": COUNTS},
        SAGEMAKER_PROGRAM="inference.py",
    )  # fmt: skip


def model(aws: Aws, image: str, files: dict[str, str], **environment: str) -> str:
    """A model with these files; its name."""
    name = unique("transform-model")
    data = aws.put(f"{name}/model.tar.gz", archive(files))
    container = {
        "Image": image_uri(image), "ModelDataUrl": data, "Environment": environment,
    }  # fmt: skip
    aws.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    return name


def request(aws: Aws, name: str, objects: dict[str, bytes], **more: Any) -> dict[str, Any]:
    """A CreateTransformJob request for some objects; `input` and `output` change these parts."""
    job = unique("transform")
    for key, body in objects.items():
        aws.put(f"{job}/in/{key}", body)
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{aws.bucket}/{job}/in/"}
    given = {
        "DataSource": {"S3DataSource": source}, "ContentType": "text/csv", **more.pop("input", {}),
    }  # fmt: skip
    output = {"S3OutputPath": f"s3://{aws.bucket}/{job}/out", **more.pop("output", {})}
    return {
        "TransformJobName": job,
        "ModelName": name,
        "TransformInput": given,
        "TransformOutput": output,
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **more,
    }


def run(aws: Aws, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Run a transform job to its end; its description, and its output by name."""
    aws.sagemaker.create_transform_job(**given)
    name = given["TransformJobName"]
    aws.service.wait("transform-job", name, 30)
    job = aws.sagemaker.describe_transform_job(TransformJobName=name)
    prefix = f"{name}/out/"
    found = {
        key.removeprefix(prefix): aws.get(f"s3://{aws.bucket}/{key}") for key in aws.keys(prefix)
    }
    return job, found


def bodies(output: bytes) -> list[bytes]:
    """What the echoing model was asked, in order."""
    return [bytes.fromhex(json.loads(line)["body"]) for line in output.decode().splitlines()]


def test_every_object_below_the_prefix_is_answered_whole(aws: Aws, echo: str) -> None:
    job, found = run(aws, request(aws, echo, {"a.csv": b"1\n2\n", "month=2013-01/b.csv": b"3\n"}))
    assert job["TransformJobStatus"] == "Completed", job
    assert job["TransformStartTime"] <= job["TransformEndTime"]
    assert sorted(found) == ["a.csv.out", "month=2013-01/b.csv.out"]
    said = json.loads(found["a.csv.out"])
    assert bytes.fromhex(said["body"]) == b"1\n2\n"
    assert (said["content_type"], said["accept"]) == ("text/csv", None)
    states = aws.states("Transform Job", job["TransformJobArn"], "TransformJobStatus")
    assert states == ["InProgress", "Completed"]
    (summary,) = aws.sagemaker.list_transform_jobs(NameContains=job["TransformJobName"])[
        "TransformJobSummaries"
    ]
    assert summary["TransformJobStatus"] == "Completed"


def test_a_manifest_says_which_objects(aws: Aws, echo: str) -> None:
    given = request(aws, echo, {"a.csv": b"1", "b.csv": b"2", "c.csv": b"3"})
    prefix = f"s3://{aws.bucket}/{given['TransformJobName']}/in/"
    listed = aws.put(
        f"{given['TransformJobName']}.manifest", json.dumps([{"prefix": prefix}, "c.csv", "a.csv"])
    )
    source = {"S3DataType": "ManifestFile", "S3Uri": listed}
    given["TransformInput"]["DataSource"] = {"S3DataSource": source}
    job, found = run(aws, given)
    assert job["TransformJobStatus"] == "Completed", job
    assert sorted(found) == ["a.csv.out", "c.csv.out"]


@pytest.mark.parametrize(
    ("strategy", "sent"),
    [("SingleRecord", [b"1,2", b"3,4", b"5,6"]), ("MultiRecord", [b"1,2\n3,4\n5,6"])],
)
def test_lines_are_sent_one_by_one_or_as_many_as_fit(
    aws: Aws, echo: str, strategy: str, sent: list[bytes]
) -> None:
    job, found = run(
        aws,
        request(
            aws, echo, {"a.csv": b"1,2\n3,4\n\n5,6"}, input={"SplitType": "Line"},
            output={"AssembleWith": "Line", "Accept": "application/json"}, BatchStrategy=strategy,
            MaxConcurrentTransforms=2,
        ),
    )  # fmt: skip
    assert job["TransformJobStatus"] == "Completed", job
    assert bodies(found["a.csv.out"]) == sent


def test_a_batch_is_no_larger_than_the_payload_may_be(aws: Aws, echo: str) -> None:
    line = b"x" * 400_000 + b"\n"
    _, found = run(
        aws,
        request(
            aws, echo, {"a.csv": line * 5}, input={"SplitType": "Line"},
            output={"AssembleWith": "Line"}, MaxPayloadInMB=1,
        ),
    )  # fmt: skip
    assert [len(body) for body in bodies(found["a.csv.out"])] == [800_002, 800_002, 400_001]


def test_recordio_is_split_at_its_frames(aws: Aws, echo: str) -> None:
    frames = write_frames([b"abc", b"defgh"])
    for strategy, sent in (("SingleRecord", [b"abc", b"defgh"]), ("MultiRecord", [frames])):
        _, found = run(
            aws,
            request(
                aws, echo, {"a.rec": frames}, input={"SplitType": "RecordIO"},
                output={"AssembleWith": "Line"}, BatchStrategy=strategy,
            ),
        )  # fmt: skip
        assert bodies(found["a.rec.out"]) == sent


def test_compressed_objects_are_decompressed(aws: Aws, echo: str) -> None:
    job, found = run(
        aws,
        request(aws, echo, {"a.csv.gz": gzip.compress(b"1,2")}, input={"CompressionType": "Gzip"}),
    )
    assert job["TransformJobStatus"] == "Completed", job
    assert bodies(found["a.csv.gz.out"]) == [b"1,2"]


def test_an_object_with_a_bad_record_has_no_output_and_fails_the_job(aws: Aws, echo: str) -> None:
    job, found = run(
        aws,
        request(
            aws, echo, {"a.csv": b"1\nfail\n", "b.csv": b"2\n"}, input={"SplitType": "Line"},
            BatchStrategy="SingleRecord", ModelClientConfig={"InvocationsMaxRetries": 1},
        ),
    )  # fmt: skip
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: See job logs for more information")
    assert "a.csv: Bad HTTP status received from algorithm: 500" in job["FailureReason"]
    assert list(found) == ["b.csv.out"]
    logs = aws.client("logs")
    group = "/aws/sagemaker/TransformJobs"
    streams = logs.describe_log_streams(
        logGroupName=group, logStreamNamePrefix=f"{job['TransformJobName']}/"
    )["logStreams"]
    (data_log,) = [one for one in streams if one["logStreamName"].endswith("/data-log")]
    events = logs.get_log_events(logGroupName=group, logStreamName=data_log["logStreamName"])
    assert "a.csv: AlgorithmError: Bad HTTP status" in events["events"][0]["message"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"input": {"ContentType": "text/strange"}},
            "ClientError: See job logs for more information. .*algorithm: 415: send text/csv",
        ),
        ({"MaxPayloadInMB": 1}, "ClientError: .*too much data for max payload size"),
        ({"input": {"SplitType": "RecordIO"}}, "ClientError: .*RecordIO data"),
        ({"input": {"CompressionType": "Gzip"}}, "ClientError: .*not compressed with gzip"),
    ],
)
def test_a_job_that_fails_says_whose_fault_it_was(
    aws: Aws, echo: str, change: dict[str, Any], reason: str
) -> None:
    job, found = run(aws, request(aws, echo, {"a.csv": b"x" * 1_100_000}, **change))
    assert job["TransformJobStatus"] == "Failed"
    assert not found
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(job["FailureReason"])


def test_a_model_that_cannot_be_loaded_and_a_prefix_without_objects_fail_the_job(aws: Aws) -> None:
    foreign = model(aws, "kmeans:1", {"model_algo-1": "MXNet"})
    job, _ = run(aws, request(aws, foreign, {"a.csv": b"1"}))
    assert "did not pass the ping health check" in job["FailureReason"]
    assert "this transform job" in job["FailureReason"]
    job, _ = run(aws, request(aws, foreign, {}))
    assert "No S3 objects found under S3 URL" in job["FailureReason"]


def test_a_job_can_be_stopped(aws: Aws) -> None:
    slow = aws.model("slow")
    given = request(aws, slow, {f"{i}.csv": b"sleep 20" for i in range(9)})
    given["TransformOutput"]["Accept"] = "text/csv"
    aws.sagemaker.create_transform_job(**given)
    name = given["TransformJobName"]
    with pytest.raises(TimeoutError):
        aws.service.wait("transform-job", name, 0.5)
    aws.sagemaker.stop_transform_job(TransformJobName=name)
    job = aws.service.wait("transform-job", name, 10)
    assert job["TransformJobStatus"] == "Stopped"
    assert "FailureReason" not in job
    with pytest.raises(ClientError, match="in status Stopped"):
        aws.sagemaker.stop_transform_job(TransformJobName=name)


def test_the_container_knows_that_it_is_a_batch_job(aws: Aws) -> None:
    tell = COUNTS.replace(
        "    rows", "    import os; return os.environ[data.strip()], accept\n    rows"
    )
    name = model(
        aws, "sagemaker-xgboost:3.2-0", {"code/inference.py": tell},
        SAGEMAKER_PROGRAM="inference.py",
    )  # fmt: skip
    told = {
        "SAGEMAKER_BATCH": b"true", "SAGEMAKER_BATCH_STRATEGY": b"SINGLE_RECORD",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": b"2", "COLOUR": b"blue",
    }  # fmt: skip
    _, found = run(
        aws,
        request(
            aws, name, {key: key.encode() for key in told}, BatchStrategy="SingleRecord",
            MaxPayloadInMB=2, Environment={"COLOUR": "blue"}, input={"SplitType": "Line"},
        ),
    )  # fmt: skip
    assert found == {f"{key}.out": value for key, value in told.items()}


def test_answers_are_joined_with_their_records(aws: Aws, counter: str) -> None:
    given = request(
        aws, counter, {"a.csv": b"id1,1,2\nid2,3,4\n"},
        input={"SplitType": "Line"}, output={"AssembleWith": "Line", "Accept": "text/csv"},
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
    )  # fmt: skip
    job, found = run(aws, given)
    assert job["TransformJobStatus"] == "Completed", job
    assert found == {"a.csv.out": b"id1,2\nid2,2\n"}
    assert job["DataProcessing"]["OutputFilter"] == "$[0,-1]"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"MaxPayloadInMB": 50, "MaxConcurrentTransforms": 3}, "product must not be greater"),
        ({"MaxPayloadInMB": 0}, r"HTTP chunked encoding\) is not available"),
        ({"input": {"SplitType": "TFRecord"}}, "SplitType TFRecord is not available"),
        (
            {"input": {"DataSource": {"S3DataSource": {
                "S3DataType": "AugmentedManifestFile", "S3Uri": "s3://a/b"}}}},
            "S3DataType AugmentedManifestFile is not supported",
        ),
        ({"DataCaptureConfig": {"DestinationS3Uri": "s3://a/b"}}, "DataCaptureConfig"),
        ({"ModelName": "no-such-model"}, 'Could not find model "arn'),
        (
            {"DataProcessing": {"JoinSource": "Input"}, "output": {"Accept": "application/json"}},
            "ContentType is text/csv and Accept is application/json",
        ),
        (
            {"DataProcessing": {"InputFilter": "$.a"}},
            "TransformOutput.Accept is None; with DataProcessing it must be one of",
        ),
        (
            {"DataProcessing": {"InputFilter": "a"}, "output": {"Accept": "text/csv"}},
            "DataProcessing.InputFilter: a must begin with",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_transformed_is_refused(
    aws: Aws, echo: str, change: dict[str, Any], message: str
) -> None:
    given = request(aws, echo, {}, **change)
    with pytest.raises(ClientError, match=message) as refused:
        aws.sagemaker.create_transform_job(**given)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
