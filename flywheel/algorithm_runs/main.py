"""All asked rows in one deployment, two at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console

from flywheel import samples
from flywheel.algorithm_runs import report
from flywheel.algorithm_runs.row import Row, RowRun, algorithm_of
from flywheel.algorithms.images import repository_and_tag
from flywheel.emptying import empty
from flywheel.errors import UserError
from flywheel.local_aws import LocalAws
from flywheel.local_aws.emr_serverless import class_archive
from flywheel.local_aws.images import ImageCatalogue
from flywheel.local_aws.lifecycle import IMAGES_DIR, keep_logs
from flywheel.progress_view import Step, View
from flywheel.settings import WorkloadSettings, load_environments, load_workloads
from flywheel.stack_outputs import stack_outputs

ENVIRONMENT = "local"
CONFIG = Path(__file__).parents[2] / "config"
EMR_RELEASE = "emr-7.12.0"
STACKS = f"{ENVIRONMENT}/*"
AT_A_TIME = 2
"""Rows at the same time: as many as a small machine has cores."""


class AlgorithmRuns:
    """Deploys the workloads of some algorithms and takes each from data to prediction.

    Args:
        console: where progress goes.
        folder: gets report.json, and the logs where a row fails.
        keys: rows of the catalogue; empty: all.
        port: of the embedded AWS; any free one when None.

    Raises:
        UserError: there is no such algorithm.
    """

    def __init__(
        self, console: Console, folder: Path, *, keys: Sequence[str] = (), port: int | None = None
    ) -> None:
        self._console = console
        self._folder = folder
        self._port = port
        self._environment = load_environments(CONFIG)[ENVIRONMENT]
        self._workloads = _chosen(keys)
        self._view = View(
            console,
            [
                "Prepare the environments and the sample data",
                "Start an AWS on this machine and bootstrap it",
                f"cdk deploy: {len(self._workloads)} workloads",
                *(workload.name for workload in self._workloads),
                "Empty it, and cdk destroy",
            ],
        )
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def run(self) -> list[Row]:
        """Run all rows, print the table and write the report; a failed row fails no other one."""
        with self._view:
            rows, seconds = self._gather()
        file = report.write(rows, seconds, self._folder)
        self._console.print()
        wide = self._console
        if not wide.is_terminal:
            wide = Console(file=wide.file, width=report.WIDTH)
        wide.print(report.table(rows))
        for row in rows:
            if row.problem:
                self._console.print(f"{row.key}: {row.problem}", style="red", highlight=False)
        self._console.print(
            f"{sum(row.passed for row in rows)} of {len(rows)} rows passed in "
            f"{seconds['total']:.0f} s. The report:",
            highlight=False,
        )
        self._console.print(str(file), highlight=False, soft_wrap=True)
        return rows

    def _gather(self) -> tuple[list[Row], dict[str, float]]:
        began = time.monotonic()
        self._prepare()
        with LocalAws(region=self._environment.region, port=self._port) as aws:
            with self._view.step() as step:
                aws.bootstrap(progress=self._telling(step))
                step.detail = aws.endpoint_url
            with self._view.step() as deployment:
                names = ",".join(workload.name for workload in self._workloads)
                aws.deploy(
                    *("-c", f"env={ENVIRONMENT}", "-c", f"workload={names}", STACKS),
                    progress=self._telling(deployment),
                )
                outputs = stack_outputs(aws.client("cloudformation"), ENVIRONMENT)
                deployment.detail = f"{len(outputs)} stacks"
            started = time.monotonic()
            done = self._all(aws, outputs)
            rows_seconds = time.monotonic() - started
            if not all(row.passed for row in done):
                keep_logs(aws.work_dir, self._folder / "logs")
            with self._view.step() as step:
                empty(self._environment, aws.client, self._telling(step))
                aws.destroy(*("-c", f"workload={names}", STACKS), progress=self._telling(step))
                step.detail = "nothing of it is left"
        seconds = {
            "deploy": deployment.seconds,
            "rows": rows_seconds,
            "total": time.monotonic() - began,
        }
        order = [workload.name for workload in self._workloads]
        return sorted(done, key=lambda row: order.index(row.key)), seconds

    def _all(self, aws: LocalAws, outputs: dict[str, dict[str, str]]) -> list[Row]:
        """Every row; when somebody stops it, those that run end with the AWS that they run in."""
        waiting = iter(self._workloads)
        pool = ThreadPoolExecutor(AT_A_TIME)
        try:
            shares = [
                pool.submit(self._work, waiting, aws.client, outputs) for _ in range(AT_A_TIME)
            ]
            return [row for share in shares for row in share.result()]
        except BaseException:
            self._stopped.set()
            aws.close()
            raise
        finally:
            pool.shutdown(wait=not self._stopped.is_set(), cancel_futures=True)

    def _prepare(self) -> None:
        """Everything that takes long the first time: the environments of images and samples."""
        with self._view.step() as step:
            catalogue = ImageCatalogue(IMAGES_DIR, progress=self._telling(step))
            class_archive.prepare(catalogue.python(EMR_RELEASE), self._telling(step))
            for image in sorted({uri for each in self._workloads for uri in _images(each)}):
                catalogue.python(image)
            for workload in self._workloads:
                samples.raw_objects(algorithm_of(workload).key, progress=self._telling(step))
            step.detail = "ready"

    def _work(
        self,
        waiting: Iterator[WorkloadSettings],
        client: Callable[[str], object],
        outputs: dict[str, dict[str, str]],
    ) -> list[Row]:
        """Take one workload after another until none is left."""
        rows: list[Row] = []
        while True:
            with self._lock:
                workload = None if self._stopped.is_set() else next(waiting, None)
                if workload is None:
                    return rows
                entered = self._view.step()
                step = entered.__enter__()
            try:
                row = RowRun(workload, client, outputs, self._telling(step, workload.name)).run()
                step.failed = not row.passed
                step.detail = _summary(row)
            finally:
                entered.__exit__(None, None, None)
            rows.append(row)

    def _telling(self, step: Step, name: str = "") -> Callable[[str], None]:
        prefix = "" if self._console.is_terminal or not name else f"{name}: "
        return lambda text: self._view.say(step, f"{prefix}{text}")


def _chosen(keys: Sequence[str]) -> list[WorkloadSettings]:
    known = {
        name: workload
        for name, workload in load_workloads(CONFIG, ENVIRONMENT, builtin=True).items()
        if workload.training.algorithm
    }
    for key in keys:
        if key not in known:
            raise UserError(
                f"ALGORITHM is {key}; it must be one of {', '.join(known)}: the files of "
                "config/workloads/builtin."
            )
    return [workload for name, workload in known.items() if not keys or name in keys]


def _images(workload: WorkloadSettings) -> list[str]:
    """What its jobs and its endpoint run in, as `repository:tag`."""
    image = algorithm_of(workload).image
    version = workload.training.algorithm_version or image.version
    evaluation = workload.evaluation.image
    pairs = [(image.name, version)]
    if evaluation:
        pairs.append((evaluation.framework, evaluation.version))
    return [repository_and_tag(name, tag) for name, tag in pairs]


def _summary(row: Row) -> str:
    if not row.passed:
        return row.problem
    return (
        f"{row.metric} {row.value:z.3f} beats {row.baseline:z.3f}, "
        f"{len(row.invocations)} calls in {len({i.content_type for i in row.invocations})} types"
    )
