"""Variables that only some loops have, with their first values."""

from typing import Any

from components.loop.asl import EMPTY, NULL
from components.loop.context import LoopContext


def variables_of(loop: LoopContext) -> dict[str, Any]:
    """What the report and the way to the end must find set, wherever a run fails."""
    variables: dict[str, Any] = {}
    if loop.selects:
        variables["selection_month"] = NULL
    if loop.tuning_job:
        variables["tuning"] = NULL
        if loop.tuning_job.warm_start:
            variables["parent"] = EMPTY
    if loop.transform_job:
        variables["models"] = []
    return variables
