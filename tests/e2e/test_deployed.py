"""A review against what is really deployed, and drift, in the embedded AWS."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from flywheel.local_aws import LocalAws
from flywheel.review import terminal
from tests.conftest import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws(region="us-east-1") as aws:
        aws.bootstrap()
        aws.deploy("-c", "env=local", "local/DataLake")
        yield aws


@pytest.fixture
def environment(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)


def drift(tmp_path: Path) -> tuple[int, str]:
    asked = terminal.question(ROOT, "local", "deployed", workload="", ask_account=False)
    said = tmp_path / "said.txt"
    with said.open("w") as file:
        code = terminal.run_drift(asked, Console(file=file, width=200))
    return code, said.read_text()


@pytest.mark.usefixtures("environment")
def test_what_is_deployed_is_the_same_and_what_is_not_is_new(tmp_path: Path) -> None:
    code, said = drift(tmp_path)
    assert code == terminal.DIFFERENT
    assert "FlightDelayTraining" in said
    lines = said.splitlines()
    assert not [line for line in lines if " DataLake/" in line or " Network/" in line]
    assert "Every resource is as its deployed template says." in said


@pytest.mark.usefixtures("environment")
def test_a_bucket_changed_by_hand_is_drift(aws: LocalAws, tmp_path: Path) -> None:
    s3 = aws.client("s3")
    [raw] = [each["Name"] for each in s3.list_buckets()["Buckets"] if "lakeraw" in each["Name"]]
    s3.put_bucket_versioning(Bucket=raw, VersioningConfiguration={"Status": "Suspended"})
    _, said = drift(tmp_path)
    s3.put_bucket_versioning(Bucket=raw, VersioningConfiguration={"Status": "Enabled"})
    assert "changed by hand  DataLake/Lake/Raw" in said
    assert "is Suspended instead of Enabled" in said
