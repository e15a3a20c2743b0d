"""Lines of the log that are ours, and what a stand-in says of settings it makes no use of."""

from __future__ import annotations

from collections.abc import Mapping

from flywheel.standins.job import Job


def log(text: str) -> None:
    """One line of the job's log, marked as ours."""
    print(f"[flywheel] {text}", flush=True)  # noqa: T201


def log_without_effect(job: Job, names: Mapping[str, str]) -> None:
    """Name the hyperparameters of the request that have no counterpart here, with the reason."""
    written = [f"{name} ({reason})" for name, reason in names.items() if name in job.written]
    if written:
        log(f"accepted, without effect here: {', '.join(written)}")
