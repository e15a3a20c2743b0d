"""The CDK CLI's output in one line a step, and in one message when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from flywheel.local_aws.toolchain import ToolError, run_cdk, tool_environment

OUTPUT = """
✨  Synthesis time: 3.02s
local/Network (local-Network): deploying... [1/2]
local-Network | 1/4 | 10:54:56 PM | CREATE_FAILED | AWS::EC2::VPC | Vpc the range is not valid.
 ✅  local/Network (local-Network)
✅  local/Other (local-Other) (no changes)
local/Network (local-Network): destroying... [1/1]
✅  local/Network (local-Network): destroyed
"""


def cli(folder: Path, text: str, code: int) -> Path:
    """A project whose CDK CLI prints this text."""
    program = folder / "node_modules" / ".bin" / "cdk"
    program.parent.mkdir(parents=True)
    (folder / "text").write_text(text, encoding="utf-8")
    program.write_text(f"#!/bin/sh\ncat '{folder}/text'\nexit {code}\n")
    program.chmod(0o755)
    return folder


def run(project: Path, told: list[str]) -> str:
    return run_cdk(
        ("deploy",), folder=project, environment={"PATH": "/usr/bin:/bin"}, log=project / "log",
        progress=told.append, project_dir=project,
    )  # fmt: skip


def test_each_stack_is_told_when_it_starts_and_ends(tmp_path: Path) -> None:
    told: list[str] = []

    printed = run(cli(tmp_path, OUTPUT, 0), told)

    assert told == [
        "local/Network: deploying (1 of 2)",
        "local/Network: deployed",
        "local/Other: unchanged",
        "local/Network: destroying (1 of 1)",
        "local/Network: destroyed",
    ]
    assert "Synthesis time" in printed


def test_a_failure_is_one_message_with_what_went_wrong(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as failed:
        run(cli(tmp_path, OUTPUT, 1), [])

    assert str(failed.value).startswith("cdk deploy failed.\n")
    assert "the range is not valid" in str(failed.value)
    assert "Synthesis time" not in str(failed.value)


def test_a_missing_cli_says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="make setup"):
        run(tmp_path, [])


def test_nothing_of_the_users_aws_reaches_the_cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")

    environment = tool_environment({"AWS_REGION": "eu-west-1"}, tmp_path)

    aws = {name for name in environment if name.startswith("AWS_")}
    assert aws == {"AWS_REGION"}
    assert environment["HOME"] == str(tmp_path)
