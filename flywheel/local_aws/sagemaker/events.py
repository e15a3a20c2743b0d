"""State changes, told to EventBridge as SageMaker tells them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from flywheel.local_aws.sagemaker.config import SageMakerConfig

logger = logging.getLogger(__name__)

_TIMES_END = "Time"


class EventSender:
    """Sends `SageMaker … State Change` events. Source: SageMaker developer guide, "Events that
    Amazon SageMaker AI sends to Amazon EventBridge"."""

    def __init__(self, config: SageMakerConfig) -> None:
        self._put_events = config.put_events

    def send(
        self, noun: str, arn: str, description: Mapping[str, Any], tags: Mapping[str, str]
    ) -> None:
        """Tell that a resource changed.

        Args:
            noun: Such as `Training Job`.
            arn: The resource.
            description: Its Describe response; times become milliseconds, as AWS's events have
            them.
            tags: Its tags.
        """
        detail = _milliseconds(description) | {"Tags": dict(tags)}
        entry = {
            "Source": "aws.sagemaker",
            "DetailType": f"SageMaker {noun} State Change",
            "Detail": json.dumps(detail),
            "Resources": [arn],
        }
        try:
            self._put_events([entry])
        except Exception:
            logger.warning("EventBridge did not take the event %s of %s", noun, arn, exc_info=True)


def _milliseconds(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        return {key: _milliseconds(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_milliseconds(member) for member in value]
    if isinstance(value, float) and name.endswith((_TIMES_END, "Timestamp")):
        return int(value * 1000)
    return value
