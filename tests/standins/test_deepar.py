"""DeepAR's stand-in in the environment of its image, on hourly temperatures."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pytest

from flywheel.algorithms import catalogue
from flywheel.local_aws.images import ImageCatalogue
from flywheel.samples.kept import raw_objects
from tests.standins.container import Answer, Asked, Container, Input
from tests.standins.deepar_series import SMALL, lines
from tests.standins.jobs import Done, Work, not_accounted_for, run_jobs, shape_of

KEY = "deepar"
JSON, LINES = "application/json", "application/jsonlines"
HOURS = 24
PLACES = ("EWR", "JFK", "LGA")
TEMPERATURES: dict[str, Any] = {
    "time_freq": "H",
    "context_length": HOURS,
    "prediction_length": HOURS,
    "epochs": 60,
    "mini_batch_size": 32,
    "learning_rate": 0.005,
    "num_cells": 20,
    "num_layers": 1,
    "embedding_dimension": 1,
}
EVERY_SETTING: dict[str, Any] = SMALL | {
    "cardinality": "[2]",
    "dropout_rate": 0.2,
    "early_stopping_patience": 1,
    "embedding_dimension": 2,
    "epochs": 30,
    "learning_rate": 0.1,
    "likelihood": "gaussian",
    "num_dynamic_feat": 1,
    "num_eval_samples": 20,
    "num_layers": 2,
    "test_quantiles": "[0.2, 0.8]",
}
LIKELIHOODS = ("beta", "negative-binomial", "deterministic-L1")
FREQUENCIES = ("M", "W", "D", "5min", "2H")
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "rate": ({"learning_rate": 0}, "learning_rate is 0.0; it must be above 0"),
    "dropout": ({"dropout_rate": 1}, "dropout_rate is 1.0; it must be from 0 to below 1"),
    "samples": ({"num_eval_samples": 0}, "num_eval_samples is 0; it must be at least 1"),
    "patience": ({"early_stopping_patience": 0}, "early_stopping_patience is 0"),
    "no rule": ({"time_freq": "fortnight"}, "time_freq is fortnight"),
}


@cache
def temperatures(month: str) -> list[dict[str, Any]]:
    """A series a place; a missing hour is NaN."""
    (body,) = (
        item.body for item in raw_objects(KEY) if item.key == f"weather/month={month}/weather.csv"
    )
    known: dict[str, dict[datetime, Any]] = {place: {} for place in PLACES}
    for row in csv.DictReader(io.StringIO(body.decode())):
        hour = datetime.fromisoformat(row["time_hour"].removesuffix("Z"))
        known[row["origin"]][hour] = "NaN" if row["temp"] == "NA" else float(row["temp"])
    series = []
    for number, place in enumerate(PLACES):
        start, end = min(known[place]), max(known[place])
        hours = (
            start + timedelta(hours=n) for n in range(int((end - start).total_seconds() // 3600))
        )
        target = [known[place].get(hour, "NaN") for hour in hours]
        series.append({"start": str(start), "cat": [number], "target": target})
    return series


def cut(series: dict[str, Any], end: int) -> dict[str, Any]:
    return series | {"target": series["target"][:end]}


@cache
def days() -> tuple[tuple[dict[str, Any], list[float], list[float]], ...]:
    """What is known, the next day and the day before, for every third day of a month."""
    found = []
    for series in temperatures("2013-03"):
        for now in range(7 * HOURS, len(series["target"]) - HOURS, 3 * HOURS):
            numbers = [float(value) for value in series["target"]]
            found.append((cut(series, now), numbers[now : now + HOURS], numbers[now - HOURS : now]))
    return tuple(found)


def wave(count: int, group: int, scale: float = 1.0) -> dict[str, Any]:
    """A series in [0, scale] with a feature."""
    values = [round(scale * (0.5 + 0.4 * math.sin(n / 3 + group)), 3) for n in range(count)]
    feature = [float(n % 7 == 0) for n in range(count)]
    return {"start": "2010-01-04", "target": values, "cat": [group], "dynamic_feat": [feature]}


def waves(scale: float = 1.0, *, whole: bool = False, start: str = "2010-01-04") -> Input:
    entries = [wave(200, group, scale) for group in (0, 1)]
    for entry in entries:
        entry["start"] = start
        if whole:
            entry["target"] = [float(round(value)) for value in entry["target"]]
    return Input({"a.json": lines(*entries)}, "json")


CONTINUED = wave(42, 1) | {"target": wave(40, 1)["target"]}
CONFIGURED = {
    "num_samples": 20,
    "output_types": ["mean", "quantiles", "samples"],
    "quantiles": ["0.5", "0.9"],
}


@pytest.fixture(scope="module")
def container(images: ImageCatalogue, tmp_path_factory: pytest.TempPathFactory) -> Container:
    return Container(images.python("forecasting-deepar:1"), tmp_path_factory.mktemp(KEY))


PARQUET = """
import datetime, math, pyarrow, pyarrow.parquet as parquet
starts = ["2009-11-01 00:00:00", "2009-11-01 00:00:00"], [datetime.datetime(2009, 11, 1)] * 2
for name, start in zip(("text", "time"), starts):
    target = [[1.0, math.nan] + [2.0] * 200] * 2
    table = pyarrow.table({"start": start, "target": target, "cat": [[1], [0]], "other": [0, 1]})
    parquet.write_table(table, f"{name}.parquet", compression="snappy")
"""


@pytest.fixture(scope="module")
def works(container: Container) -> dict[str, Work]:
    training = [*temperatures("2013-01"), *temperatures("2013-02")]
    first = days()[0][0]
    requests = [
        Asked(lines(*(known for known, _, _ in days())), LINES),
        Asked(json.dumps({"instances": [first], "configuration": CONFIGURED}).encode(), JSON),
        Asked(json.dumps({"instances": [first, first]}).encode(), JSON, LINES),
        Asked(lines(first), LINES, JSON),
        Asked(lines(cut(first, 0)), LINES),
        Asked(lines(cut(first, 1)), LINES),
        Asked(lines(first | {"target": ["NaN"] * 30}), LINES),
        Asked(lines(first | {"cat": [3]}), LINES),
        Asked(lines({"start": "2013-03-01", "target": [1]}), LINES),
        Asked(lines(first), LINES, "text/csv"),
        Asked(b"1,2", "text/csv"),
    ]
    continued = [
        Asked(json.dumps({"instances": [CONTINUED], "configuration": CONFIGURED}).encode(), JSON),
        Asked(
            json.dumps({"instances": [CONTINUED | {"dynamic_feat": [[1.0] * 40]}]}).encode(), JSON
        ),
    ]
    works = {
        "learns": Work(
            KEY,
            TEMPERATURES,
            {
                "train": Input({"a.json": lines(*training)}, "json"),
                "test": Input({"a.json": lines(*temperatures("2013-03"))}, "json"),
            },
            requests,
        ),
        "every setting": Work(KEY, EVERY_SETTING, {"train": waves(), "test": waves()}, continued),
        "unused": Work(
            KEY,
            SMALL | {"cardinality": "", "num_dynamic_feat": "ignore"},
            {"train": waves()},
            [Asked(lines({"start": "2010-01-04", "target": [0.5]}), LINES)],
        ),
        "short test": Work(
            KEY, SMALL, {"train": waves(), "test": Input({"a.json": lines(wave(1, 0))}, "json")}
        ),
    }
    container.run(["-c", PARQUET], {})
    for name in ("text", "time"):
        files = {"a.parquet": (container.folder / f"{name}.parquet").read_bytes()}
        works[f"parquet {name}"] = Work(KEY, SMALL, {"train": Input(files, "auto")})
    works["no parquet"] = Work(KEY, SMALL, {"train": Input({"a.parquet": b"PAR1"}, "parquet")})
    for likelihood in LIKELIHOODS:
        counts = likelihood == "negative-binomial"
        data = {"train": waves(20 if counts else 1, whole=counts)}
        works[likelihood] = Work(KEY, SMALL | {"likelihood": likelihood}, data, continued[:1])
    for frequency in FREQUENCIES:
        data = {"train": waves(start="1990-01-31 06:35:00"), "test": waves()}
        works[frequency] = Work(KEY, SMALL | {"time_freq": frequency}, data, continued[:1])
    return works | {
        name: Work(KEY, SMALL | bad, {"train": waves()}) for name, (bad, _) in BAD.items()
    }


@pytest.fixture(scope="module")
def done(container: Container, works: dict[str, Work]) -> dict[str, Done]:
    return run_jobs(container, works)


def forecasts(answer: Answer) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.body.splitlines()]


@pytest.mark.algorithms
@pytest.mark.xdist_group("standin-torch")
class TestInItsEnvironment:
    def test_the_next_day_is_known_better_than_from_the_day_before(
        self, done: dict[str, Done]
    ) -> None:
        assert done["learns"].exit_code == 0, done["learns"].failure
        median = [row["quantiles"]["0.5"] for row in forecasts(done["learns"].answers[0])]
        truth, season = (np.array([day[index] for day in days()]) for index in (1, 2))
        known = np.isfinite(truth) & np.isfinite(season)
        error = np.abs(np.array(median) - truth)[known].mean()
        naive = np.abs(season - truth)[known].mean()
        assert error < naive

    def test_the_metrics_are_those_of_the_catalogue(self, done: dict[str, Done]) -> None:
        assert set(done["learns"].metrics) == set(catalogue.find(KEY).metrics)
        assert 0 < done["learns"].metrics["test:RMSE"] < 15
        assert 0 < done["learns"].metrics["test:mean_wQuantileLoss"] < 0.3
        assert set(done["unused"].metrics) == {"train:final_loss"}

    def test_the_model_is_that_of_the_lowest_loss(self, done: dict[str, Done]) -> None:
        log = done["learns"].log
        losses = [
            float(line.split("train loss ")[1].split(",")[0])
            for line in log.splitlines()
            if "train loss" in line
        ]
        assert done["learns"].metrics["train:final_loss"] == pytest.approx(min(losses), abs=1e-5)
        assert len(losses) == TEMPERATURES["epochs"]

    def test_answers_have_the_form_of_the_catalogue(self, done: dict[str, Done]) -> None:
        examples = {r.accept: r.example for r in catalogue.find(KEY).inference.responses}
        answer = done["learns"].answers[1]
        assert answer.content_type == JSON
        assert shape_of(answer.json) == shape_of(examples[JSON])
        (row,) = answer.json["predictions"]
        assert np.shape(row["samples"]) == (20, HOURS)
        assert np.allclose(np.mean(row["samples"], axis=0), row["mean"], rtol=1e-4)
        assert list(row["quantiles"]) == ["0.5", "0.9"]
        assert np.allclose(np.median(row["samples"], axis=0), row["quantiles"]["0.5"], rtol=1e-4)

    def test_lines_and_json_are_answered_in_either_form(self, done: dict[str, Done]) -> None:
        as_lines, from_json, from_lines = done["learns"].answers[0], *done["learns"].answers[2:4]
        assert [a.content_type for a in (as_lines, from_json, from_lines)] == [LINES, LINES, JSON]
        assert len(forecasts(as_lines)) == len(days())
        assert len(forecasts(from_json)) == 2
        (row,) = from_lines.json["predictions"]
        assert set(row) == {"mean", "quantiles"}
        assert list(row["quantiles"]) == [f"0.{n}" for n in range(1, 10)]

    def test_the_same_request_has_the_same_answer(
        self, container: Container, works: dict[str, Work], done: dict[str, Done]
    ) -> None:
        (row,) = done["learns"].answers[3].json["predictions"]
        first, _ = forecasts(done["learns"].answers[2])
        assert len(first["mean"]) == HOURS
        assert np.allclose(first["mean"], row["mean"], atol=3)  # among others: other samples
        (again,) = container.ask(done["learns"].model_dir, works["learns"].requests[3:4])
        assert again.body == done["learns"].answers[3].body

    def test_quantiles_rise(self, done: dict[str, Done]) -> None:
        for row in forecasts(done["learns"].answers[0]):
            assert (np.diff(list(row["quantiles"].values()), axis=0) >= 0).all()

    def test_series_with_next_to_nothing_known_are_answered(self, done: dict[str, Done]) -> None:
        for answer in done["learns"].answers[4:7]:
            assert answer.status == 200, answer.body
            (row,) = forecasts(answer)
            assert np.isfinite(row["mean"]).all()
            assert len(row["mean"]) == HOURS

    def test_bad_requests_are_refused(self, done: dict[str, Done]) -> None:
        group, no_group, other_accept, other_type = done["learns"].answers[7:]
        assert (group.status, b"[3]; its entries must be below [3]" in group.body) == (400, True)
        assert (no_group.status, b"has 0 entries; it must have 1" in no_group.body) == (400, True)
        assert (other_accept.status, other_type.status) == (406, 415)

    def test_every_hyperparameter_is_used_or_named(
        self, works: dict[str, Work], done: dict[str, Done]
    ) -> None:
        assert done["every setting"].exit_code == 0, done["every setting"].failure
        good = {name: works[name] for name in ("learns", "every setting")}
        assert not_accounted_for(KEY, good, done) == set()
        assert "zoneout" in done["every setting"].log
        assert "weighted quantile loss of 0.8" in done["every setting"].log

    def test_training_stops_early(self, done: dict[str, Done]) -> None:
        assert "no progress for 1 epochs: training ends" in done["every setting"].log

    def test_features_of_the_training_are_asked_for(self, done: dict[str, Done]) -> None:
        good, short = done["every setting"].answers
        assert len(good.json["predictions"][0]["mean"]) == SMALL["prediction_length"]
        assert (short.status, b"has 40 values; it must have 42" in short.body) == (400, True)
        assert done["unused"].answers[0].status == 200

    @pytest.mark.parametrize("likelihood", LIKELIHOODS)
    def test_each_likelihood_predicts_what_it_can(
        self, done: dict[str, Done], likelihood: str
    ) -> None:
        assert done[likelihood].exit_code == 0, done[likelihood].failure
        (row,) = done[likelihood].answers[0].json["predictions"]
        samples = np.array(row["samples"])
        if likelihood == "beta":
            assert ((samples > 0) & (samples < 1)).all()
        elif likelihood == "negative-binomial":
            assert ((samples >= 0) & (samples == samples.round())).all()
        else:
            assert (samples == samples[0]).all()
        assert (np.ptp(samples, axis=0).max() > 0) == (likelihood != "deterministic-L1")

    @pytest.mark.parametrize("frequency", FREQUENCIES)
    def test_each_frequency_is_known(self, done: dict[str, Done], frequency: str) -> None:
        assert done[frequency].exit_code == 0, done[frequency].failure
        assert len(done[frequency].answers[0].json["predictions"][0]["mean"]) == 2

    def test_series_come_from_parquet(self, done: dict[str, Done]) -> None:
        for name in ("parquet text", "parquet time"):
            assert done[name].exit_code == 0, done[name].failure
        said = "channel train, file a.parquet: it cannot be read as Parquet"
        assert said in done["no parquet"].failure

    def test_what_never_comes_back_is_no_feature(self, done: dict[str, Done]) -> None:
        assert "day_of_month, day_of_year is not used: there are 59 days" in done["learns"].log
        assert "is not used" not in done["M"].log

    def test_a_test_series_that_is_too_short_is_refused(self, done: dict[str, Done]) -> None:
        assert "has 1 values; a test series must have more" in done["short test"].failure

    @pytest.mark.parametrize("name", BAD)
    def test_bad_jobs_are_the_senders_mistake(self, done: dict[str, Done], name: str) -> None:
        assert done[name].failure.startswith("ClientError: ")
        assert BAD[name][1] in done[name].failure
