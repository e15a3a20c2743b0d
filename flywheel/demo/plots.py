"""The report's plots as SVG text that takes the page's own text colour, in light and in dark."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt

INK = "#010203"  # stands for the page's text colour; replaced by currentColor in the SVG
COLOURS = {
    "challenger": "#0f7ea5",
    "champion": "#c2701c",
    "rejected": "#b3372f",
    "etl": "#2f6690",
    "checks": "#81a4cd",
    "train": "#c2701c",
    "evaluate": "#e6b566",
    "deploy": "#3c8d5a",
}
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "flywheel",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def metric_by_month(rounds: Sequence[Mapping[str, Any]], metric: str) -> str:
    """Challenger and champion on the same hold-out, a pair for each evaluated round."""
    judged = [item for item in rounds if item["challenger"]]

    def draw(axes: Any) -> None:
        for name, key in (("challenger", "challenger"), ("champion", "champion_before")):
            points = [(item["holdout_month"], item[key]["auc"]) for item in judged if item[key]]
            if points:
                months, values = zip(*points, strict=True)
                axes.plot(months, values, "o-", color=COLOURS[name], label=name)
                for month, value in points:
                    axes.annotate(
                        f"{value:.3f}",
                        (month, value),
                        textcoords="offset points",
                        xytext=(0, 7 if name == "challenger" else -14),
                        ha="center",
                        fontsize=9,
                    )
        axes.set_ylabel(f"{metric.upper()} on the newest month")
        axes.margins(x=0.2, y=0.35)
        axes.legend(loc="lower right")

    return _svg(draw)


def late_share_by_month(shares: Mapping[str, float], quarantined: Sequence[str]) -> str:
    """Share of landed flights that came more than 15 minutes late; quarantined months hatched."""

    def draw(axes: Any) -> None:
        for month, share in shares.items():
            hatch = "///" if month in quarantined else None
            axes.bar(
                month,
                share * 100,
                color="none" if hatch else COLOURS["challenger"],
                edgecolor=COLOURS["rejected" if hatch else "challenger"],
                hatch=hatch,
            )
            axes.annotate(f"{share:.0%}", (month, share * 100), ha="center", va="bottom")
        axes.set_ylabel("late arrivals, %")
        axes.margins(y=0.15)

    return _svg(draw)


def calibration(bins: Sequence[Mapping[str, float]]) -> str:
    """What was predicted against what happened, each point a tenth of the hold-out."""

    def draw(axes: Any) -> None:
        predicted = [item["predicted"] * 100 for item in bins]
        observed = [item["observed"] * 100 for item in bins]
        top = max([*predicted, *observed, 1.0]) * 1.08
        axes.plot([0, top], [0, top], "--", color=INK, linewidth=0.8)
        axes.plot(predicted, observed, "o-", color=COLOURS["challenger"])
        axes.set_xlabel("predicted to be late, %")
        axes.set_ylabel("really late, %")
        axes.set_xlim(0, top)
        axes.set_ylim(0, top)

    return _svg(draw, height=3.6)


def timings(rounds: Sequence[Mapping[str, Any]], stages: Sequence[str]) -> str:
    """Seconds of every stage, a bar a round."""

    def draw(axes: Any) -> None:
        labels = [f"{number}: {_months(item)}" for number, item in enumerate(rounds, 1)]
        left = [0.0] * len(rounds)
        for stage in stages:
            widths = [item["seconds"][stage] for item in rounds]
            axes.barh(labels, widths, left=left, color=COLOURS[stage], label=stage)
            left = [start + width for start, width in zip(left, widths, strict=True)]
        for label, total in zip(labels, left, strict=True):
            axes.annotate(f" {total:.0f} s", (total, label), va="center")
        axes.invert_yaxis()
        axes.set_xlabel("seconds")
        axes.margins(x=0.1)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=len(stages))

    return _svg(draw)


def _months(item: Mapping[str, Any]) -> str:
    months = item["months"]
    return months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"


def _svg(draw: Callable[[Any], None], *, height: float = 3.0) -> str:
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6.4, height), layout="constrained")
        draw(axes)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
        plt.close(figure)
    svg = text.getvalue()[text.getvalue().index("<svg") :].replace(INK, "currentColor")
    return re.sub(r'(<svg [^>]*?)width="[^"]*" height="[^"]*"|(<svg )', _fluid, svg, count=1)


def _fluid(match: re.Match[str]) -> str:
    return f'{match[1] or match[2]}width="100%" role="img" '
