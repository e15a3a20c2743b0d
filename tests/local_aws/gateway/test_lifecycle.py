"""From start to end: ports, processes, files."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flywheel.local_aws import LocalAws, LocalAwsError
from tests.local_aws.gateway.waiting import until

ROOT = Path(__file__).parents[3]


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def test_nothing_is_left_behind_after_close() -> None:
    with LocalAws() as aws:
        folder, port = aws.work_dir, port_of(aws.endpoint_url)
        aws.client("s3").list_buckets()
        assert is_listening(port)

    assert not folder.exists()
    assert not is_listening(port)


STARTS_A_JOB = """
import time
from flywheel.local_aws import LocalAws
aws = LocalAws().start()
s3, emr = aws.client("s3"), aws.client("emr-serverless")
s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": aws.region})
s3.put_object(Bucket="code", Key="slow.py", Body=b"import time; time.sleep(600)")
application = emr.create_application(releaseLabel="emr-7.12.0", type="SPARK")["applicationId"]
job = emr.start_job_run(
    applicationId=application, executionRoleArn="arn:aws:iam::000000000000:role/tests",
    jobDriver={"sparkSubmit": {"entryPoint": "s3://code/slow.py"}},
)["jobRunId"]
while emr.get_job_run(applicationId=application, jobRunId=job)["jobRun"]["state"] != "RUNNING":
    time.sleep(0.05)
print(aws.work_dir, aws.endpoint_url, flush=True)
time.sleep(600)
"""


def processes_of(folder: str) -> list[str]:
    """Command lines that name this folder."""
    found = subprocess.run(["ps", "-axwwo", "command"], capture_output=True, text=True, check=True)
    return [line for line in found.stdout.splitlines() if folder in line]


def test_nothing_is_left_behind_when_the_parent_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", STARTS_A_JOB], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    try:
        folder, url = parent.stdout.readline().split()
        until(lambda: any("SparkSubmit" in line for line in processes_of(folder)))
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        parent.stdout.close()

    until(lambda: not processes_of(folder), timeout_seconds=15)
    assert not Path(folder).exists()
    assert not is_listening(port_of(url))


@pytest.mark.e2e
def test_make_local_deploys_says_how_to_reach_it_and_stops_cleanly() -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "flywheel.local_aws"], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert running.stdout is not None
    lines: list[str] = []
    for line in running.stdout:
        lines.append(line)
        if "Ctrl-C stops it" in line:
            break
    exports = dict(
        line.split()[1].split("=", 1) for line in lines if line.strip().startswith("export ")
    )
    listed = subprocess.run(
        [sys.executable, "-c", "import boto3; print(boto3.client('s3').list_buckets()['Buckets'])"],
        env={**exports, "PATH": os.defpath}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    running.send_signal(signal.SIGINT)
    said = running.stdout.read()
    running.stdout.close()

    assert "lakeraw" in listed.stdout
    assert running.wait() == 0, said
    assert "nothing is left" in said
    assert not is_listening(port_of(exports["AWS_ENDPOINT_URL"]))


def test_a_gateway_that_dies_is_an_error_that_says_so() -> None:
    with LocalAws() as aws:
        (gateway,) = (
            line.split()[0]
            for line in subprocess.run(
                ["ps", "-axwwo", "pid,command"], capture_output=True, text=True, check=True
            ).stdout.splitlines()
            if str(aws.work_dir) in line and "_supervise.py" not in line
        )

        os.kill(int(gateway), signal.SIGKILL)

        with pytest.raises(LocalAwsError, match="ended by itself"):
            aws.wait()


def test_a_port_in_use_is_one_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(
            LocalAwsError, match=rf"port is {port}, which cannot be used.*choose another"
        ):
            LocalAws(port=port).start()


def test_it_answers_on_the_port_that_was_asked_for() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    with LocalAws(port=port) as aws:
        assert aws.endpoint_url == f"http://127.0.0.1:{port}"


def test_it_listens_on_loopback_only(aws: LocalAws) -> None:
    port = f"{port_of(aws.endpoint_url):04X}"
    tables = [Path("/proc/net") / name for name in ("tcp", "tcp6")]
    if not all(table.exists() for table in tables):
        pytest.skip("only Linux tells in /proc/net where a port is bound")
    bound = [
        line.split()[1].rpartition(":")[0]
        for table in tables
        for line in table.read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{port}") and line.split()[3] == "0A"
    ]

    assert bound == ["0100007F"]


def test_a_users_profile_and_credentials_do_not_matter(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "123456789012")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    assert aws.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_the_environment_is_enough_for_boto3(aws: LocalAws) -> None:
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**aws.environment, "PATH": os.defpath}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert run.stdout.strip() == "000000000000"


def test_cdk_says_what_failed_in_one_message(aws: LocalAws) -> None:
    with pytest.raises(LocalAwsError, match=r"cdk no-such-command failed"):
        aws.cdk("no-such-command")


def test_an_apis_address_is_translated(aws: LocalAws) -> None:
    url = aws.local_url("https://abc123.execute-api.eu-west-1.amazonaws.com/live/predictions")

    assert url == f"{aws.endpoint_url}/_aws/execute-api/abc123/live/predictions"


def test_all_files_are_below_the_work_folder(aws: LocalAws) -> None:
    aws.client("sqs").list_queues()

    assert (aws.work_dir / "gateway.log").exists()
    assert (aws.work_dir / "tmp").is_dir()
