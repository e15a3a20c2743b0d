"""As many instances as the invocations need."""

from aws_cdk import CfnCondition, CfnResource
from aws_cdk import aws_applicationautoscaling as appscaling
from constructs import Construct

from flywheel.settings import ServingSettings

_SCALE_OUT_COOLDOWN_SECONDS = 60
_SCALE_IN_COOLDOWN_SECONDS = 300


class EndpointAutoscaling(Construct):
    """Target tracking on the invocations per instance, for each variant of an endpoint.

    Targets stay registered while models change. AWS refuses to change the instance type of a
    variant that scales: set `autoscaling: null`, deploy, change the type, deploy, set it again.
    Source: Amazon SageMaker Developer Guide, "Update endpoints that use auto scaling".
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        serving: ServingSettings,
        endpoint_name: str,
        endpoint: CfnResource,
        condition: CfnCondition,
    ) -> None:
        super().__init__(scope, construct_id)
        settings = serving.autoscaling
        if settings is None:
            return
        for variant in serving.variants:
            name = variant.name.capitalize()
            target = appscaling.CfnScalableTarget(
                self,
                f"{name}Target",
                service_namespace="sagemaker",
                scalable_dimension="sagemaker:variant:DesiredInstanceCount",
                resource_id=f"endpoint/{endpoint_name}/variant/{variant.name}",
                min_capacity=settings.min_count,
                max_capacity=settings.max_count,
            )
            target.add_resource_dependency(endpoint)
            target.cfn_options.condition = condition
            policy = appscaling.CfnScalingPolicy
            tracking = policy(
                self,
                f"{name}Policy",
                policy_name=f"{endpoint_name}-{variant.name}-invocations",
                policy_type="TargetTrackingScaling",
                scaling_target_id=target.ref,
                target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
                    predefined_metric_specification=policy.PredefinedMetricSpecificationProperty(
                        predefined_metric_type="SageMakerVariantInvocationsPerInstance"
                    ),
                    target_value=settings.invocations_per_instance_per_minute,
                    scale_out_cooldown=_SCALE_OUT_COOLDOWN_SECONDS,
                    scale_in_cooldown=_SCALE_IN_COOLDOWN_SECONDS,
                ),
            )
            tracking.cfn_options.condition = condition
