"""Pipe mode: a FIFO for each channel and epoch, `/opt/ml/input/data/<channel>_<epoch>`."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from flywheel.local_aws.sagemaker.errors import JobError

_LOOK_SECONDS = 0.02  # for a reader, or for room in the pipe


class Stream(Protocol):
    """What the pipes of a channel give."""

    def epoch(self, number: int) -> Iterator[bytes]:
        """The bytes of one epoch."""


class InputPipe:
    """The pipes of one channel.

    Args:
        folder: the channels' folder.
        name: of the channel.
        stream: what a reader gets.
    """

    def __init__(self, folder: Path, name: str, stream: Stream) -> None:
        self._folder = folder
        self._name = name
        self._stream = stream
        self._made: list[Path] = []
        self._ended = threading.Event()
        self._error: JobError | None = None
        self._thread: threading.Thread | None = None

    def as_file(self) -> None:
        """Put the first epoch into the channel's folder, for a program that reads files.

        Raises:
            JobError: an object is not there.
        """
        target = self._folder / self._name / f"{self._name}_0"
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            file.writelines(self._stream.epoch(0))

    def start(self) -> None:
        """Make the first pipe and wait, in the background, for its reader."""
        self._ended.clear()
        self._make(0)
        self._thread = threading.Thread(target=self._run, name=f"pipe-{self._name}", daemon=True)
        self._thread.start()

    def finish(self) -> JobError | None:
        """Give nothing more; what could not be given."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        for path in self._made:
            path.unlink(missing_ok=True)
        self._made.clear()
        return self._error

    def _make(self, epoch: int) -> None:
        self._made.append(self._folder / f"{self._name}_{epoch}")
        os.mkfifo(self._made[-1])

    def _run(self) -> None:
        epoch = 0
        while (pipe := self._open(path := self._made[-1])) is not None:
            # The next one is there when the reader has seen the end of this one.
            self._make(epoch + 1)
            try:
                for piece in self._stream.epoch(epoch):
                    self._write(pipe, piece)
            except BrokenPipeError:
                pass  # the reader has had enough of this epoch
            except JobError as error:
                self._error = error
                return
            finally:
                os.close(pipe)
            path.unlink()
            epoch += 1

    def _open(self, path: Path) -> int | None:
        """The pipe once somebody reads it; None when nobody will."""
        while not self._ended.wait(_LOOK_SECONDS):
            try:
                return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:  # nobody has it open yet
                    raise
        return None

    def _write(self, pipe: int, piece: bytes) -> None:
        rest = memoryview(piece)
        while rest:
            if self._ended.is_set():
                raise BrokenPipeError
            try:
                rest = rest[os.write(pipe, rest) :]
            except BlockingIOError:
                select.select([], [pipe], [], _LOOK_SECONDS)


@contextlib.contextmanager
def flowing(pipes: Sequence[InputPipe]) -> Iterator[None]:
    """Pipes that give while a job runs.

    Raises:
        JobError: At the end, when an object could not be given.
    """
    for pipe in pipes:
        pipe.start()
    errors: list[JobError] = []
    try:
        yield
    finally:
        errors += [error for pipe in pipes if (error := pipe.finish()) is not None]
    if errors:
        raise errors[0]
