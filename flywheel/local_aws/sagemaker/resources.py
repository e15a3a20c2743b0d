"""Named things: a place for them, listing with AWS's filters, tags, and waiting for a change."""

from __future__ import annotations

import base64
import binascii
import copy
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from flywheel.local_aws.sagemaker.errors import validation_error


def now() -> float:
    """The time as AWS sends it: seconds since 1970 with milliseconds."""
    return round(time.time(), 3)


@dataclass(kw_only=True)
class Resource:
    """What every resource has; `request` is what it was created with."""

    name: str
    arn: str
    request: dict[str, Any]
    status: str = "Completed"
    created: float = field(default_factory=now)
    modified: float = 0.0
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.modified = self.modified or self.created
        self.tags.update(tags_of(self.request.get("Tags", ())))


class State:
    """The lock of all resources, and the bell that rings when one of them changes."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())

    def wait_for[T](self, look: Callable[[], T | None], timeout_seconds: float | None) -> T | None:
        """Wait until `look` returns something; it is asked again after each change."""
        with self.changed:
            return self.changed.wait_for(look, timeout_seconds)


class Collection[R: Resource]:
    """All resources of one kind."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._members: dict[str, R] = {}

    def add(self, resource: R, taken: Callable[[R], Exception]) -> None:
        """Put in a new resource; `taken` makes the error when the name is in use."""
        with self._state.changed:
            if resource.name in self._members:
                raise taken(self._members[resource.name])
            self.insert(resource.name, resource)

    def insert(self, key: str, resource: R) -> None:
        """Put in a resource under another key than its name, or in the place of another."""
        with self._state.changed:
            self._members[key] = resource
            self._state.changed.notify_all()

    def get(self, name: str, missing: Callable[[], Exception]) -> R:
        """The resource of that name; `missing` makes the error when there is none."""
        with self._state.changed:
            if name not in self._members:
                raise missing()
            return self._members[name]

    def find(self, name: str) -> R | None:
        """The resource of that name, or None."""
        return self._members.get(name)

    def remove(self, name: str) -> None:
        """Take a resource out."""
        with self._state.changed:
            self._members.pop(name, None)
            self._state.changed.notify_all()

    def all(self) -> list[R]:
        """Every resource, oldest first."""
        with self._state.changed:
            return list(self._members.values())

    def by_arn(self, arn: str) -> R | None:
        """The resource with that ARN, or None."""
        return next((resource for resource in self.all() if resource.arn == arn), None)


class _Named(Protocol):
    name: str
    status: str
    created: float
    modified: float


def page[N: _Named](
    resources: list[N],
    params: Mapping[str, Any],
    key: str,
    summary: Callable[[N], dict[str, Any]],
    *,
    order: str = "Descending",
    sort_keys: Mapping[str, Callable[[N], Any]] | None = None,
) -> dict[str, Any]:
    """One page of a List action: AWS's filters, order and token, the same for all kinds.

    Args:
        resources: What there is.
        params: The List request.
        key: Member of the response that has the list.
        summary: What the list says about one resource.
        order: SortOrder when the request has none.
        sort_keys: What else than name, status and time of creation SortBy may name.

    Raises:
        ServiceError: The token is not one of ours.
    """
    chosen = [resource for resource in resources if _matches(resource, params)]
    by: dict[str, Callable[[N], Any]] = {
        "Name": lambda resource: resource.name,
        "Status": lambda resource: resource.status,
        **(sort_keys or {}),
    }
    chosen.sort(
        key=by.get(params.get("SortBy", "CreationTime"), lambda resource: resource.created),
        reverse=params.get("SortOrder", order) == "Descending",
    )
    first = _position(params.get("NextToken"))
    last = first + params.get("MaxResults", 10)
    answer: dict[str, Any] = {key: [summary(resource) for resource in chosen[first:last]]}
    if last < len(chosen):
        answer["NextToken"] = base64.urlsafe_b64encode(str(last).encode()).decode()
    return answer


def _matches(resource: _Named, params: Mapping[str, Any]) -> bool:
    times = (("CreationTime", resource.created), ("LastModifiedTime", resource.modified))
    return (
        params.get("NameContains", "").lower() in resource.name.lower()
        and params.get("StatusEquals", resource.status) == resource.status
        and all(
            _epoch(params.get(f"{name}After", value))
            <= value
            <= _epoch(params.get(f"{name}Before", value))
            for name, value in times
        )
    )


def _epoch(value: float | datetime) -> float:
    return value.timestamp() if isinstance(value, datetime) else value


def _position(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError) as error:
        raise validation_error("Invalid NextToken.") from error


def tags_of(tags: Any) -> dict[str, str]:
    """AWS's list of Key and Value as a dictionary."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """A dictionary of tags as AWS's list."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def echo(request: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The members of a request that a description repeats, as a copy."""
    return {name: copy.deepcopy(request[name]) for name in names if request.get(name) is not None}
