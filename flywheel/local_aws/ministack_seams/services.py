"""Services: requests, their scope, and what AWS itself publishes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import responses, router
from ministack.services import eventbridge

Response = tuple[int, dict[str, str], bytes]


Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]


def add_service(
    name: str, handle_request: Handler, *, target_prefix: str = "", payloads: str | None = None
) -> None:
    """Answer requests signed for a service that ministack does not have.

    Args:
        name: the signing name, the service part of the SigV4 credential scope.
        handle_request: the service.
        target_prefix: what its X-Amz-Target headers begin with, for a service with the JSON
            protocol.
        payloads: how the paths begin whose answers are somebody's data, not the service's own.
    """
    if payloads is not None:
        handle_request = _with_own_content_types(handle_request, payloads)
    app.SERVICE_REGISTRY[name] = {"module": name}
    app.SERVICE_HANDLERS[name] = handle_request
    app._loaded_modules[name] = SimpleNamespace(handle_request=handle_request)
    router.SERVICE_PATTERNS[name] = {"target_prefixes": [target_prefix] if target_prefix else []}


def _with_own_content_types(handle_request: Handler, prefix: str) -> Handler:
    """Keep ministack from giving data the content type of the service's protocol."""

    async def answer(
        method: str, path: str, headers: Any, body: bytes, query_params: Any
    ) -> tuple[int, dict[str, str], bytes]:
        status, answered, content = await handle_request(method, path, headers, body, query_params)
        if path.startswith(prefix) and status < 400:
            # It looks for a header that is spelt with capitals.
            answered = {name.lower(): value for name, value in answered.items()}
        return status, answered, content

    return answer


def wrap_service(name: str, wrap: Callable[[Handler], Handler]) -> None:
    """Put something before a service of ministack."""
    app.SERVICE_HANDLERS[name] = wrap(app.SERVICE_HANDLERS[name])


def asgi_app() -> Any:
    """The gateway as an ASGI application."""
    return app.app


@contextmanager
def request_scope(account_id: str, region: str) -> Iterator[None]:
    """Act for this account and region: every store of ministack is scoped by them."""
    with responses.request_scope(account_id, region):
        yield


def account_and_region() -> tuple[str, str]:
    """For which account and region the current request, stack or execution acts."""
    return responses.get_account_id(), responses.get_region()


def put_events(entries: Sequence[Mapping[str, Any]]) -> None:
    """Publish events of an AWS service (`aws.*`), which PutEvents refuses from a user."""
    for first in range(0, len(entries), 10):  # PutEvents takes at most ten
        eventbridge._put_events(
            {"Entries": [dict(entry) for entry in entries[first : first + 10]]},
            allow_aws_source=True,
        )


def json_error(status: int, code: str, message: str) -> Response:
    """An error in the JSON protocols' shape."""
    return (
        status,
        {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code},
        json.dumps({"__type": code, "message": message}).encode(),
    )
