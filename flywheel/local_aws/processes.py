"""Child processes that never outlive this one: jobs, model servers, the gateway."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_SUPERVISOR = Path(__file__).with_name("_supervise.py")
# What a child may know of its owner's environment: where programs and temporary files are, the
# language, and the settings with which numeric libraries were made to work on this processor. No
# credentials, no AWS settings.
_INHERITED = (
    "PATH",
    "LANG",
    "TMPDIR",
    "TZ",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SSL_CERT_FILE",
)
_INHERITED_PREFIXES = ("LC_", "OPENBLAS_", "MKL_")


def clean_environment(owner: Mapping[str, str] | None = None) -> dict[str, str]:
    """The part of this process's environment that a job may see."""
    source = os.environ if owner is None else owner
    return {
        name: value
        for name, value in source.items()
        if name in _INHERITED or name.startswith(_INHERITED_PREFIXES)
    }


class ChildProcess:
    """One command in a process group of its own, under a small supervisor.

    The whole group ends when the command exits, when `stop` is called, and when this process dies,
    even by SIGKILL: the supervisor then reads end of file from its pipe. Ctrl-C in a terminal does
    not reach the group; the owner decides.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str],
        cwd: Path | None = None,
        on_exit: Callable[[int], None] | None = None,
    ) -> None:
        """Start `command`; its output is appended to `log`.

        Args:
            command: The program and its arguments.
            log: File that receives standard output and error.
            env: The command's whole environment; nothing else is inherited.
            cwd: Working directory.
            on_exit: Called once with the exit code, on a thread of this object.

        Raises:
            OSError: `log` cannot be written or no process can be started.
        """
        self.command = [str(part) for part in command]
        self.log = log
        self._on_exit = on_exit
        self._exited = threading.Event()
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SUPERVISOR), *self.command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )
        self._pipe_lock = threading.Lock()
        threading.Thread(target=self._reap, name=f"reap-{self.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        """Process id of the supervisor."""
        return self._supervisor.pid

    @property
    def returncode(self) -> int | None:
        """Exit code of the command; 128 + n when signal n ended it; None while it runs."""
        return self._supervisor.returncode if self._exited.is_set() else None

    @property
    def running(self) -> bool:
        """Whether the command still runs."""
        return not self._exited.is_set()

    def wait(self, timeout_seconds: float | None = None) -> int | None:
        """Wait for the command to exit; None when it still runs after `timeout_seconds`."""
        self._exited.wait(timeout_seconds)
        return self.returncode

    def stop(self, grace_seconds: float = 5.0) -> None:
        """Ask for SIGTERM now and SIGKILL after `grace_seconds`; returns at once."""
        with self._pipe_lock:
            if self._exited.is_set() or self._supervisor.stdin is None:
                return
            try:
                self._supervisor.stdin.write(f"stop {grace_seconds}\n".encode())
                self._supervisor.stdin.flush()
            except (BrokenPipeError, ValueError):
                return  # it has just ended by itself

    def tail(self, max_bytes: int = 4096) -> str:
        """The end of the log, for an error message."""
        return tail_of(self.log, max_bytes)

    def _reap(self) -> None:
        code = self._supervisor.wait()
        self._exited.set()
        with self._pipe_lock:
            if self._supervisor.stdin is not None:
                try:
                    self._supervisor.stdin.close()
                except BrokenPipeError:
                    self._supervisor.stdin = None
        if self._on_exit is not None:
            self._on_exit(code)


class ProcessTable:
    """All children of one owner, so that they can be ended together."""

    def __init__(self) -> None:
        self._children: set[ChildProcess] = set()
        self._lock = threading.Lock()
        self._closed = False

    def start(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str],
        cwd: Path | None = None,
        on_exit: Callable[[int], None] | None = None,
    ) -> ChildProcess:
        """Start a `ChildProcess` that `close` will end.

        Raises:
            RuntimeError: The table is closed.
            OSError: See `ChildProcess`.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError("no process can be started: the local AWS is shutting down")
            child = ChildProcess(command, log=log, env=env, cwd=cwd, on_exit=on_exit)
            self._children = {known for known in self._children if known.running}
            self._children.add(child)
            return child

    def close(self, grace_seconds: float = 3.0) -> None:
        """End every child and wait until all are gone."""
        with self._lock:
            self._closed = True
            children = list(self._children)
        for child in children:
            child.stop(grace_seconds)
        for child in children:
            child.wait(grace_seconds + 5)


def tail_of(log: Path, max_bytes: int = 4096) -> str:
    """The last whole lines of a log file; empty when there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - max_bytes))
        data = file.read()
    if size > max_bytes:
        data = data.partition(b"\n")[2] or data
    return data.decode("utf-8", "replace").strip()
