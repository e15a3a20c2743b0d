"""What a stand-in offers to the two programs around it, and what it gets from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flywheel.standins.job import Job

NOTICE = (
    "This is a stand-in for Amazon's {name}, on {library}: the same inputs and outputs, other "
    "numbers."
)


class RefusedError(Exception):
    """The sender's mistake, in words for the sender: a job's data or settings, or a request.

    A job fails with it as Amazon's containers do (`ClientError: …`); a request gets its status.
    """

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status_code = status


@dataclass(frozen=True)
class Request:
    """One request to an endpoint.

    Attributes:
        body: as it was sent.
        content_type: lower case, without parameters.
        parameters: of the content type: `text/csv; label_size=0` has {"label_size": "0"}.
        accept: lower case; None where the sender accepts anything.
    """

    body: bytes
    content_type: str
    parameters: dict[str, str]
    accept: str | None


@dataclass(frozen=True)
class Response:
    """What the endpoint answers."""

    body: bytes
    content_type: str


class Predictor(Protocol):
    """A loaded model."""

    def __call__(self, request: Request) -> Response:
        """Answer one request.

        Raises:
            RefusedError: 400 for a body that cannot be read, 415 for a content type and 406 for an
                Accept that the algorithm does not know.
        """
        ...


class StandIn(Protocol):
    """The module of one algorithm."""

    LIBRARY: str
    """What does the work, for the notice: `scikit-learn`."""

    def train(self, job: Job) -> None:
        """Learn from the job's channels, print the algorithm's metric lines, write the model.

        Raises:
            RefusedError: the data or the settings are the sender's mistake.
        """
        ...

    def load(self, model_dir: Path) -> Predictor:
        """The model that `train` wrote."""
        ...
