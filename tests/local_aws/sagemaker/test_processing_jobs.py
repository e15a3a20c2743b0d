"""Processing jobs through plain boto3."""

from __future__ import annotations

import json
import time

import pytest
from botocore.exceptions import ClientError

from tests.local_aws.sagemaker.helpers import Aws, processing_input, unique

COUNT = """
import json, pathlib, sys
source, target = map(pathlib.Path, sys.argv[1:])
files = sorted(str(path.relative_to(source)) for path in source.rglob("*") if path.is_file())
(target / "deep").mkdir(parents=True, exist_ok=True)
(target / "deep" / "files.json").write_text(json.dumps(files))
"""


def output(aws: Aws, prefix: str, path: str = "/opt/ml/processing/output") -> dict[str, object]:
    """One output that is uploaded at the end."""
    s3 = {"S3Uri": f"s3://{aws.bucket}/{prefix}/out", "LocalPath": path, "S3UploadMode": "EndOfJob"}
    return {"Outputs": [{"OutputName": "result", "S3Output": s3}]}


def test_files_come_in_a_program_runs_and_files_go_out(aws: Aws) -> None:
    prefix = unique("process")
    code = aws.put(f"{prefix}/count.py", COUNT)
    aws.put(f"{prefix}/in/a.csv", "1")
    aws.put(f"{prefix}/in/b/c.csv", "2")
    job = aws.process(
        "python3",
        "/opt/ml/processing/input/code/count.py",
        "/opt/ml/processing/input/data",
        "/opt/ml/processing/output",
        ProcessingInputs=[
            processing_input("code", code, "/opt/ml/processing/input/code"),
            processing_input(
                "data", f"s3://{aws.bucket}/{prefix}/in/", "/opt/ml/processing/input/data"
            ),
        ],
        ProcessingOutputConfig=output(aws, prefix),
    )
    assert job["ProcessingJobStatus"] == "Completed", job
    result = json.loads(aws.get(f"s3://{aws.bucket}/{prefix}/out/deep/files.json"))
    assert result == ["a.csv", "b/c.csv"]
    states = aws.states("Processing Job", job["ProcessingJobArn"], "ProcessingJobStatus")
    assert states == ["InProgress", "Completed"]


def test_paths_in_arguments_and_environment_are_mapped(aws: Aws) -> None:
    prefix = unique("process")
    job = aws.process(
        "sh",
        "-c",
        'echo "$NAME $TARGET" > /opt/ml/processing/output/said; echo done > /opt/ml/output/message',
        Environment={
            "NAME": "s3://bucket/opt/ml/not-a-path",
            "TARGET": "/opt/ml/processing/output",
        },
        ProcessingOutputConfig=output(aws, prefix),
    )
    assert job["ProcessingJobStatus"] == "Completed", job
    assert job["ExitMessage"] == "done\n"
    said = aws.get(f"s3://{aws.bucket}/{prefix}/out/said").decode().split()
    assert said[0] == "s3://bucket/opt/ml/not-a-path"
    assert said[1].endswith("/opt/ml/processing/output")
    assert said[1] != "/opt/ml/processing/output"


def test_a_manifest_is_an_input_too(aws: Aws) -> None:
    prefix = unique("process")
    aws.put(f"{prefix}/in/a.csv", "1")
    aws.put(f"{prefix}/in/b.csv", "2")
    manifest = json.dumps([{"prefix": f"s3://{aws.bucket}/{prefix}/in/"}, "b.csv"])
    uri = aws.put(f"{prefix}/some.manifest", manifest)
    folder = "/opt/ml/processing/input"
    job = aws.process(
        "sh",
        "-c",
        f"ls {folder} > /opt/ml/processing/output/listing",
        ProcessingInputs=[processing_input("data", uri, folder, "ManifestFile")],
        ProcessingOutputConfig=output(aws, prefix),
    )
    assert job["ProcessingJobStatus"] == "Completed", job
    assert aws.get(f"s3://{aws.bucket}/{prefix}/out/listing") == b"b.csv\n"


def test_a_failing_program_tells_its_last_words_and_exit_code(aws: Aws) -> None:
    job = aws.process("sh", "-c", "echo the hold-out is empty >&2; exit 7")
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: the hold-out is empty, exit code: 7"


def test_missing_input_and_a_missing_program_fail_clearly(aws: Aws) -> None:
    lost = processing_input("data", f"s3://{aws.bucket}/none/", "/opt/ml/processing/input")
    job = aws.process("true", ProcessingInputs=[lost])
    assert "No S3 objects found" in job["FailureReason"]
    job = aws.process("no-such-program")
    assert job["ProcessingJobStatus"] == "Failed"
    assert "no-such-program could not be started" in job["FailureReason"]


def test_a_job_that_is_stopped_or_runs_too_long_ends(aws: Aws) -> None:
    started = time.monotonic()
    job = aws.process("sleep", "60", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert job["ProcessingJobStatus"] == "Stopped"
    assert "MaxRuntimeExceeded" in job["ExitMessage"]
    request = aws.processing_request("sleep", "60")
    aws.sagemaker.create_processing_job(**request)
    aws.sagemaker.stop_processing_job(ProcessingJobName=request["ProcessingJobName"])
    job = aws.service.wait("processing-job", request["ProcessingJobName"], 20)
    assert job["ProcessingJobStatus"] == "Stopped"
    assert time.monotonic() - started < 20


def test_what_cannot_be_done_is_refused_at_once(aws: Aws) -> None:
    pipe = processing_input("data", "s3://b/k", "/opt/ml/processing/input")
    pipe["S3Input"]["S3InputMode"] = "Pipe"
    with pytest.raises(
        ClientError, match="S3InputMode Pipe is not available in the local SageMaker"
    ):
        aws.process("true", ProcessingInputs=[pipe])
    request = aws.processing_request("true")
    del request["AppSpecification"]["ContainerEntrypoint"]
    with pytest.raises(ClientError, match="Give a ContainerEntrypoint"):
        aws.sagemaker.create_processing_job(**request)


def test_a_name_is_used_once(aws: Aws) -> None:
    request = aws.processing_request("true")
    aws.sagemaker.create_processing_job(**request)
    with pytest.raises(ClientError, match="already exists") as refused:
        aws.sagemaker.create_processing_job(**request)
    assert refused.value.response["Error"]["Code"] == "ResourceInUse"
    aws.service.wait("processing-job", request["ProcessingJobName"], 20)
    listed = aws.sagemaker.list_processing_jobs(NameContains=request["ProcessingJobName"])
    assert [job["ProcessingJobStatus"] for job in listed["ProcessingJobSummaries"]] == ["Completed"]
