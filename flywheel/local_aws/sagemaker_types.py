"""CloudFormation's `AWS::SageMaker::…` types, carried out by the local SageMaker."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.resource_shapes import as_parameters
from flywheel.local_aws.sagemaker.errors import ServiceError
from flywheel.local_aws.sagemaker.schema import service_model

Call = Callable[[str, dict[str, Any]], dict[str, Any]]
Wait = Callable[[str, float], object]
Properties = dict[str, Any]
Created = tuple[str, Properties]

NAME_LENGTH = 63
ENDPOINT_TIMEOUT_SECONDS = 3600.0
_TAGS = ("Tags", "list")
_PREFIX = "AWS::SageMaker::"

# Every property but the tags replaces the resource: it is immutable.
MODEL_PROPERTIES = frozenset(
    {
        "Containers", "EnableNetworkIsolation", "ExecutionRoleArn", "InferenceExecutionConfig",
        "ModelName", "PrimaryContainer", "VpcConfig",
    }
)  # fmt: skip
ENDPOINT_CONFIG_PROPERTIES = frozenset(
    {
        "AsyncInferenceConfig", "DataCaptureConfig", "EnableNetworkIsolation", "EndpointConfigName",
        "ExecutionRoleArn", "ExplainerConfig", "KmsKeyId", "MetricsConfig", "ProductionVariants",
        "ShadowProductionVariants", "VpcConfig",
    }
)  # fmt: skip
# Changes of these would make a new group and lose every model version.
GROUP_REPLACING = frozenset({"ModelPackageGroupName", "ModelPackageGroupDescription"})
# Not part of CreateEndpoint, only of an update.
_UPDATE_ONLY = (
    "RetainAllVariantProperties",
    "ExcludeRetainedVariantProperties",
    "RetainDeploymentConfig",
)


class SageMakerTypes:
    """The types.

    Args:
        call: carries out an action of SageMaker.
        wait: blocks until an endpoint serves or has failed, for so many seconds at most.
        wait_deleted: blocks until an endpoint is gone.
    """

    def __init__(self, call: Call, wait: Wait, wait_deleted: Wait) -> None:
        self._call = call
        self._wait_for = wait
        self._wait_deleted = wait_deleted
        self._names: dict[str, str] = {}  # by ARN, which has them in small letters only

    def install(self) -> None:
        """Let templates declare them."""
        for resource_type in self.types():
            seams.add_resource_type(resource_type)

    def types(self) -> list[seams.ResourceType]:
        """How CloudFormation manages each of them."""
        return [
            self._immutable("Model", MODEL_PROPERTIES),
            self._immutable("EndpointConfig", ENDPOINT_CONFIG_PROPERTIES),
            seams.ResourceType(
                f"{_PREFIX}Endpoint", create=self._create_endpoint, update=self._update_endpoint,
                delete=self._delete_endpoint, replacing=frozenset({"EndpointName"}), tags=_TAGS,
                waits=True,
            ),
            seams.ResourceType(
                f"{_PREFIX}ModelPackageGroup", create=self._create_group, update=self._update_group,
                delete=self._delete_group, replacing=GROUP_REPLACING, tags=_TAGS, waits=True,
            ),
        ]  # fmt: skip

    def _immutable(self, kind: str, replacing: frozenset[str]) -> seams.ResourceType:
        name_property = f"{kind}Name"

        def create(logical_id: str, properties: Properties, stack_name: str) -> Created:
            parameters = self._parameters(f"Create{kind}", properties)
            parameters.setdefault(
                name_property, seams.physical_name(stack_name, logical_id, max_length=NAME_LENGTH)
            )
            arn = str(self._call(f"Create{kind}", parameters)[f"{kind}Arn"])
            self._names[arn] = parameters[name_property]
            return arn, {name_property: parameters[name_property], "Id": arn}

        def update(arn: str, old: Properties, new: Properties, _stack: str) -> Created:
            self._retag(arn, old, new)
            return arn, {name_property: self._names[arn], "Id": arn}

        def delete(arn: str, _properties: Properties) -> None:
            self._unless_gone(f"Delete{kind}", {name_property: self._names[arn]})

        return seams.ResourceType(
            f"{_PREFIX}{kind}", create=create, update=update, delete=delete, replacing=replacing,
            tags=_TAGS, waits=True,
        )  # fmt: skip

    def _create_endpoint(self, logical_id: str, properties: Properties, stack_name: str) -> Created:
        wanted = {key: value for key, value in properties.items() if key not in _UPDATE_ONLY}
        parameters = self._parameters("CreateEndpoint", wanted)
        parameters.setdefault(
            "EndpointName", seams.physical_name(stack_name, logical_id, max_length=NAME_LENGTH)
        )
        name = parameters["EndpointName"]
        arn = str(self._call("CreateEndpoint", parameters)["EndpointArn"])
        self._names[arn] = name
        try:
            self._wait(name)
        except Exception:
            self._unless_gone("DeleteEndpoint", {"EndpointName": name})
            raise
        return arn, {"EndpointName": name, "Id": arn}

    def _update_endpoint(self, arn: str, old: Properties, new: Properties, _stack: str) -> Created:
        name = self._names[arn]
        attributes = {"EndpointName": name, "Id": arn}
        self._retag(arn, old, new)
        if {**old, "Tags": None} == {**new, "Tags": None}:
            return arn, attributes
        parameters = self._parameters("UpdateEndpoint", {**new, "Tags": None})
        self._call("UpdateEndpoint", {**parameters, "EndpointName": name})
        self._wait(name)
        live = self._call("DescribeEndpoint", {"EndpointName": name})
        if live["EndpointConfigName"] != parameters["EndpointConfigName"]:
            # SageMaker rolled back by itself; CloudFormation notices and fails the update.
            raise ServiceError(
                "UpdateRollbackFailed",
                f"endpoint {name} went back to {live['EndpointConfigName']}: "
                f"{live.get('FailureReason', '')}",
            )
        return arn, attributes

    def _delete_endpoint(self, arn: str, _properties: Properties) -> None:
        name = self._names[arn]
        self._unless_gone("DeleteEndpoint", {"EndpointName": name})
        self._wait_deleted(name, ENDPOINT_TIMEOUT_SECONDS)

    def _wait(self, name: str) -> None:
        """Until the endpoint serves.

        Raises:
            ServiceError: it failed.
        """
        self._wait_for(name, ENDPOINT_TIMEOUT_SECONDS)
        found = self._call("DescribeEndpoint", {"EndpointName": name})
        if found["EndpointStatus"] != "InService":
            reason = found.get("FailureReason") or f"the endpoint is {found['EndpointStatus']}"
            raise ServiceError("NotStabilized", reason)

    def _create_group(self, logical_id: str, properties: Properties, stack_name: str) -> Created:
        wanted = {k: v for k, v in properties.items() if k != "ModelPackageGroupPolicy"}
        parameters = self._parameters("CreateModelPackageGroup", wanted)
        parameters.setdefault(
            "ModelPackageGroupName",
            seams.physical_name(stack_name, logical_id, max_length=NAME_LENGTH),
        )
        arn = str(self._call("CreateModelPackageGroup", parameters)["ModelPackageGroupArn"])
        self._names[arn] = parameters["ModelPackageGroupName"]
        self._put_policy(parameters["ModelPackageGroupName"], {}, properties)
        return arn, self._group_attributes(parameters["ModelPackageGroupName"])

    def _update_group(self, arn: str, old: Properties, new: Properties, _stack: str) -> Created:
        self._retag(arn, old, new)
        name = self._names[arn]
        self._put_policy(name, old, new)
        return arn, self._group_attributes(name)

    def _delete_group(self, arn: str, _properties: Properties) -> None:
        name = self._names[arn]
        self._unless_gone("DeleteModelPackageGroup", {"ModelPackageGroupName": name})

    def _group_attributes(self, name: str) -> Properties:
        found = self._call("DescribeModelPackageGroup", {"ModelPackageGroupName": name})
        return {
            "ModelPackageGroupArn": found["ModelPackageGroupArn"],
            "ModelPackageGroupStatus": found["ModelPackageGroupStatus"],
            "CreationTime": str(found["CreationTime"]),
        }

    def _put_policy(self, name: str, old: Properties, new: Properties) -> None:
        policy = new.get("ModelPackageGroupPolicy")
        if policy == old.get("ModelPackageGroupPolicy"):
            return
        key = {"ModelPackageGroupName": name}
        if policy is None:
            self._unless_gone("DeleteModelPackageGroupPolicy", key)
        else:
            text = policy if isinstance(policy, str) else json.dumps(policy)
            self._call("PutModelPackageGroupPolicy", {**key, "ResourcePolicy": text})

    def _parameters(self, action: str, properties: Properties) -> dict[str, Any]:
        shape = service_model("sagemaker").operation_model(action).input_shape
        present = {key: value for key, value in properties.items() if value is not None}
        parameters: dict[str, Any] = as_parameters(present, shape)
        return parameters

    def _retag(self, arn: str, old: Properties, new: Properties) -> None:
        if old.get("Tags") == new.get("Tags"):
            return
        wanted = new.get("Tags") or []
        keep = {tag["Key"] for tag in wanted}
        gone = [tag["Key"] for tag in old.get("Tags") or [] if tag["Key"] not in keep]
        if gone:
            self._call("DeleteTags", {"ResourceArn": arn, "TagKeys": gone})
        if wanted:
            self._call("AddTags", {"ResourceArn": arn, "Tags": wanted})

    def _unless_gone(self, action: str, parameters: dict[str, Any]) -> None:
        """Delete, and be content when there is nothing to delete."""
        try:
            self._call(action, parameters)
        except ServiceError as error:
            if not _says_missing(error):
                raise


def _says_missing(error: ServiceError) -> bool:
    text = error.message.lower()
    return "NotFound" in error.code or "could not find" in text or "not exist" in text
