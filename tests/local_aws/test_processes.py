"""Children never outlive their owner."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from flywheel.local_aws.processes import ChildProcess, ProcessTable, clean_environment, tail_of

# Starts a grandchild, writes both process ids, and waits.
FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(sys.argv[1] + ".part", "w").write(f"{os.getpid()} {child.pid}")
os.rename(sys.argv[1] + ".part", sys.argv[1])
time.sleep(60)
"""

# Says that it is there, and waits.
WAIT = "echo 1 > {ready}.part; mv {ready}.part {ready}; while :; do sleep 0.01; done"


def start(tmp_path: Path, *command: str, table: ProcessTable | None = None) -> ChildProcess:
    """A child with a log of its own."""
    make = table.start if table else ChildProcess
    return make(command, log=tmp_path / "log" / "child.log", env=clean_environment())


def appeared(path: Path) -> list[int]:
    """The process ids in a file, when it is there."""
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
    return [int(word) for word in path.read_text().split()]


def gone(pid: int) -> bool:
    """Whether a process ends within some seconds."""
    for _ in range(500):
        try:
            os.kill(pid, 0)
            with suppress(FileNotFoundError):  # macOS has no /proc
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                if state == "Z":  # ended; whoever adopted it has not asked for its exit code yet
                    return True
        except ProcessLookupError:
            return True
        threading.Event().wait(0.01)
    return False


def test_output_and_exit_code_come_back(tmp_path: Path) -> None:
    codes: queue.Queue[int] = queue.Queue()
    child = ChildProcess(
        ["sh", "-c", "echo out; echo err >&2; exit 7"],
        log=tmp_path / "child.log",
        env=clean_environment(),
        on_exit=codes.put,
    )
    assert child.wait(20) == 7
    assert child.returncode == 7
    assert codes.get(timeout=5) == 7
    assert child.tail() == "out\nerr"


def test_a_signal_is_told_as_in_a_container(tmp_path: Path) -> None:
    child = start(tmp_path, "sh", "-c", "kill -9 $$")
    assert child.wait(20) == 137


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    child = start(tmp_path, "no-such-program")
    assert child.wait(20) == 127
    assert "no-such-program could not be started: No such file or directory" in child.tail()


def test_stop_gives_time_to_end_well(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = f"trap 'echo saved; exit 0' TERM; {WAIT.format(ready=ready)}"
    child = start(tmp_path, "sh", "-c", script)
    appeared(ready)
    child.stop(20)
    assert child.wait(20) == 0
    assert child.tail().endswith("saved")


def test_stop_ends_what_does_not_want_to_end(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = f"trap '' TERM; {WAIT.format(ready=ready)}"
    child = start(tmp_path, "sh", "-c", script)
    appeared(ready)
    started = time.monotonic()
    child.stop(0.2)
    assert child.wait(20) == 137
    assert time.monotonic() - started < 5


def test_grandchildren_end_with_the_child(tmp_path: Path) -> None:
    table = ProcessTable()
    child = start(tmp_path, sys.executable, "-c", FAMILY, str(tmp_path / "pids"), table=table)
    pids = appeared(tmp_path / "pids")
    table.close()
    assert not child.running
    assert all(gone(pid) for pid in pids)
    with pytest.raises(RuntimeError, match="shutting down"):
        start(tmp_path, "true", table=table)


def test_grandchildren_that_are_left_behind_are_ended(tmp_path: Path) -> None:
    child = start(tmp_path, "sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pids; exit 0")
    assert child.wait(20) == 0
    (pid,) = appeared(tmp_path / "pids")
    assert gone(pid)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_family_ends_when_its_owner_dies(tmp_path: Path, number: int) -> None:
    owner = f"""
import sys, time
from pathlib import Path
from flywheel.local_aws.processes import ChildProcess, clean_environment
folder = Path({str(tmp_path)!r})
command = [sys.executable, "-c", {FAMILY!r}, str(folder / "pids")]
child = ChildProcess(command, log=folder / "log", env=clean_environment())
time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", owner], stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2]
    )
    pids = appeared(tmp_path / "pids")
    process.send_signal(number)
    process.wait(20)
    assert all(gone(pid) for pid in pids)


def test_a_child_sees_no_credentials_of_its_owner() -> None:
    owner = {
        "PATH": "/bin",
        "AWS_PROFILE": "mine",
        "AWS_SECRET_ACCESS_KEY": "x",
        "LC_ALL": "C",
        "HOME": "/root",
    }
    assert clean_environment(owner) == {"PATH": "/bin", "LC_ALL": "C"}


def test_the_tail_of_a_log_begins_with_a_whole_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert tail_of(log) == ""
    log.write_text("".join(f"line {number}\n" for number in range(1000)))
    assert tail_of(log, 20) == "line 998\nline 999"
