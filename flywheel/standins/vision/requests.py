"""Requests with a picture as their body."""

from __future__ import annotations

from collections.abc import Sequence

from flywheel.algorithms import catalogue
from flywheel.standins.contract import RefusedError, Request


def check_content_type(key: str, request: Request, also: Sequence[str] = ()) -> None:
    """Refuse a body that is no picture.

    Raises:
        RefusedError: 415: the algorithm does not take this content type.
    """
    known = (*catalogue.find(key).inference.requests, *also)
    if request.content_type not in known:
        raise RefusedError(
            f"the content type is {request.content_type or 'missing'}; it must be one of "
            f"{', '.join(known)}",
            status=415,
        )
