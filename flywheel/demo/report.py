"""What the main job leaves behind: build/demo/report.json and the page build/demo/report.html."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich import box
from rich.table import Table

from flywheel.demo.client import CallCount
from flywheel.retraining_loop import STAGES, Run

DECISIONS = {"promoted", "rejected", "quarantined"}


@dataclass(frozen=True)
class Evidence:
    """All that the report tells.

    Attributes:
        runs: the rounds in their order.
        calls: what the client of the API saw.
        prediction: one prediction with its flight, in words and in numbers.
        evaluation: evaluation.json of the last model that was judged.
        late_shares: share of late arrivals by month.
        deploy_seconds: what deploying all stacks took.
        total_seconds: the whole main job.
    """

    runs: Sequence[Run]
    calls: CallCount
    prediction: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    late_shares: Mapping[str, float]
    deploy_seconds: float
    total_seconds: float

    def as_json(self) -> dict[str, Any]:
        """The content of report.json."""
        return {
            "rounds": [_round(run) for run in self.runs],
            "api": {
                "sent": self.calls.sent,
                "failed": self.calls.failed,
                "failures": self.calls.failures,
                "latency_ms": {
                    "p50": _rounded(self.calls.percentile(50)),
                    "p99": _rounded(self.calls.percentile(99)),
                },
            },
            "prediction": dict(self.prediction),
            "executions": sum(run.executions for run in self.runs),
            "seconds": {
                "deploy": round(self.deploy_seconds, 1),
                "total": round(self.total_seconds, 1),
            },
        }


def write(evidence: Evidence, folder: Path) -> Path:
    """Write both files and return the page's path."""
    from flywheel.demo import plots  # noqa: PLC0415  (matplotlib takes a second to import)

    content = evidence.as_json()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(content, indent=2) + "\n")
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rounds = content["rounds"]
    quarantined = [
        month for item in rounds if item["decision"] == "quarantined" for month in item["months"]
    ]
    page = templates.get_template("report.html.j2").render(
        report=content,
        evaluation=evidence.evaluation,
        metric_plot=plots.metric_by_month(rounds, "auc"),
        share_plot=plots.late_share_by_month(evidence.late_shares, quarantined),
        calibration_plot=plots.calibration(evidence.evaluation["challenger"]["calibration"]),
        timing_plot=plots.timings(rounds, STAGES),
    )
    path = folder / "report.html"
    path.write_text(page)
    return path


def rounds_table(evidence: Evidence) -> Table:
    """The rounds as the terminal shows them at the end."""
    table = Table(
        title="The rounds, AUC on the newest clean month", title_justify="left", box=box.SIMPLE_HEAD
    )
    for column in ("months", "rows", "challenger", "champion", "decision"):
        table.add_column(column, no_wrap=True)
    table.add_column("jobs", justify="right")
    table.add_column("total", justify="right")
    for item in evidence.as_json()["rounds"]:
        table.add_row(
            _span(item["months"]),
            f"{item['rows']:,}",
            _model(item["challenger"]),
            _model(item["champion_before"]),
            item["decision"],
            f"{item['seconds']['jobs']:.0f} s",
            f"{item['seconds']['total']:.0f} s",
        )
    return table


def _span(months: Sequence[str]) -> str:
    return months[0] if len(months) == 1 else f"{months[0]} to {months[-1][-2:]}"


def _model(model: Mapping[str, Any] | None) -> str:
    if model is None:
        return "-"
    version = f"v{model['version']} " if model["version"] else ""
    return f"{version}{model['auc']:.3f}" if model["auc"] is not None else version.strip()


def _round(run: Run) -> dict[str, Any]:
    output = run.output
    if output["outcome"] not in DECISIONS:
        raise ValueError(f"a round ended as {output['outcome']}: {output['reason']}")
    champion = output["champion_before"]
    challenger = output["challenger"]
    return {
        "months": output["months"],
        "rows": output["rows"],
        # Without a challenger nothing was trained or held out in this round.
        "holdout_month": output["holdout_month"] if challenger else None,
        "training_months": output["training_months"] if challenger else [],
        "challenger": challenger and {"version": challenger["version"], "auc": challenger["auc"]},
        "champion_before": champion and {"version": champion["version"], "auc": champion["auc"]},
        "decision": output["outcome"],
        "reason": output["reason"],
        "failed_checks": output["failed_checks"],
        "seconds": {
            **{stage: round(run.seconds[stage], 2) for stage in (*STAGES, "total")},
            "jobs": round(run.job_seconds, 2),
            "overhead": round(run.seconds["total"] - run.job_seconds, 2),
        },
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
