"""What a request asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flywheel.standins.codecs import json_lines
from flywheel.standins.codecs.requests import instances
from flywheel.standins.contract import RefusedError, Request
from flywheel.standins.deepar.series import Series, read_series

JSON = "application/json"
CONTENT_TYPES = (JSON, json_lines.CONTENT_TYPE)
OUTPUT_TYPES = ("mean", "quantiles", "samples")
MAX_SAMPLES = 10_000
"""A limit of this machine, not one of Amazon's: more take the memory of everything else."""


@dataclass(frozen=True)
class Configuration:
    """What the answer holds.

    Attributes:
        num_samples: paths from which the rest is computed.
        output_types: mean, quantiles and samples, or some of them.
        quantiles: as they are written, which is how the answer names them.
    """

    num_samples: int = 100
    output_types: tuple[str, ...] = ("mean", "quantiles")
    quantiles: tuple[str, ...] = tuple(f"0.{tenth}" for tenth in range(1, 10))


def read_request(request: Request, default: Configuration) -> tuple[list[Series], Configuration]:
    """The series to continue, and the configuration.

    Args:
        request: JSON with `instances` and perhaps a `configuration`, or a series a line.
        default: of requests that have none.

    Raises:
        RefusedError: 400 for what cannot be read, 415 for another content type.
    """
    if request.content_type not in CONTENT_TYPES:
        raise RefusedError(
            f"the content type is {request.content_type or 'missing'}; it must be one of "
            f"{', '.join(CONTENT_TYPES)}",
            status=415,
        )
    entries = instances(request)
    if not entries:
        raise RefusedError("the request has no time series; it must have at least one")
    series = [read_series(entry, f"instance {n}") for n, entry in enumerate(entries, 1)]
    if request.content_type == json_lines.CONTENT_TYPE:
        return series, default
    given = json_lines.read_json(request.body).get("configuration")
    return series, default if given is None else read_configuration(given, default)


def parse_configuration(text: str) -> Configuration:
    """The configuration of a batch transform job, from DEEPAR_INFERENCE_CONFIG.

    Raises:
        RefusedError: it is none.
    """
    try:
        given = json.loads(text)
    except ValueError as error:
        raise RefusedError(f"DEEPAR_INFERENCE_CONFIG is {text}; it must be JSON") from error
    return read_configuration(given, Configuration())


def read_configuration(given: Any, default: Configuration) -> Configuration:
    """A configuration; what it leaves out is as in the default.

    Raises:
        RefusedError: a member is no such thing.
    """
    if not isinstance(given, Mapping):
        raise RefusedError('"configuration" must be an object')
    num_samples = given.get("num_samples", default.num_samples)
    known = isinstance(num_samples, int) and num_samples in range(1, MAX_SAMPLES + 1)
    if not known or isinstance(num_samples, bool):
        raise RefusedError(
            f"num_samples is {num_samples}; it must be a whole number from 1 to {MAX_SAMPLES}"
        )
    output_types = given.get("output_types", default.output_types)
    if not _is_list(output_types) or not set(output_types) <= set(OUTPUT_TYPES):
        raise RefusedError(
            f"output_types is {output_types}; it must be a list of {', '.join(OUTPUT_TYPES)}"
        )
    quantiles = given.get("quantiles", default.quantiles)
    if not _is_list(quantiles) or not all(map(_is_share, quantiles)):
        raise RefusedError(
            f'quantiles is {quantiles}; it must be a list of numbers from 0 to 1 as text: ["0.5"]'
        )
    return Configuration(num_samples, tuple(output_types), tuple(map(str, quantiles)))


def _is_list(value: Any) -> bool:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return is_list and all(isinstance(entry, str | int | float) for entry in value)


def _is_share(value: Any) -> bool:
    try:
        return 0 <= float(value) <= 1
    except ValueError:
        return False
