"""The main job from start to end."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from flywheel.demo import report
from flywheel.demo.client import CallCount, PredictionApi, SteadyCaller
from flywheel.demo.flights import FlightYear
from flywheel.demo.prediction import KnownFlight, some_flight
from flywheel.emptying import empty
from flywheel.local_aws import LocalAws
from flywheel.local_aws.emr_serverless import class_archive
from flywheel.local_aws.images import ImageCatalogue
from flywheel.local_aws.lifecycle import IMAGES_DIR, keep_logs
from flywheel.progress_view import Step, View
from flywheel.retraining_loop import Loop, RawObject, Run, RunError
from flywheel.settings import load_environments, load_workloads
from flywheel.stack_outputs import stack_outputs

ENVIRONMENT = "local"
WORKLOAD = "flight_delay"
CONFIG = Path(__file__).parents[2] / "config"
EMR_RELEASE = "emr-7.12.0"
STACKS = f"{ENVIRONMENT}/*"
RUN_TIMEOUT_SECONDS = 900  # the longest round takes a tenth of it on two cores


@dataclass(frozen=True)
class Arrival:
    """What a producer delivers in one round, and what the loop must make of it."""

    title: str
    months: tuple[str, ...]
    objects: Callable[[FlightYear], Sequence[RawObject]]
    outcome: str


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


class MainJob:
    """Deploys the local environment and takes four batches of flights through it.

    Args:
        console: where progress goes.
        folder: gets report.html and report.json, and the logs where something fails.
        share: the share of planes to keep; below 1 only for quick tests.
        port: of the embedded AWS; any free one when None.
    """

    def __init__(
        self, console: Console, folder: Path, *, share: float = 1.0, port: int | None = None
    ) -> None:
        self._console = console
        self._folder = folder
        self._year = FlightYear(share=share)
        self._port = port
        self._environment = load_environments(CONFIG)[ENVIRONMENT]
        self._workload = load_workloads(CONFIG, ENVIRONMENT)[WORKLOAD]
        self._view = View(
            console,
            [
                "Prepare the environments of Spark and XGBoost",
                "Start an AWS on this machine and bootstrap it",
                "cdk deploy: the templates that go to AWS",
                *(arrival.title for arrival in ARRIVALS),
                "Empty it, and cdk destroy",
            ],
        )

    def run(self) -> report.Evidence:
        """Run it all, write the report and show what came of it.

        Raises:
            RunError: a round ended otherwise than it must, or an API call failed.
            LocalAwsError: the embedded AWS did not start, or the CDK CLI failed.
        """
        with self._view:
            evidence = self._gather()
        page = report.write(evidence, self._folder)
        self._console.print()
        self._console.print(report.rounds_table(evidence))
        self._console.print(f"\n{evidence.prediction['words']}", highlight=False)
        calls = evidence.calls
        self._console.print(
            f"Meanwhile a client called the API {calls.sent:,} times; {calls.failed} calls failed.",
            highlight=False,
        )
        self._console.print(f"All of it took {evidence.total_seconds:.0f} s. The report:")
        self._console.print(str(page), highlight=False, soft_wrap=True)
        if calls.failed:
            raise RunError(f"API calls failed: {'; '.join(calls.failures)}")
        return evidence

    def _gather(self) -> report.Evidence:
        began = time.monotonic()
        self._prepare_images()
        with LocalAws(region=self._environment.region, port=self._port) as aws:
            try:
                deploy_seconds = self._deploy(aws)
                turned = self._turn(aws)
                with self._view.step() as step:
                    empty(self._environment, aws.client, self._telling(step))
                    aws.destroy(STACKS, progress=self._telling(step))
                    step.detail = "nothing of it is left"
            except Exception as error:
                logs = self._folder / "logs"
                keep_logs(aws.work_dir, logs)
                error.add_note(f"The logs of the embedded AWS and of its jobs are in {logs}.")
                raise
        months = [month for arrival in ARRIVALS for month in arrival.months]
        return report.Evidence(
            **turned,
            late_shares={month: self._year.late_share(month) for month in months},
            deploy_seconds=deploy_seconds,
            total_seconds=time.monotonic() - began,
        )

    def _prepare_images(self) -> None:
        image = self._workload.training.image
        with self._view.step() as step:
            catalogue = ImageCatalogue(IMAGES_DIR, progress=self._telling(step))
            class_archive.prepare(catalogue.python(EMR_RELEASE), self._telling(step))
            catalogue.python(f"sagemaker-{image.framework}:{image.version}")
            step.detail = "ready"

    def _deploy(self, aws: LocalAws) -> float:
        with self._view.step() as step:
            aws.bootstrap(progress=self._telling(step))
            step.detail = aws.endpoint_url
        with self._view.step() as step:
            aws.deploy("-c", f"env={ENVIRONMENT}", STACKS, progress=self._telling(step))
            step.detail = f"{len(stack_outputs(aws.client('cloudformation'), ENVIRONMENT))} stacks"
        return step.seconds

    def _turn(self, aws: LocalAws) -> dict[str, Any]:
        """All rounds, with a client that calls the API from the first model on."""
        outputs = {
            key: value
            for stack in stack_outputs(aws.client("cloudformation"), ENVIRONMENT).values()
            for key, value in stack.items()
        }
        loop = Loop(
            aws.client,
            state_machine_arn=outputs["StateMachineArn"],
            bucket=outputs["RawBucket"],
            workload=WORKLOAD,
        )
        api = PredictionApi(
            aws.local_url(outputs["ApiUrl"]), region=aws.region, credentials=("test", "test")
        )

        def flight_of(run: Run) -> KnownFlight:
            return some_flight(
                aws.client("s3"),
                bucket=outputs["FeaturesBucket"],
                prefix=f"{WORKLOAD}/",
                month=run.output["holdout_month"],
            )

        runs = [self._round(loop, ARRIVALS[0], None)]
        caller = SteadyCaller(api, [flight_of(runs[0]).instance])
        caller.start()
        try:
            runs += [self._round(loop, arrival, caller.count) for arrival in ARRIVALS[1:]]
            prediction = flight_of(runs[-1]).ask(api)
        finally:
            calls = caller.stop()
        return {
            "runs": runs,
            "calls": calls,
            "prediction": prediction,
            "evaluation": _evaluation(aws, outputs["ArtifactsBucket"], runs[-1]),
        }

    def _round(self, loop: Loop, arrival: Arrival, calls: CallCount | None) -> Run:
        with self._view.step() as step:

            def on_state(name: str) -> None:
                self._view.say(step, in_words(name))
                if calls:
                    self._view.footer = f"API: {calls.sent:,} calls, {calls.failed} failed"

            run = loop.run(
                arrival.objects(self._year), timeout_seconds=RUN_TIMEOUT_SECONDS, on_state=on_state
            )
            step.detail = f"{run.output['outcome']}: {run.output['reason']}"
            if run.output["outcome"] != arrival.outcome:
                raise RunError(
                    f"{', '.join(arrival.months)} ended as {run.output['outcome']} where "
                    f"{arrival.outcome} was due: {run.output['reason']}"
                )
        return run

    def _telling(self, step: Step) -> Callable[[str], None]:
        return lambda text: self._view.say(step, text)


def in_words(state: str) -> str:
    """`TrainModel` becomes `train model`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", state).lower()


def _evaluation(aws: LocalAws, bucket: str, run: Run) -> dict[str, Any]:
    key = f"{WORKLOAD}/runs/{run.output['run_id']}/evaluation/evaluation.json"
    body = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    evaluation: dict[str, Any] = json.loads(body)
    return evaluation
