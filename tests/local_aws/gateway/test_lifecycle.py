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


def test_nothing_is_left_behind_when_the_parent_is_killed() -> None:
    program = (
        "import sys, time\n"
        "from flywheel.local_aws import LocalAws\n"
        "aws = LocalAws().start()\n"
        "print(aws.work_dir, aws.endpoint_url, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    folder, url = parent.stdout.readline().split()
    parent.stdout.close()
    assert is_listening(port_of(url))

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()

    until(lambda: not is_listening(port_of(url)) and not Path(folder).exists())


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
