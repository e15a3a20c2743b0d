"""What types have in common that are carried out by a service's API."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.resource_shapes import as_parameters
from flywheel.local_aws.sagemaker.schema import service_model
from flywheel.local_aws.sdk_tasks import Clients

Properties = dict[str, Any]
Created = tuple[str, Properties]
_MISSING = (
    "NotFound",
    "ResourceNotFound",
    "ObjectNotFound",
    "does not exist",
    "InvalidPermission.",
)


class ApiCaller(ABC):
    """Some resource types.

    Args:
        clients: of the gateway; every call goes through its port, like a user's.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    @abstractmethod
    def types(self) -> list[seams.ResourceType]:
        """How CloudFormation manages each of them."""

    def install(self) -> None:
        """Let templates declare them."""
        for resource_type in self.types():
            seams.add_resource_type(resource_type)

    def _call(self, service: str, action: str, properties: Mapping[str, Any]) -> Any:
        """One call, with the properties converted to the API's types."""
        shape = service_model(service).operation_model(action).input_shape
        method: Callable[..., Any] = getattr(self._clients.get(service), xform_name(action))
        return method(**as_parameters(dict(properties), shape))

    def _delete(self, service: str, action: str, **arguments: Any) -> None:
        """Delete, and be content when there is nothing to delete."""
        try:
            getattr(self._clients.get(service), xform_name(action))(**arguments)
        except ClientError as error:
            if not any(sign in str(error) for sign in _MISSING):
                raise


def tag_map(tags: Any) -> dict[str, str]:
    """A list of tags as a map."""
    return {tag["Key"]: tag["Value"] for tag in tags or ()}
