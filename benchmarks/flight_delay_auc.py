"""How well the flight-delay model foretells each month of 2013, trained on all months before it.

`python benchmarks/flight_delay_auc.py [FOLDER]` runs the workload's own Spark job, training script
and evaluation, each in its image's environment, and prints the AUC beside that of a plain reference
(23 such features, 200 trees of depth 6). It fails if a month stays below the reference by more than
.003, or is above .90, which would mean that a feature knows the future. What it wrote stays in
FOLDER, if one is given; what is there already is not made again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from flywheel.demo.flights import MONTHS, FlightYear
from flywheel.local_aws.emr_serverless.spark import (
    SparkHome,
    job_environment,
    local_settings,
    spark_command,
)
from flywheel.local_aws.images import ImageCatalogue
from flywheel.local_aws.lifecycle import IMAGES_DIR
from flywheel.settings import WorkloadSettings, load_workloads

ROOT = Path(__file__).parent.parent
TOLERANCE = 0.003
LEAK = 0.90


@dataclass(frozen=True)
class Round:
    """One model: what it is judged by, what it learns from, what the reference reached."""

    holdout: str
    months: tuple[str, ...]
    reference: float
    lake: str = "all"

    @property
    def name(self) -> str:
        return self.holdout + (" without May" if self.lake != "all" else "")


REFERENCE = (0.735, 0.711, 0.758, 0.765, 0.769, 0.737, 0.736, 0.715, 0.708, 0.721)
ROUNDS = [
    Round(month, MONTHS[: MONTHS.index(month)], reference)
    for month, reference in zip(MONTHS[2:], REFERENCE, strict=True)
] + [Round("2013-06", MONTHS[:4], 0.735, lake="without-may")]


def main() -> None:
    """Run all, print the table, and fail if the model is not as good as it must be."""
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1]).absolute()
        sys.exit(0 if run(folder) else 1)
    with tempfile.TemporaryDirectory() as folder_name:
        sys.exit(0 if run(Path(folder_name)) else 1)


def run(folder: Path) -> bool:
    """Whether every round is good enough."""
    images = ImageCatalogue(IMAGES_DIR, progress=print)
    workload = load_workloads(ROOT / "config", "local")["flight_delay"]
    spark = images.python("emr-7.9.0")
    image = workload.training.image
    xgboost = images.python(f"sagemaker-{image.framework}:{image.version}")

    write_raw(folder / "raw")
    make_lakes(folder, spark, workload)
    good = True
    print(f"{'month':20}{'reference':>10}{'reached':>10}{'difference':>12}{'train+eval':>12}")
    for entry in ROUNDS:
        started = time.perf_counter()
        auc = train_and_evaluate(entry, folder, xgboost, workload)
        seconds = time.perf_counter() - started
        passed = entry.reference - TOLERANCE <= auc <= LEAK
        good = good and passed
        remark = "" if passed else "  LEAK" if auc > LEAK else "  TOO LOW"
        difference = auc - entry.reference
        print(
            f"{entry.name:20}{entry.reference:>10.3f}{auc:>10.3f}{difference:>+12.3f}"
            f"{seconds:>10.1f} s{remark}",
            flush=True,
        )
    return good


def write_raw(folder: Path) -> None:
    """The raw zone with the whole year."""
    year = FlightYear()
    for item in (*year.reference(), *year.weather(MONTHS), *year.batch(MONTHS)):
        path = folder / item.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.body)


def make_lakes(folder: Path, python: Path, workload: WorkloadSettings) -> None:
    """Features of the year; and of June as they are when May was never let in."""
    runs = {"all": (MONTHS, ()), "without-may": (("2013-06",), MONTHS[:4])}
    home = SparkHome.find(python)
    for lake, (months, history) in runs.items():
        if (folder / lake / "features").exists():
            continue
        zones = {zone: (folder / lake / zone).as_uri() for zone in ("curated", "features")}
        command = spark_command(
            home,
            script=ROOT / workload.etl.script,
            arguments=[
                *("--raw", (folder / "raw").as_uri()),
                *("--curated", zones["curated"], "--features", zones["features"]),
                *("--months", ",".join(months), "--history-months", ",".join(history)),
            ],
            settings={
                **local_settings(folder),
                "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
            },
            submitted="",
        )
        (folder / "spark").mkdir(exist_ok=True)
        started = time.perf_counter()
        call(command, job_environment(home, folder))
        print(f"features of {len(months)} months in {time.perf_counter() - started:.1f} s")


def train_and_evaluate(
    entry: Round, folder: Path, python: Path, workload: WorkloadSettings
) -> float:
    """The AUC of one round."""
    place = folder / "rounds" / entry.name.replace(" ", "-")
    features = folder / "all" / "features"
    code, model = place / "code", place / "model"
    for path in (place / "train", model):
        path.mkdir(parents=True, exist_ok=True)
    for source in (ROOT / workload.training.source, ROOT / workload.serving.source):
        name = "." if source.name == workload.training.source else source.name
        for script in source.glob("*.py"):
            (code / name).mkdir(parents=True, exist_ok=True)
            (code / name / script.name).write_bytes(script.read_bytes())
    for month in entry.months:
        channel = place / "train" / f"month={month}"
        channel.mkdir(exist_ok=True)
        for part in (features / channel.name).glob("*.parquet"):
            (channel / part.name).unlink(missing_ok=True)
            (channel / part.name).hardlink_to(part)

    environment = {
        "PATH": os.environ["PATH"],
        "SAGEMAKER_BASE_DIR": str(place),
        "SM_CHANNEL_TRAIN": str(place / "train"),
        "SM_MODEL_DIR": str(model),
    }
    hyperparameters = [
        word
        for name, value in workload.training.hyperparameters.items()
        for word in (f"--{name}", str(value))
    ]
    call([str(python), str(code / workload.training.script), *hyperparameters], environment)
    with tarfile.open(place / "model.tar.gz", "w:gz") as archive:
        archive.add(model, ".")
    call(
        [
            *(str(python), str(ROOT / workload.evaluation.script)),
            *("--challenger", str(place / "model.tar.gz")),
            *("--holdout", str(folder / entry.lake / "features" / f"month={entry.holdout}")),
            *("--holdout-month", entry.holdout, "--output", str(place)),
        ],
        environment,
    )
    report = json.loads((place / "evaluation.json").read_text())
    return float(report["challenger"]["auc"])


def call(command: list[str], environment: dict[str, str]) -> None:
    """Run to the end; what it says is shown if it fails."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stdout[-4000:]}{done.stderr[-4000:]}\n{command[0]} ended with an error.")


if __name__ == "__main__":
    main()
