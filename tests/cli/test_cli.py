"""What a person gets from `python -m flywheel` when something is wrong."""

import shutil
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


def test_settings_are_checked_alone_and_what_is_doubtful_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(cli.ROOT / "config", tmp_path / "config")
    for code in ("etl_code", "training_code", "inference_code"):
        (tmp_path / code).symlink_to(cli.ROOT / code)
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    assert cli.main(["check", "--settings"]) == 0
    assert capsys.readouterr().out == "The settings of local, dev, staging, prod are in order.\n"

    workload = tmp_path / "config" / "workloads" / "builtin" / "kmeans.yaml"
    text = workload.read_text()
    workload.write_text(text.replace("instance_type: ml.m5.xlarge", "instance_type: ml.g6.xlarge"))
    assert cli.main(["check", "--settings"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("warning: config/workloads/builtin/kmeans.yaml:")
    assert "ml.g6.xlarge" in said

    workload.write_text(text.replace("k: 3", "k: 0"))
    assert cli.main(["check", "--settings"]) == 1
    assert "training.hyperparameters.k is 0; it must be" in capsys.readouterr().err


def test_sample_data_is_written_as_files(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["samples", "kmeans", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith(f"3 files in {tmp_path / 'kmeans'}\n")
    written = tmp_path / "kmeans" / "rows" / "month=2013-03" / "rows.csv"
    assert written.read_text().startswith("sepal_length,sepal_width,petal_length,petal_width,")

    (tmp_path / "file").touch()
    assert cli.main(["samples", "kmeans", str(tmp_path / "file")]) == 1
    assert "file/kmeans; it cannot be written: Not a directory." in capsys.readouterr().err
    assert cli.main(["samples", "kmean", str(tmp_path)]) == 1
    assert "The nearest is kmeans." in capsys.readouterr().err
