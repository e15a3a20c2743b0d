"""Runs one command as a process group of its own and ends the group when its owner dies.

Started by `processes.py` as `python -I -S _supervise.py COMMAND…`, with nothing but the standard
library. Its standard input is a pipe that only the owner holds: end of file means that the owner is
gone, however it went; the line `stop SECONDS` asks for a stop. The exit code is the command's own,
or 128 + n when signal n ended it, as in a container.
"""

import os
import select
import signal
import subprocess
import sys
import time

ORPHAN_GRACE_SECONDS = 2.0


def main(command: list[str]) -> int:
    """Run `command` until it exits or has to be stopped."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(
            number, lambda *_: None
        )  # the owner decides; a handler is not inherited, "ignore" would be
    child_exited, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)
    except OSError as error:
        sys.stderr.write(f"{command[0]} could not be started: {error.strerror}\n")
        return 127
    owner: int | None = sys.stdin.fileno()
    received = b""
    deadline: float | None = None
    while child.poll() is None:
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        readable, _, _ = select.select(
            [child_exited] + ([] if owner is None else [owner]), [], [], timeout
        )
        if child_exited in readable:
            os.read(child_exited, 4096)
        if owner in readable and owner is not None:
            data = os.read(owner, 4096)
            received += data
            if not data:
                owner, grace = None, ORPHAN_GRACE_SECONDS
            elif received.endswith(b"\n"):
                grace = float(received.split()[-1])
            else:
                continue
            asked = time.monotonic() + grace
            deadline = asked if deadline is None else min(deadline, asked)
            signal_group(child.pid, signal.SIGTERM)
        if deadline is not None and time.monotonic() >= deadline:
            signal_group(child.pid, signal.SIGKILL)
            deadline = time.monotonic() + 60
    signal_group(
        child.pid, signal.SIGKILL
    )  # what the command left running goes with it, as in a container
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def signal_group(group: int, number: int) -> None:
    """Send a signal to what is left of the group."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return  # nobody is left (macOS answers EPERM for a group of zombies)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
