"""Training jobs through plain boto3."""

from __future__ import annotations

import errno
import json
import threading
import time

import pytest
from botocore.exceptions import ClientError

from flywheel.local_aws.sagemaker.storage import Storage
from tests.local_aws.sagemaker.helpers import IMAGE, SCRIPT_IMAGE, Aws, channel, members, unique

WRITE_MODEL = """
import argparse, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--depth", type=int)
depth = parser.parse_args().depth
model = pathlib.Path(os.environ["SM_MODEL_DIR"])
(model / "code").mkdir()
(model / "model.txt").write_text(f"depth {depth}")
(model / "code" / "inference.py").write_text("x = 1")
print("[1] validation-auc: 0.5")
print("[2] validation-auc: 0.75")
"""


def test_a_script_trains_and_its_model_is_in_s3(aws: Aws) -> None:
    job = aws.train(
        WRITE_MODEL,
        HyperParameters={"depth": "6"},
        AlgorithmSpecification={
            "TrainingImage": SCRIPT_IMAGE,
            "MetricDefinitions": [
                {"Name": "validation:auc", "Regex": r"validation-auc: ([0-9.]+)"},
                {"Name": "not:there", "Regex": r"never ([0-9.]+)"},
            ],
        },
    )
    assert job["TrainingJobStatus"] == "Completed", job
    uri = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri.endswith(f"/models/{job['TrainingJobName']}/output/model.tar.gz")
    assert members(aws, uri) == {"model.txt": b"depth 6", "code/inference.py": b"x = 1"}
    assert [(m["MetricName"], m["Value"]) for m in job["FinalMetricDataList"]] == [
        ("validation:auc", 0.75)
    ]


def test_the_states_are_awss_and_each_is_an_event(aws: Aws) -> None:
    job = aws.train("print('nothing to learn')")
    statuses = [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
    assert statuses == [
        "Starting",
        "Downloading",
        "DownloadingTrainingImage",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert all("EndTime" in transition for transition in job["SecondaryStatusTransitions"])
    assert job["TrainingStartTime"] <= job["TrainingEndTime"]
    states = aws.states("Training Job", job["TrainingJobArn"], "TrainingJobStatus")
    assert states[0] == "InProgress"
    assert states[-1] == "Completed"


def test_the_log_is_in_cloudwatch_logs(aws: Aws) -> None:
    job = aws.train("print('hello from the script')")
    logs = aws.client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    stream = logs.describe_log_streams(
        logGroupName=group, logStreamNamePrefix=f"{job['TrainingJobName']}/"
    )["logStreams"][0]["logStreamName"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
    assert "hello from the script" in [event["message"] for event in events]


def test_a_failing_script_says_why(aws: Aws) -> None:
    job = aws.train("raise ValueError('the label column is missing')")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError:")
    assert "the label column is missing" in job["FailureReason"]
    assert job["FailureReason"].endswith(", exit code: 1")


def test_channels_bring_prefixes_single_objects_and_manifests(aws: Aws) -> None:
    prefix = unique("data")
    aws.put(f"{prefix}/month=2013-01/part-0.csv", "a")
    aws.put(f"{prefix}/month=2013-02/part-0.csv", "b")
    manifest = [{"prefix": f"s3://{aws.bucket}/{prefix}/"}, "month=2013-02/part-0.csv"]
    listed = aws.put(f"{prefix}.manifest", json.dumps(manifest))
    job = aws.train(
        """
import json, os, pathlib
data = pathlib.Path(os.environ["SM_INPUT_DIR"]) / "data"
found = sorted(str(p.relative_to(data)) for p in data.rglob("*") if p.is_file())
(pathlib.Path(os.environ["SM_MODEL_DIR"]) / "found.json").write_text(json.dumps(found))
""",
        InputDataConfig=[
            channel("all", f"s3://{aws.bucket}/{prefix}/"),
            channel("one", f"s3://{aws.bucket}/{prefix}/month=2013-01/part-0.csv"),
            channel("listed", listed, "ManifestFile"),
        ],
    )
    found = json.loads(members(aws, job["ModelArtifacts"]["S3ModelArtifacts"])["found.json"])
    assert found == [
        "all/month=2013-01/part-0.csv",
        "all/month=2013-02/part-0.csv",
        "code/source.tar.gz",
        "listed-manifest",
        "listed/month=2013-02/part-0.csv",
        "one/part-0.csv",
    ]


def test_missing_data_fails_the_job_as_awss_client_error(aws: Aws) -> None:
    job = aws.train("", InputDataConfig=[channel("train", f"s3://{aws.bucket}/nothing/here/")])
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed: No S3 objects found")


def test_a_killed_spot_job_resumes_from_its_checkpoints(aws: Aws) -> None:
    script = """
import os, pathlib, signal
folder = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"]) / "checkpoints"
folder.mkdir(exist_ok=True)
seen = sorted(path.name for path in folder.iterdir())
print("resumes from", seen, flush=True)
if not seen:
    (folder / "round-1").write_text("state")
    os.killpg(0, signal.SIGKILL)
(pathlib.Path(os.environ["SM_MODEL_DIR"]) / "seen").write_text(" ".join(seen))
"""
    prefix = unique("checkpoints")
    job = aws.train(
        script,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
        CheckpointConfig={"S3Uri": f"s3://{aws.bucket}/{prefix}"},
    )
    assert job["TrainingJobStatus"] == "Completed", job
    assert members(aws, job["ModelArtifacts"]["S3ModelArtifacts"])["seen"] == b"round-1"
    statuses = [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
    assert statuses.count("Training") == 2
    assert "Interrupted" in statuses
    assert aws.keys(f"{prefix}/") == [f"{prefix}/round-1"]


def test_checkpoints_of_an_earlier_job_are_there_when_a_job_starts(aws: Aws) -> None:
    prefix = unique("checkpoints")
    aws.put(f"{prefix}/deep/round-7", "state")
    job = aws.train(
        """
import os, pathlib
folder = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"]) / "checkpoints"
print((folder / "deep" / "round-7").read_text())
""",
        CheckpointConfig={"S3Uri": f"s3://{aws.bucket}/{prefix}/"},
    )
    assert job["TrainingJobStatus"] == "Completed", job


def test_a_stopped_job_may_save_a_checkpoint_first(aws: Aws) -> None:
    script = """
import os, pathlib, signal, sys, time
folder = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"]) / "checkpoints"
def save(*_):
    (folder / "last").write_text("saved")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
(folder / "ready").write_text("")
time.sleep(60)
"""
    prefix = unique("checkpoints")
    request = aws.training_request(
        script, CheckpointConfig={"S3Uri": f"s3://{aws.bucket}/{prefix}"}
    )
    name = request["TrainingJobName"]
    aws.sagemaker.create_training_job(**request)
    for _ in range(1000):
        if aws.keys(f"{prefix}/ready"):  # it is copied while the job runs
            break
        threading.Event().wait(0.02)
    aws.sagemaker.stop_training_job(TrainingJobName=name)
    job = aws.service.wait("training-job", name, 30)
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] == "Stopped"
    assert sorted(aws.keys(f"{prefix}/")) == [f"{prefix}/last", f"{prefix}/ready"]
    with pytest.raises(ClientError, match="is in status Stopped"):
        aws.sagemaker.stop_training_job(TrainingJobName=name)


def test_a_job_that_runs_too_long_is_stopped(aws: Aws) -> None:
    started = time.monotonic()
    job = aws.train("import time; time.sleep(60)", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert time.monotonic() - started < 20
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_network_isolation_leaves_a_script_without_endpoint_and_credentials(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the-users-own")
    script = """
import os
assert not {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"} & set(os.environ), os.environ
assert os.environ["AWS_REGION"] == "eu-west-1"
"""
    assert aws.train(script)["TrainingJobStatus"] == "Completed"
    open_script = """
import os
assert os.environ["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1")
assert os.environ["AWS_ACCESS_KEY_ID"] == "test"
"""
    job = aws.train(open_script, EnableNetworkIsolation=False)
    assert job["TrainingJobStatus"] == "Completed", job


def test_names_are_unique_and_unknown_names_are_refused(aws: Aws) -> None:
    job = aws.train("")
    request = aws.training_request("") | {"TrainingJobName": job["TrainingJobName"]}
    with pytest.raises(ClientError, match="a training job with this name already") as refused:
        aws.sagemaker.create_training_job(**request)
    assert refused.value.response["Error"]["Code"] == "ResourceInUse"
    with pytest.raises(ClientError, match="Requested resource not found"):
        aws.sagemaker.describe_training_job(TrainingJobName="nobody")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"AlgorithmSpecification": {"TrainingImage": "1.dkr.ecr.x.amazonaws.com/own:1"}},
            "has no environment",
        ),
        ({"EnableManagedSpotTraining": True}, "MaxWaitTimeInSeconds"),
        (
            {
                "AlgorithmSpecification": {
                    "TrainingImage": SCRIPT_IMAGE,
                    "MetricDefinitions": [{"Name": "a", "Regex": "("}],
                }
            },
            "Invalid regular expression",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_at_once(
    aws: Aws, change: dict[str, object], message: str
) -> None:
    request = aws.training_request("")
    for name, value in change.items():
        old = request.get(name)
        request[name] = (
            old | value if isinstance(old, dict) and isinstance(value, dict) and value else value
        )
    with pytest.raises(ClientError, match=message) as refused:
        aws.sagemaker.create_training_job(**request)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_jobs_are_listed_page_by_page(aws: Aws) -> None:
    names = [aws.training_request("")["TrainingJobName"] for _ in range(3)]
    for name in names:
        request = aws.training_request("") | {"TrainingJobName": f"paged-{name}"}
        aws.sagemaker.create_training_job(**request)
    pages = aws.sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains="paged-", PaginationConfig={"PageSize": 2}
    )
    found = [[job["TrainingJobName"] for job in page["TrainingJobSummaries"]] for page in pages]
    assert [len(page) for page in found] == [2, 1]
    for name in names:
        aws.service.wait("training-job", f"paged-{name}", 30)


def test_the_job_may_name_an_entrypoint_of_its_own(aws: Aws) -> None:
    request = aws.training_request("")
    del request["HyperParameters"]
    request["AlgorithmSpecification"] = {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["python3", "-c"],
        "ContainerArguments": ["open('/opt/ml/model/x', 'w').write('y')"],
    }
    aws.sagemaker.create_training_job(**request)
    job = aws.service.wait("training-job", request["TrainingJobName"], 30)
    assert job["TrainingJobStatus"] == "Completed", job
    assert members(aws, job["ModelArtifacts"]["S3ModelArtifacts"]) == {"x": b"y"}


def test_a_full_disk_is_said_with_its_remedy(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Storage, "download", full)
    job = aws.train("")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Out of space: the disk of ")
