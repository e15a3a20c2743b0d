"""The SDK's environment: what is said when it cannot be built."""

from pathlib import Path

import pytest

from flywheel.algorithms import sdk
from flywheel.errors import UserError


def test_requirements_without_hashes_are_refused_and_leave_nothing_that_looks_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = tmp_path / "sdk.txt"
    requirements.write_text("sagemaker-core==2.27.0\n")
    monkeypatch.setattr(sdk, "REQUIREMENTS", requirements)

    with pytest.raises(UserError) as caught:
        sdk.ask_sdk(["us-east-1"], home=tmp_path / "home")

    assert "the environment of AWS's SDK cannot be built" in str(caught.value)
    assert "hash" in str(caught.value)
    assert not list((tmp_path / "home").glob("*/.complete"))


def test_the_locked_requirements_name_no_host_and_hash_everything() -> None:
    lines = sdk.REQUIREMENTS.read_text().splitlines()

    assert not any("://" in line or "--index" in line for line in lines)
    pins = [line for line in lines if line[:1].isalnum()]
    assert pins
    assert all(" \\" in pin for pin in pins)  # the hashes follow
    assert sum("--hash=sha256:" in line for line in lines) >= len(pins)
