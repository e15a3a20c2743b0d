"""How an endpoint moves from one model to the next."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_sagemaker as sagemaker

from flywheel.settings import ServingSettings

_UPDATE_TIMEOUT_SECONDS = 3600
_MOST_TIMEOUT_SECONDS = 28_800


def deployment_config(
    serving: ServingSettings, alarm_names: Sequence[str]
) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
    """Blue/green, watched by the alarms, which take it back.

    With a canary the alarms look twice: at the canary, and at the whole new fleet before the old
    one goes. Without one all traffic moves as soon as the new fleet answers, and nobody looks.
    Source: Amazon SageMaker Developer Guide, "Use canary traffic shifting".
    """
    endpoint = sagemaker.CfnEndpoint
    canary = serving.canary
    wait_seconds = canary.wait_seconds if canary else 0
    # SageMaker's API demands the interval, also where nothing is waited for.
    routing = endpoint.TrafficRoutingConfigProperty(type="ALL_AT_ONCE", wait_interval_in_seconds=0)
    if canary:
        routing = endpoint.TrafficRoutingConfigProperty(
            type="CANARY",
            canary_size=endpoint.CapacitySizeProperty(
                type="CAPACITY_PERCENT", value=canary.percent
            ),
            wait_interval_in_seconds=wait_seconds,
        )
    return endpoint.DeploymentConfigProperty(
        auto_rollback_configuration=endpoint.AutoRollbackConfigProperty(
            alarms=[endpoint.AlarmProperty(alarm_name=name) for name in alarm_names]
        ),
        blue_green_update_policy=endpoint.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=routing,
            termination_wait_in_seconds=wait_seconds,
            maximum_execution_timeout_in_seconds=min(
                _UPDATE_TIMEOUT_SECONDS + 2 * wait_seconds, _MOST_TIMEOUT_SECONDS
            ),
        ),
    )


def retained_properties(serving: ServingSettings) -> dict[str, Any]:
    """With autoscaling an update keeps the number of instances that the load has asked for.

    Weights and data capture still come from the settings.
    """
    if serving.autoscaling is None:
        return {}
    retained = sagemaker.CfnEndpoint.VariantPropertyProperty
    return {
        "retain_all_variant_properties": True,
        "exclude_retained_variant_properties": [
            retained(variant_property_type="DesiredWeight"),
            retained(variant_property_type="DataCaptureConfig"),
        ],
    }
