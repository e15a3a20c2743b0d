"""Services that are reached through an interface endpoint of a VPC."""

import json
from functools import cache
from pathlib import Path

from flywheel.algorithms.errors import RefusedError, nearest

DATA_FILE = Path(__file__).with_name("vpc_endpoints.json")


@cache
def known() -> tuple[str, ...]:
    """The last parts of their service names, for example `sagemaker.runtime`."""
    return tuple(json.loads(DATA_FILE.read_text(encoding="utf-8")))


def check(service: str) -> None:
    """Raises RefusedError for a service without an interface endpoint."""
    if service not in known():
        near = nearest(service, known())
        raise RefusedError(
            "it must be a service with an interface endpoint",
            f"The nearest is {near}." if near else "For example ecr.api.",
        )
