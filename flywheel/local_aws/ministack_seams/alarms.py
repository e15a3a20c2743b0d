"""CloudWatch: alarms on metric math."""

from __future__ import annotations

from typing import Any

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from flywheel.local_aws.ministack_seams.cloudformation import Properties

_original: dict[str, Any] = {}
_METRIC_OF_ONE = (
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Period",
    "Dimensions",
    "Unit",
)


def allow_math_alarms() -> None:
    """Let a template declare an alarm on metric math.

    ministack keeps and describes it, and SetAlarmState works on it; it computes no metric math, so
    such an alarm stays in the state that it has.
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"]
    if handlers["create"] is _alarm_create:
        return
    _original["_alarm_create"], _original["_alarm_update"] = handlers["create"], handlers["update"]
    handlers["create"], handlers["update"] = _alarm_create, _alarm_update


def _without_math(properties: Properties) -> Properties:
    if not properties.get("Metrics"):
        return properties
    return {**properties, "Metrics": None, "MetricName": "metric-math", "Namespace": "metric-math"}


def _keep_math(name: str, properties: Properties) -> None:
    if properties.get("Metrics"):
        record = cloudwatch._alarms[name]
        for member in _METRIC_OF_ONE:
            record.pop(member, None)
        record["Metrics"] = properties["Metrics"]


def _alarm_create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Any]:
    made: tuple[str, Any] = _original["_alarm_create"](
        logical_id, _without_math(properties), stack_name
    )
    _keep_math(made[0], properties)
    return made


def _alarm_update(
    physical_id: str, old: Properties, new: Properties, *names: str
) -> tuple[str, Any]:
    made: tuple[str, Any] = _original["_alarm_update"](
        physical_id, _without_math(old), _without_math(new), *names
    )
    _keep_math(made[0], new)
    return made
