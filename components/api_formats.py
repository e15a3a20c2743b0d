"""Which bodies the API passes on, and how."""

from dataclasses import dataclass

from flywheel.algorithms import catalogue
from flywheel.algorithms.given import content_type_of
from flywheel.settings import WorkloadSettings

_SCRIPT = ("application/octet-stream", "application/x-npy", "application/x-parquet")
_TEXT = ("text/", "application/json", "application/jsonlines")
_JSON = "application/json"


@dataclass(frozen=True)
class ApiFormats:
    """Formats of requests and predictions.

    Attributes:
        binary: What API Gateway passes on byte by byte; all else is text for it.
        has_json: Whether the model takes JSON, always as {"instances": [...]}.
    """

    binary: tuple[str, ...]
    has_json: bool


def formats_of(workload: WorkloadSettings) -> ApiFormats:
    """A built-in algorithm's are in the catalogue: images, RecordIO, masks."""
    if not workload.training.algorithm:
        return ApiFormats(binary=_SCRIPT, has_json=True)
    inference = catalogue.find(workload.training.algorithm).inference
    answers = [content_type_of(response.accept)[0] for response in inference.responses]
    known = dict.fromkeys([*inference.requests, *answers])
    return ApiFormats(
        binary=tuple(name for name in known if not name.startswith(_TEXT)),
        has_json=_JSON in inference.requests,
    )
