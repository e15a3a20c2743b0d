"""The main job from start to end; reads like its own plan."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from flywheel.demo import report
from flywheel.demo.client import PredictionApi, SteadyCaller
from flywheel.demo.flights import FlightYear, RawObject
from flywheel.demo.loop import Loop, Run, RunError
from flywheel.demo.prediction import a_late_june_evening, explain, features_of
from flywheel.demo.view import View
from flywheel.local_aws import LocalAws
from flywheel.local_aws.images import prepare

ENVIRONMENT = "local"
WORKLOAD = "flight_delay"
STACK = f"{ENVIRONMENT}-FlightDelay"
RUN_TIMEOUT_SECONDS = 600
IMAGES = ("emr-spark-7", "sagemaker-xgboost-3.2-0")


@dataclass(frozen=True)
class Arrival:
    """What a producer delivers in one round."""

    title: str
    months: tuple[str, ...]
    objects: Callable[[FlightYear], Sequence[RawObject]]
    outcome: str  # what the loop must make of it


ARRIVALS = (
    Arrival(
        "January to March arrive: the first model",
        ("2013-01", "2013-02", "2013-03"),
        lambda year: [
            *year.reference(),
            *year.weather(("2013-01", "2013-02", "2013-03")),
            *year.batch(("2013-01", "2013-02", "2013-03")),
        ],
        "promoted",
    ),
    Arrival(
        "April arrives as 150 objects at once: one run",
        ("2013-04",),
        lambda year: [*year.weather(("2013-04",)), *year.batch(("2013-04",), files_a_month=150)],
        "promoted",
    ),
    Arrival(
        "May arrives damaged: quarantine",
        ("2013-05",),
        lambda year: [*year.weather(("2013-05",)), *year.damaged_batch("2013-05")],
        "quarantined",
    ),
    Arrival(
        "June arrives: another model",
        ("2013-06",),
        lambda year: [*year.weather(("2013-06",)), *year.batch(("2013-06",))],
        "promoted",
    ),
)
PLAN = (
    "Prepare the environments of Spark and XGBoost",
    "Start an AWS on this machine",
    "cdk bootstrap",
    "cdk deploy",
    *(arrival.title for arrival in ARRIVALS),
    "cdk destroy",
)


def run(
    console: Console, folder: Path, *, share: float = 1.0, port: int | None = None
) -> report.Evidence:
    """Run the main job and write its report.

    Args:
        console: where progress goes.
        folder: gets report.html and report.json, and the logs if a round fails.
        share: the share of planes to keep; below 1 only for quick tests.
        port: the embedded AWS's port; any free one when None.

    Raises:
        RunError: a round ended otherwise than it must.
    """
    began = time.monotonic()
    year = FlightYear(share=share)
    with View(console, PLAN) as view:
        with view.step() as step:
            for image in IMAGES:
                prepare(image, progress=lambda text, step=step: view.say(step, text))
        with view.step() as step, _kept_logs(folder) as aws:
            ...
    raise NotImplementedError
