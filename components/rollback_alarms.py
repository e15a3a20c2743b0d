"""Alarms that make SageMaker take a new model back."""

from typing import cast

from aws_cdk import CfnCondition
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from components.acknowledge import acknowledge
from components.endpoint_metrics import EndpointMetrics
from flywheel.settings import ServingSettings

_MOST_VARIANTS = 5
"""Two alarms each: an endpoint update looks at ten at most.
Source: Amazon SageMaker API, AutoRollbackConfig."""


class RollbackAlarms(Construct):
    """Latency and errors of each variant, seen on the new fleet only.

    The metrics carry the name of the endpoint config, which is new with each model. So an old fleet
    that is already failing cannot stop the update that would mend it, and an update starts with
    alarms that have seen nothing.

    Source: Amazon SageMaker Developer Guide, "Auto-rollback configuration and monitoring".

    Attributes:
        alarm_names: For AutoRollbackConfiguration.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        serving: ServingSettings,
        endpoint_name: str,
        endpoint_config_name: str,
        condition: CfnCondition,
    ) -> None:
        super().__init__(scope, construct_id)
        self._condition = condition
        self.alarm_names: list[str] = []
        new_fleet = EndpointMetrics(endpoint_name, endpoint_config_name, period_minutes=1)
        for variant in serving.variants[:_MOST_VARIANTS]:
            name = variant.name
            self._alarm(
                f"{name.capitalize()}Latency",
                f"p99 latency of the new {name} fleet above {serving.max_latency_ms:g} ms",
                new_fleet.metric("ModelLatency", name, statistic="p99"),
                above=serving.max_latency_ms * 1000,
            )
            self._alarm(
                f"{name.capitalize()}Errors",
                f"5xx answers of the new {name} fleet above {serving.max_error_percent:g} %",
                new_fleet.error_percent(name),
                above=serving.max_error_percent,
            )
        acknowledge(
            self,
            "SageMaker acts on these alarms; people are told by the alarms of MonitoringStack.",
            "NIST.800.53.R5-CloudWatchAlarmAction",
        )

    def _alarm(
        self, name: str, description: str, metric: cloudwatch.IMetric, *, above: float
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=description,
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=2,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        cast(cloudwatch.CfnAlarm, alarm.node.default_child).cfn_options.condition = self._condition
        self.alarm_names.append(alarm.alarm_name)
