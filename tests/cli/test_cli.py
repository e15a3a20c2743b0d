"""What a person gets from `python -m flywheel` when something is wrong."""

import socket
from pathlib import Path

import pytest

from flywheel import cli
from flywheel.errors import UserError


def test_a_port_in_use_is_one_message_with_the_remedy(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cli, "BUILD", tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert cli.main(["local", "--port", str(port)]) == 1
    said = capsys.readouterr().err
    assert f"port is {port}" in said
    assert "choose another port" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_what_is_no_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["demo", "--port", port])
    assert stopped.value.code == cli.EXIT_USAGE
    assert f"{port} is not a port; it must be from 1 to 65535." in capsys.readouterr().err


def test_an_error_of_the_user_is_said_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise UserError("serving.instance_count is 0; it must be at least 1.")

    monkeypatch.setattr(cli, "_check", refuse)
    assert cli.main(["check"]) == 1
    assert capsys.readouterr().err == "serving.instance_count is 0; it must be at least 1.\n"


def test_a_fault_of_ours_leaves_its_traceback_in_a_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> int:
        raise KeyError("lost")

    monkeypatch.setattr(cli, "_check", fail)
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    monkeypatch.setattr(cli, "BUILD", tmp_path / "build")
    assert cli.main(["check"]) == 1
    said = capsys.readouterr().err
    assert "KeyError: 'lost' The details are in build/error.log." in said
    assert "Traceback" in (tmp_path / "build" / "error.log").read_text()


def test_a_full_disk_is_named_with_its_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fill(*_: object) -> int:
        raise OSError(28, "No space left on device", "build/demo/report.html")

    monkeypatch.setattr(cli, "_check", fill)
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    monkeypatch.setattr(cli, "BUILD", tmp_path / "build")
    assert cli.main(["check"]) == 1
    assert "build/demo/report.html: No space left on device." in capsys.readouterr().err


def test_an_interrupted_command_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_check", interrupt)
    assert cli.main(["check"]) == cli.EXIT_INTERRUPTED
    assert capsys.readouterr().err == "Stopped; nothing is left running.\n"
