"""Tags of every resource, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flywheel.local_aws.sagemaker.errors import ServiceError
from flywheel.local_aws.sagemaker.resources import (
    Collection,
    Resource,
    State,
    tag_list,
    tags_of,
)


class Tags:
    """AddTags, DeleteTags and ListTags.

    Args:
        state: the lock of all resources.
        places: where there are resources.
    """

    def __init__(self, state: State, places: Sequence[Collection[Any]]) -> None:
        self._state = state
        self._places = places

    def actions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """What this part of the service answers."""
        return {"AddTags": self._add, "DeleteTags": self._delete, "ListTags": self._list}

    def _tagged(self, arn: str) -> Resource:
        for place in self._places:
            found: Resource | None = place.by_arn(arn)
            if found is not None:
                return found
        raise ServiceError("ResourceNotFound", f"Requested resource {arn} not found.")

    def _add(self, params: dict[str, Any]) -> dict[str, Any]:
        with self._state.changed:
            resource = self._tagged(params["ResourceArn"])
            resource.tags.update(tags_of(params["Tags"]))
            return {"Tags": tag_list(resource.tags)}

    def _delete(self, params: dict[str, Any]) -> dict[str, Any]:
        with self._state.changed:
            resource = self._tagged(params["ResourceArn"])
            for key in params["TagKeys"]:
                resource.tags.pop(key, None)
            return {}

    def _list(self, params: dict[str, Any]) -> dict[str, Any]:
        with self._state.changed:
            return {"Tags": tag_list(self._tagged(params["ResourceArn"]).tags)}
