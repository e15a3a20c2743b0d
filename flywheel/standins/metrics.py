"""Metric lines as Amazon's algorithms print them; SageMaker reads metrics from them."""

from __future__ import annotations

HOST = "algo-1"


def report(name: str, value: float) -> None:
    """Print one metric, for example `test:msd`."""
    print(f"#quality_metric: host={HOST}, {name}={float(value)!r}", flush=True)  # noqa: T201
