"""The report says what the runs said, and its page asks nobody for anything."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from flywheel.demo.client import CallCount
from flywheel.demo.report import Evidence, rounds_table, write
from flywheel.retraining_loop import STAGES, Run, _stage_seconds

SECONDS = {**dict.fromkeys(STAGES, 2.0), "total": 12.0}


def a_run(months: list[str], outcome: str, auc: float | None, before: float | None) -> Run:
    output: dict[str, Any] = {
        "outcome": outcome,
        "reason": "because <it> is so",
        "months": months,
        "rows": 1234,
        "holdout_month": months[-1] if auc else None,
        "training_months": months[:-1],
        "challenger": {"version": 1, "auc": auc, "arn": "a"} if auc else None,
        "champion_before": {"version": 1, "auc": before, "arn": "a"} if before else None,
        "failed_checks": [],
    }
    return Run(output, SECONDS, job_seconds=9.0, executions=1)


@pytest.fixture
def evidence() -> Evidence:
    return Evidence(
        runs=[
            a_run(["2013-01", "2013-02"], "promoted", 0.73, None),
            a_run(["2013-03"], "quarantined", None, None),
            a_run(["2013-04"], "promoted", 0.74, 0.72),
        ],
        calls=CallCount(sent=10, failed=0, latencies_ms=[float(n) for n in range(10)]),
        prediction={"words": "Flight UA 1 will probably be on time.", "probability": 0.2},
        evaluation={
            "holdout_month": "2013-04",
            "challenger": {
                "calibration": [{"predicted": 0.1, "observed": 0.2, "rows": 5}],
                "by_carrier": [{"carrier": "UA", "rows": 5, "auc": None, "late_rate": 0.2}],
            },
        },
        late_shares={"2013-01": 0.2, "2013-02": 0.2, "2013-03": 0.3, "2013-04": 0.1},
        deploy_seconds=3.0,
        total_seconds=60.0,
    )


def test_the_json_holds_the_rounds_the_calls_and_the_prediction(
    evidence: Evidence, tmp_path: Path
) -> None:
    write(evidence, tmp_path)
    content = json.loads((tmp_path / "report.json").read_text())
    first, second, third = content["rounds"]
    assert first["months"] == ["2013-01", "2013-02"]
    assert first["challenger"] == {"version": 1, "auc": 0.73}
    assert first["champion_before"] is None
    assert second["decision"] == "quarantined"
    assert second["challenger"] is None
    assert third["champion_before"] == {"version": 1, "auc": 0.72}
    assert set(third["seconds"]) >= {*STAGES, "total"}
    assert third["seconds"]["overhead"] == pytest.approx(3.0)
    assert content["api"]["sent"] == 10
    assert content["api"]["failed"] == 0
    assert content["executions"] == 3


def test_the_page_loads_nothing_from_anywhere(evidence: Evidence, tmp_path: Path) -> None:
    page = write(evidence, tmp_path).read_text()
    assert not re.search(r"<(script|link|img|iframe)\b", page)
    assert not re.search(r"url\(\s*['\"]?(?!#)", page)
    assert page.count("<svg") == 4
    assert "because &lt;it&gt; is so" in page


def test_an_outcome_that_is_no_decision_is_refused(evidence: Evidence) -> None:
    odd = a_run(["2013-05"], "waiting", None, None)
    with pytest.raises(ValueError, match="waiting: because"):
        rounds_table(Evidence(**{**evidence.__dict__, "runs": [odd]}))


def test_a_stage_that_did_not_run_took_no_time() -> None:
    marks = {
        "started": "2013-05-01T00:00:00Z",
        "etl": "2013-05-01T00:00:01Z",
        "checks": "2013-05-01T00:00:11Z",
        "ended": "2013-05-01T00:00:12.500000Z",
    }
    assert _stage_seconds(marks) == {
        "etl": 10.0,
        "checks": 1.5,
        "train": 0.0,
        "evaluate": 0.0,
        "deploy": 0.0,
    }
