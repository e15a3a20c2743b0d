"""Application Auto Scaling: keeps scalable targets and policies, and checks them as AWS does.

Nothing scales here: an endpoint on one machine has one instance. What a template declares is held
and described.
"""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.aws_service import AwsService
from flywheel.local_aws.sagemaker.errors import ServiceError, validation_error

SERVICE = "application-autoscaling"
TARGET_PREFIX = "AnyScaleFrontendService."

Key = tuple[str, str, str, str, str]
_VARIANT = re.compile(r"endpoint/(?P<endpoint>[^/]+)/variant/(?P<variant>[^/]+)")


class AutoScaling:
    """The service.

    Args:
        describe_endpoint: SageMaker's DescribeEndpoint, which knows whether a target exists.
    """

    def __init__(self, describe_endpoint: Callable[[str], dict[str, Any]]) -> None:
        self._describe_endpoint = describe_endpoint
        self._targets: dict[Key, dict[str, Any]] = {}
        self._policies: dict[tuple[Key, str], dict[str, Any]] = {}
        self._lock = threading.Lock()
        self.service = AwsService(
            SERVICE,
            {
                "RegisterScalableTarget": self._register,
                "DeregisterScalableTarget": self._deregister,
                "DescribeScalableTargets": self._describe_targets,
                "PutScalingPolicy": self._put_policy,
                "DeleteScalingPolicy": self._delete_policy,
                "DescribeScalingPolicies": self._describe_policies,
                "DescribeScalingActivities": lambda _: {"ScalingActivities": []},
            },
        )

    def _register(self, request: dict[str, Any]) -> dict[str, Any]:
        key = _key(request)
        self._check_resource(request)
        with self._lock:
            target = dict(self._targets.get(key) or {"CreationTime": time.time()})
            target |= {name: value for name, value in request.items() if name != "Tags"}
            if "MinCapacity" not in target or "MaxCapacity" not in target:
                raise validation_error(
                    "MinCapacity and MaxCapacity are needed for a new scalable target"
                )
            if target["MinCapacity"] > target["MaxCapacity"]:
                raise validation_error("Maximum capacity cannot be less than minimum capacity")
            account_id, region = key[:2]
            target.setdefault(
                "ScalableTargetARN",
                f"arn:aws:application-autoscaling:{region}:{account_id}:scalable-target/{uuid.uuid4().hex[:28]}",
            )
            target.setdefault("RoleARN", _service_role(account_id))
            self._targets[key] = target
        return {"ScalableTargetARN": target["ScalableTargetARN"]}

    def _check_resource(self, request: dict[str, Any]) -> None:
        """AWS refuses a target that does not exist."""
        if request["ServiceNamespace"] != "sagemaker":
            return
        variant = _VARIANT.fullmatch(request["ResourceId"])
        if variant is None:
            raise validation_error(
                f"Unsupported resource type for ResourceId {request['ResourceId']}"
            )
        try:
            found = self._describe_endpoint(variant["endpoint"])
        except ServiceError as error:
            raise validation_error(error.message) from None
        names = [item["VariantName"] for item in found.get("ProductionVariants", [])]
        if names and variant["variant"] not in names:
            raise validation_error(
                f"endpoint {variant['endpoint']} has no variant {variant['variant']}; it has "
                f"{', '.join(names)}"
            )

    def _deregister(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._existing(_key(request))
            del self._targets[_key(request)]
            for policy in [each for each in self._policies if each[0] == _key(request)]:
                del self._policies[policy]
        return {}

    def _describe_targets(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            found = [t for k, t in self._targets.items() if _wanted(k, request, "ResourceIds")]
        return {"ScalableTargets": found}

    def _put_policy(self, request: dict[str, Any]) -> dict[str, Any]:
        key, name = _key(request), request["PolicyName"]
        with self._lock:
            self._existing(key)
            account_id, region = key[:2]
            known = self._policies.get((key, name)) or {
                "CreationTime": time.time(),
                "PolicyARN": (
                    f"arn:aws:autoscaling:{region}:{account_id}:scalingPolicy:{uuid.uuid4()}:resource/"
                    f"{request['ServiceNamespace']}/{request['ResourceId']}:policyName/{name}"
                ),
            }
            self._policies[key, name] = {"PolicyType": "StepScaling", **known, **request}
            return {"PolicyARN": known["PolicyARN"], "Alarms": []}

    def _delete_policy(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            if (_key(request), request["PolicyName"]) not in self._policies:
                raise ServiceError(
                    "ObjectNotFoundException", f"No policy {request['PolicyName']} found"
                )
            del self._policies[_key(request), request["PolicyName"]]
        return {}

    def _describe_policies(self, request: dict[str, Any]) -> dict[str, Any]:
        names = request.get("PolicyNames")
        resource = request.get("ResourceId")
        with self._lock:
            found = [
                policy
                for (key, name), policy in self._policies.items()
                if _wanted(key, request, "")
                and resource in (None, key[3])
                and (not names or name in names)
            ]
        return {"ScalingPolicies": found}

    def _existing(self, key: Key) -> dict[str, Any]:
        if key not in self._targets:
            raise ServiceError(
                "ObjectNotFoundException",
                f"No scalable target found for service namespace: {key[2]}, resource ID: {key[3]}, "
                f"scalable dimension: {key[4]}",
            )
        return self._targets[key]


def _key(request: dict[str, Any]) -> Key:
    scope = seams.account_and_region()
    return (
        *scope,
        request["ServiceNamespace"],
        request["ResourceId"],
        request["ScalableDimension"],
    )


def _wanted(key: Key, request: dict[str, Any], ids: str) -> bool:
    return (
        key[:2] == seams.account_and_region()
        and key[2] == request["ServiceNamespace"]
        and (not request.get(ids) or key[3] in request[ids])
        and request.get("ScalableDimension", key[4]) == key[4]
    )


def _service_role(account_id: str) -> str:
    return (
        f"arn:aws:iam::{account_id}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
        "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    )
