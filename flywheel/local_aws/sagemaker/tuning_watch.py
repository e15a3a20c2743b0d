"""Looks at what the trainings of a tuning job report while they run."""

from __future__ import annotations

from collections.abc import Sequence

from flywheel.local_aws.sagemaker import training_request
from flywheel.local_aws.sagemaker.jobs import TERMINAL
from flywheel.local_aws.sagemaker.tuning_job import Trial, TuningJob
from flywheel.local_aws.sagemaker.tuning_stopping import Curve, Never, Stopping


class Watch:
    """The curves of all trials, read from their logs, and the rule that looks at them.

    Args:
        job: whose trials.
        rule: which of them to stop.
    """

    def __init__(self, job: TuningJob, rule: Stopping) -> None:
        self._job = job
        self._rule = rule
        self._read: dict[str, tuple[int, Curve]] = {}  # by name: the log's size, and what it says
        self.looks = not isinstance(rule, Never)

    def hopeless(self, running: Sequence[Trial]) -> list[Trial]:
        """Those that need not go on."""
        if not self.looks:
            return []
        curves = {trial.job.name: self._curve(trial) for trial in running}
        ended = {
            trial.job.name: self._curve(trial)
            for trial in self._job.trials
            if trial.job.status in TERMINAL
        }
        return [
            trial
            for trial in running
            if curves[trial.job.name] and self._rule.stops(trial.job.name, curves, ended)
        ]

    def _curve(self, trial: Trial) -> Curve:
        """What a trial has reported so far, as losses."""
        log, name = trial.job.sandbox.log, trial.job.name
        if not log.exists():
            return []
        size = log.stat().st_size
        known = self._read.get(name)
        if known is not None and known[0] == size:
            return known[1]
        metric = self._job.objective["MetricName"]
        defined = trial.job.request["AlgorithmSpecification"]["MetricDefinitions"]
        regex = next(one["Regex"] for one in defined if one["Name"] == metric)
        sign = -1 if self._job.objective["Type"] == "Maximize" else 1
        text = log.read_text("utf-8", "replace")
        curve = [sign * value for value in training_request.metric_values(regex, text)]
        self._read[name] = (size, curve)
        return curve
