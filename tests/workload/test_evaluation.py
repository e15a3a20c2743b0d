"""Evaluation: the numbers are what their names say, for both models on the same flights."""

from __future__ import annotations

import io
import json
import math
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.workload import sample
from tests.workload.conftest import Endpoint, Trained

Rows = list[tuple[float, int, str | None]]
"""Probability, label and carrier of each flight of the hold-out."""


def evaluate(
    python: Path, output: Path, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    script = sample.ROOT / sample.settings().evaluation.script
    return subprocess.run(
        [python, script, *arguments, "--holdout-month", sample.HOLDOUT, "--output", output],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def challenger(trained: Trained) -> Path:
    return trained.run.archive()


@pytest.fixture(scope="module")
def report(
    challenger: Path,
    features: Path,
    xgboost_python: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """A challenger that meets itself as champion."""
    output = tmp_path_factory.mktemp("evaluation") / "output"
    done = evaluate(
        xgboost_python,
        output,
        *("--challenger", challenger, "--champion", challenger),
        *("--holdout", features),
    )
    assert done.returncode == 0, done.stderr
    content: dict[str, Any] = json.loads((output / "evaluation.json").read_text())
    return content


@pytest.fixture(scope="module")
def scored(endpoint: Endpoint, features: Path) -> Rows:
    """What the endpoint says of the same flights."""
    (file,) = (features / f"month={sample.HOLDOUT}").glob("*.parquet")
    answer = endpoint.ask(file.read_bytes(), "application/x-parquet")
    with duckdb.connect() as database:
        known = database.execute(f"SELECT late, carrier FROM '{file}'").fetchall()
    return [(p, *row) for p, row in zip(answer.probabilities(), known, strict=True)]


def auc(rows: Rows) -> float:
    """The share of pairs of a late and a punctual flight that are in the right order."""
    late = [p for p, label, _ in rows if label]
    punctual = [p for p, label, _ in rows if not label]
    won = sum((a > b) + (a == b) / 2 for a in late for b in punctual)
    return won / (len(late) * len(punctual))


def test_the_report_has_the_agreed_fields(report: dict[str, Any]) -> None:
    assert list(report) == ["holdout_month", "rows", "features", "challenger", "champion"]
    assert (report["holdout_month"], report["rows"]) == (sample.HOLDOUT, 1500)
    assert {"carrier", "prev_arr_delay"} < set(report["features"])
    assert not {"late", "month", "flight_id", "dest"} & set(report["features"])
    assert set(report["challenger"]) == {
        *("auc", "log_loss", "brier", "late_rate", "sha256", "calibration", "by_carrier")
    }
    assert set(report["challenger"]["calibration"][0]) == {"predicted", "observed", "rows"}
    assert set(report["challenger"]["by_carrier"][0]) == {"carrier", "rows", "auc", "late_rate"}


def test_the_champion_is_evaluated_like_the_challenger(report: dict[str, Any]) -> None:
    assert report["champion"] == report["challenger"]


def test_the_numbers_are_those_of_the_endpoints_answers(
    report: dict[str, Any], scored: Rows
) -> None:
    log_loss = -sum(math.log(p if label else 1 - p) for p, label, _ in scored) / len(scored)
    brier = sum((p - label) ** 2 for p, label, _ in scored) / len(scored)

    found = report["challenger"]
    assert found["auc"] == pytest.approx(auc(scored), abs=1e-5)
    assert found["log_loss"] == pytest.approx(log_loss, abs=1e-5)
    assert found["brier"] == pytest.approx(brier, abs=1e-5)
    assert found["late_rate"] == pytest.approx(sum(r[1] for r in scored) / len(scored), abs=1e-6)


def test_the_hash_is_that_of_the_model_file(report: dict[str, Any], trained: Trained) -> None:
    assert report["challenger"]["sha256"] == trained.run.sha256()


def test_calibration_has_ten_equal_parts_from_low_to_high(
    report: dict[str, Any], scored: Rows
) -> None:
    parts = report["challenger"]["calibration"]
    lowest = sorted(p for p, _, _ in scored)[:150]

    assert [part["rows"] for part in parts] == [150] * 10
    assert [part["predicted"] for part in parts] == sorted(part["predicted"] for part in parts)
    assert parts[0]["predicted"] == pytest.approx(sum(lowest) / 150, abs=1e-5)


def test_slices_are_by_carrier_and_leave_unknown_carriers_out(
    report: dict[str, Any], scored: Rows
) -> None:
    slices = {part["carrier"]: part for part in report["challenger"]["by_carrier"]}
    united = [row for row in scored if row[2] == "UA"]

    assert set(slices) == {"AA", "DL", "UA"}
    assert slices["UA"]["rows"] == len(united)
    assert slices["UA"]["auc"] == pytest.approx(auc(united), abs=1e-5)
    assert slices["UA"]["late_rate"] > slices["AA"]["late_rate"]


def test_without_a_champion_there_is_none_in_the_report(
    challenger: Path, features: Path, xgboost_python: Path, tmp_path: Path
) -> None:
    holdout = features / f"month={sample.HOLDOUT}"  # the job's input is the month's folder itself
    done = evaluate(xgboost_python, tmp_path, "--challenger", challenger, "--holdout", holdout)

    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "evaluation.json").read_text())["champion"] is None


def archive_with(path: Path, member: tarfile.TarInfo, content: bytes = b"") -> Path:
    with tarfile.open(path, "w:gz") as files:
        member.size = len(content)
        files.addfile(member, io.BytesIO(content))
    return path


def link(name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


def test_a_champion_that_knows_a_column_which_is_gone_can_still_be_compared(
    challenger: Path, features: Path, xgboost_python: Path, tmp_path: Path
) -> None:
    source = f"'{features / f'month={sample.HOLDOUT}'}/*.parquet'"
    (tmp_path / "data").mkdir()
    with duckdb.connect() as database:
        query = f"SELECT * EXCLUDE wind_dir FROM read_parquet({source})"
        database.execute(f"COPY ({query}) TO '{tmp_path / 'data' / 'part.parquet'}'")

    done = evaluate(
        xgboost_python,
        tmp_path / "output",
        *("--challenger", challenger, "--holdout", tmp_path / "data"),
    )

    assert done.returncode == 0, done.stderr
    assert "no column wind_dir" in done.stdout
    report = json.loads((tmp_path / "output" / "evaluation.json").read_text())
    assert report["challenger"]["auc"] > 0.5


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (tarfile.TarInfo("../model.ubj"), "has no model.ubj"),
        (link("model.ubj", "/etc/passwd"), "has no model.ubj"),
        (None, "cannot be read"),
    ],
    ids=["outside", "link", "not an archive"],
)
def test_an_archive_that_holds_no_model_is_refused(
    features: Path,
    xgboost_python: Path,
    tmp_path: Path,
    member: tarfile.TarInfo | None,
    message: str,
) -> None:
    archive = tmp_path / "model.tar.gz"
    if member is None:
        archive.write_bytes(b"not an archive")
    else:
        archive_with(archive, member)
    done = evaluate(xgboost_python, tmp_path, "--challenger", archive, "--holdout", features)

    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_holdout_without_rows_is_refused(
    challenger: Path, xgboost_python: Path, tmp_path: Path
) -> None:
    done = evaluate(xgboost_python, tmp_path, "--challenger", challenger, "--holdout", tmp_path)

    assert done.returncode == 1
    assert done.stderr == f"The hold-out {sample.HOLDOUT} has no Parquet file in {tmp_path}.\n"
