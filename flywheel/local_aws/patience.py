"""Answers the question what became of a stack when something became of it.

The CDK CLI asks every five seconds, which here is longer than most stacks take.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs

from flywheel.local_aws import ministack_seams as seams

PATIENCE_SECONDS = 10.0
_LOOK_EVERY_SECONDS = 0.05
_CHANGING = b"_IN_PROGRESS</StackStatus>"


def patient(handle: seams.Handler) -> seams.Handler:
    """Hold back DescribeStacks of one stack that is changing, for ten seconds at most."""

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> seams.Response:
        response = await handle(method, path, headers, body, query)
        if not _asks_for_one_stack(body):
            return response
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _CHANGING in response[2] and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            response = await handle(method, path, headers, body, query)
        return response

    return handle_request


def _asks_for_one_stack(body: bytes) -> bool:
    if b"DescribeStacks" not in body:
        return False
    form = parse_qs(body.decode("utf-8", "replace"))
    return form.get("Action") == ["DescribeStacks"] and "StackName" in form
