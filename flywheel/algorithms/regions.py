"""AWS regions, by partition."""

import json
from functools import cache
from pathlib import Path

from flywheel.algorithms.errors import RefusedError, nearest

DATA_FILE = Path(__file__).with_name("regions.json")


@cache
def known() -> tuple[str, ...]:
    """All regions of the partitions aws, aws-cn and aws-us-gov."""
    return tuple(region for regions in _data().values() for region in regions)


def check(region: str) -> None:
    """Raises RefusedError for a region that does not exist."""
    if region not in known():
        near = nearest(region, known(), cutoff=0.5)
        raise RefusedError(
            "it must be an AWS region",
            f"The nearest is {near}." if near else "For example eu-west-1.",
        )


@cache
def _data() -> dict[str, list[str]]:
    data: dict[str, list[str]] = json.loads(DATA_FILE.read_text(encoding="utf-8"))
    return data
