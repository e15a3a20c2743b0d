"""The lines of a stand-in's log, each with its mark, and what it says of settings without use."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from typing import TextIO

from flywheel.standins.job import Job

MARK = "[stand-in, numbers differ] "


class MarkedLines(io.TextIOBase):
    """Puts the mark before each line, also those of the library that does the work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begins = True

    def write(self, text: str) -> int:
        """Write text, which may be a part of a line or several lines."""
        if text:
            mark = MARK if self._begins else ""
            inner, end = (text[:-1], "\n") if text.endswith("\n") else (text, "")
            self._begins = bool(end)
            self._stream.write(mark + inner.replace("\n", f"\n{MARK}") + end)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        self._stream.flush()


def mark_output() -> None:
    """From now on mark every line that this process prints."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, MarkedLines):
            setattr(sys, name, MarkedLines(stream))


def log(text: str) -> None:
    """One line of the job's log."""
    print(text, flush=True)  # noqa: T201


def log_without_effect(job: Job, names: Mapping[str, str]) -> None:
    """Name the hyperparameters of the request that have no counterpart here, with the reason."""
    written = [f"{name} ({reason})" for name, reason in names.items() if name in job.written]
    if written:
        log(f"accepted, without effect here: {', '.join(written)}")
