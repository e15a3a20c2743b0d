"""What DeepAR's stand-in reads: series, channels, configurations and requests."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flywheel.algorithms import catalogue
from flywheel.standins.contract import RefusedError, Request
from flywheel.standins.deepar import accuracy
from flywheel.standins.deepar.requests import (
    Configuration,
    parse_configuration,
    read_configuration,
    read_request,
)
from flywheel.standins.deepar.schema import Schema
from flywheel.standins.deepar.series import Series, read_channel, read_series
from flywheel.standins.job import Job, read_job
from tests.standins.container import Input, write_job
from tests.standins.deepar_series import SMALL, lines

KEY = "deepar"
JSON, LINES = "application/json", "application/jsonlines"
ENTRY: dict[str, Any] = {
    "start": "2009-11-01 00:00:00",
    "target": [4.0, "NaN", None, 1],
    "cat": [0, 2],
    "dynamic_feat": [[1.0, 1.1, 2.1, 0.5], [0, 0, 1, 1]],
}


def channel_of(folder: Path, files: Mapping[str, bytes], content_type: str | None = "json") -> Any:
    opt_ml = write_job(folder, SMALL, {"train": Input(files, content_type)})
    return read_job(KEY, opt_ml).channels["train"]


def job_of(folder: Path, **hyperparameters: Any) -> Job:
    channels = {"train": Input({"a.json": lines(ENTRY)}, "json")}
    return read_job(KEY, write_job(folder, SMALL | hyperparameters, channels))


def series_of(**members: Any) -> Series:
    return read_series(ENTRY | members, "series 1")


def test_a_series_has_its_start_values_groups_and_features() -> None:
    series = series_of()
    assert series.start == datetime(2009, 11, 1)
    assert np.array_equal(series.target, [4, np.nan, np.nan, 1], equal_nan=True)
    assert series.cat == (0, 2)
    assert series.dynamic_feat is not None
    assert series.dynamic_feat.shape == (2, 4)


def test_features_and_groups_may_be_missing() -> None:
    series = read_series({"start": "2009-11-01", "target": []}, "series 1")
    assert (series.cat, series.dynamic_feat, len(series.target)) == ((), None, 0)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"start": "yesterday"}, "start of series 1 is yesterday; it must be YYYY-MM-DD HH:MM:SS"),
        ({"start": 5}, "start of series 1 is 5"),
        ({"start": "2009-11-01T00:00:00+01:00"}, "without a time zone"),
        ({"target": 5}, "target of series 1 must be a list"),
        ({"target": "12"}, "target of series 1 must be a list"),
        ({"target": [1, "x"]}, "value 2 of target of series 1 is x"),
        ({"target": [True]}, "value 1 of target of series 1 is True"),
        ({"target": [math.inf]}, "value 1 of target of series 1 is inf"),
        ({"target": [[1]]}, "value 1 of target of series 1"),
        ({"target": [10**400]}, "value 1 of target of series 1"),
        ({"cat": [0.5]}, "cat of series 1 is"),
        ({"cat": [-1]}, "cat of series 1 is"),
        ({"cat": "a"}, "cat of series 1 is a"),
        ({"dynamic_feat": []}, "dynamic_feat of series 1 must be a list of lists"),
        ({"dynamic_feat": [[1], [1, 2]]}, "dynamic_feat of series 1 has lists of different"),
        ({"dynamic_feat": [["NaN"]]}, "none may be missing"),
        ({"dynamic_feat": [1, 2]}, "dynamic_feat of series 1 must be a list"),
    ],
)
def test_other_series_are_refused(members: dict[str, Any], says: str) -> None:
    with pytest.raises(RefusedError, match=says):
        series_of(**members)


@pytest.mark.parametrize("entry", [5, [], {"start": "2009-11-01"}, {"target": [1]}])
def test_what_is_no_series_is_refused(entry: Any) -> None:
    with pytest.raises(RefusedError, match='series 1 must be an object with "start" and "target"'):
        read_series(entry, "series 1")


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("a.json", lines(ENTRY, ENTRY), "auto"),
        ("a.json", lines(ENTRY, ENTRY), None),
        ("part-0.jsonl", lines(ENTRY, ENTRY), "json"),
        ("part-0", lines(ENTRY, ENTRY), LINES),
        ("a.json.gz", gzip.compress(lines(ENTRY, ENTRY)), "auto"),
        ("a", gzip.compress(lines(ENTRY, ENTRY)), "json.gz"),
        ("a.json.gz", gzip.compress(lines(ENTRY, ENTRY)), "json"),
    ],
)
def test_series_come_from_every_content_type(
    tmp_path: Path, name: str, content: bytes, content_type: str | None
) -> None:
    files = {name: content, "_SUCCESS": b"x", ".hidden": b"x"}
    series = read_channel(channel_of(tmp_path, files, content_type))
    assert len(series) == 2
    assert series[1].start == datetime(2009, 11, 1)
    assert np.isnan(series[1].target[1])
    assert series[1].cat == (0, 2)


@pytest.mark.parametrize(
    ("files", "content_type", "says"),
    [
        ({}, "json", "channel train has no time series"),
        ({"a.txt": b"{}"}, "auto", "a.txt: the name ends in none of .json, .json.gz and .parquet"),
        ({"a.json": b"{"}, "json", "channel train, file a.json: line 1 is"),
        ({"a.json": lines(ENTRY, {})}, "json", r"series 2 \(channel train, file a.json\)"),
        ({"a": b"\x1f\x8b"}, "json", "a: it is no gzip file"),
        ({"a": gzip.compress(lines(ENTRY))[:-9]}, "json.gz", "a: it is no gzip file"),
    ],
)
def test_channels_that_cannot_be_read_are_refused(
    tmp_path: Path, files: dict[str, bytes], content_type: str, says: str
) -> None:
    with pytest.raises(RefusedError, match=says):
        read_channel(channel_of(tmp_path, files, content_type))


def test_features_are_found_in_the_data_unless_they_are_named_or_unwanted(tmp_path: Path) -> None:
    series = [series_of(), series_of(cat=[1, 0])]
    assert Schema.of(job_of(tmp_path), series).cardinality == (2, 3)
    assert Schema.of(job_of(tmp_path), series).num_dynamic_feat == 2
    named = job_of(tmp_path, cardinality="[4, 5]", num_dynamic_feat=2)
    assert Schema.of(named, series).cardinality == (4, 5)
    for unwanted in ("", "ignore"):
        job = job_of(tmp_path, cardinality=unwanted, num_dynamic_feat=unwanted)
        schema = Schema.of(job, series)
        assert (schema.cardinality, schema.num_dynamic_feat) == ((), 0)
        schema.check(series_of(cat=[9], dynamic_feat=[[1]]))


LONG = [1.0] * 300
PLAIN: dict[str, Any] = {"target": LONG, "cat": [0, 0], "dynamic_feat": [LONG, LONG]}


@pytest.mark.parametrize(
    ("hyperparameters", "entries", "says"),
    [
        ({}, [PLAIN, {"cat": [0]}], "the series have 1 and 2 entries in cat"),
        ({"cardinality": "[1]"}, [PLAIN], "has 2 entries; it must have 1"),
        ({"cardinality": "[1, 1]"}, [PLAIN, {"cat": [0, 1]}], r"cat of series 1 is \[0, 1\]; its"),
        ({}, [PLAIN, {**PLAIN, "dynamic_feat": None}], "has 0 features; it must have 2"),
        ({"num_dynamic_feat": 1}, [PLAIN], "has 2 features; it must have 1"),
        ({}, [PLAIN, {**PLAIN, "dynamic_feat": [[1]] * 2}], "has 1 values; it must have 300"),
        ({}, [{**PLAIN, "target": LONG[:299], "dynamic_feat": [LONG[:299]] * 2}], "at least 300"),
        ({"prediction_length": 301}, [PLAIN], "every series of the channel train is shorter"),
        ({"likelihood": "beta"}, [{**PLAIN, "target": [1.1] * 300}], "they must be from 0 to 1"),
        (
            {"likelihood": "negative-binomial"},
            [{**PLAIN, "target": [-1.0] * 300}],
            "values from -1 to -1; with the likelihood negative-binomial they must be 0 or more",
        ),
    ],
)
def test_training_data_that_does_not_fit_is_refused(
    tmp_path: Path, hyperparameters: dict[str, Any], entries: list[dict[str, Any]], says: str
) -> None:
    series = [series_of(**entry) for entry in entries]
    with pytest.raises(RefusedError, match=says):
        Schema.of(job_of(tmp_path, **hyperparameters), series).check_all(series)


def test_features_may_reach_into_the_time_to_predict_and_must_in_a_request(tmp_path: Path) -> None:
    schema = Schema.of(job_of(tmp_path), [series_of()])
    schema.check(series_of(dynamic_feat=[[1] * 6] * 2))
    schema.check(series_of(dynamic_feat=[[1] * 6] * 2), beyond=2)
    with pytest.raises(RefusedError, match="has 4 values; it must have 6: as many as the target"):
        schema.check(series_of(), beyond=2)


def test_the_error_is_the_root_of_the_mean_square_over_known_values() -> None:
    truths = [np.array([1.0, np.nan]), np.array([2.0])]
    means = [np.array([4.0, 9.0]), np.array([6.0])]
    assert accuracy.root_mean_square_error(truths, means) == pytest.approx(math.sqrt(25 / 2))


def test_the_quantile_loss_is_weighted_by_the_sum_of_the_values() -> None:
    truths = [np.array([10.0, np.nan, -10.0])]
    low, high = [np.array([6.0, 0.0, -12.0])], [np.array([12.0, 0.0, -8.0])]
    losses = accuracy.weighted_quantile_losses(truths, {0.1: low, 0.9: high})
    assert losses[0.1] == pytest.approx(2 * (0.1 * 4 + 0.1 * 2) / 20)
    assert losses[0.9] == pytest.approx(2 * (0.1 * 2 + 0.1 * 2) / 20)


def asked(body: Any, content_type: str = JSON) -> Request:
    return Request(json.dumps(body).encode(), content_type, {}, None)


def test_a_request_has_series_and_a_configuration() -> None:
    examples = catalogue.find(KEY).inference.requests
    series, configuration = read_request(asked(examples[JSON][0]), Configuration())
    assert len(series) == 1
    assert configuration == Configuration(50, ("mean", "quantiles", "samples"), ("0.5", "0.9"))
    two = lines(examples[LINES][0], examples[LINES][0])
    series, configuration = read_request(Request(two, LINES, {}, None), Configuration(7))
    assert (len(series), configuration.num_samples) == (2, 7)


def test_without_a_configuration_a_request_gets_the_mean_and_nine_quantiles() -> None:
    _, configuration = read_request(asked({"instances": [ENTRY]}), Configuration())
    assert configuration.num_samples == 100
    assert configuration.output_types == ("mean", "quantiles")
    assert configuration.quantiles == tuple(f"0.{n}" for n in range(1, 10))


def test_a_transform_job_is_configured_by_its_environment() -> None:
    text = '{"num_samples": 200, "output_types": ["mean"]}'
    assert parse_configuration(text) == Configuration(200, ("mean",))
    with pytest.raises(RefusedError, match=r"DEEPAR_INFERENCE_CONFIG is \{; it must be JSON"):
        parse_configuration("{")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (5, '"configuration" must be an object'),
        ({"num_samples": 0}, "num_samples is 0"),
        (
            {"num_samples": 10_001},
            "num_samples is 10001; it must be a whole number from 1 to 10000",
        ),
        ({"num_samples": True}, "num_samples is True"),
        ({"num_samples": "5"}, "num_samples is 5"),
        ({"output_types": "mean"}, "output_types is mean"),
        ({"output_types": ["median"]}, "it must be a list of mean, quantiles, samples"),
        ({"output_types": [["mean"]]}, "output_types is"),
        ({"quantiles": ["1.5"]}, "quantiles is"),
        ({"quantiles": ["half"]}, "quantiles is"),
        ({"quantiles": 0.5}, "quantiles is 0.5"),
    ],
)
def test_other_configurations_are_refused(given: Any, says: str) -> None:
    with pytest.raises(RefusedError, match=says):
        read_configuration(given, Configuration())


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", JSON, 400),
        (b"[]", JSON, 400),
        (b'{"instances": []}', JSON, 400),
        (b'{"instances": [5]}', JSON, 400),
        (b"", LINES, 400),
        (b"1,2", "text/csv", 415),
    ],
)
def test_other_requests_are_refused(body: bytes, content_type: str, status: int) -> None:
    with pytest.raises(RefusedError) as refused:
        read_request(Request(body, content_type, {}, None), Configuration())
    assert refused.value.status_code == status
