"""How traffic moves from one fleet to the next: at once, by canary or in steps, watched by
alarms."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from flywheel.local_aws.sagemaker.fleet import Fleet
from flywheel.local_aws.sagemaker.storage import Storage

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0  # between two looks at the alarms


class Traffic:
    """Which fleets take an endpoint's requests, and in what shares.

    A fleet that is replaced gets no new request from that moment on; those it has are counted, so
    that it can be drained.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shares: list[tuple[Fleet, float]] = []

    def set(self, *shares: tuple[Fleet, float]) -> None:
        """Send the next requests to these fleets."""
        with self._lock:
            self._shares = list(shares)

    @contextmanager
    def fleet(self) -> Iterator[Fleet | None]:
        """The fleet for one request, in flight until the block ends; None when there is none."""
        with self._lock:
            fleet = self._draw()
            if fleet is not None:
                fleet.enter()
        try:
            yield fleet
        finally:
            if fleet is not None:
                fleet.leave()

    def _draw(self) -> Fleet | None:
        if len(self._shares) < 2:
            return self._shares[0][0] if self._shares else None
        fleets, shares = zip(*self._shares, strict=True)
        drawn: Fleet = random.choices(fleets, shares)[0]  # noqa: S311 - traffic, not secrets
        return drawn


@dataclass(frozen=True)
class Step:
    """One stage of a deployment: the new fleet's share, and how long to watch it."""

    share: float
    wait_seconds: float


def plan(config: Mapping[str, Any] | None, num_instances: int) -> list[Step]:
    """The steps of a DeploymentConfig; the last one always gives the new fleet everything.

    Args:
        config: DeploymentConfig, or None for a blue/green update at once.
        num_instances: Of the new fleet, for sizes given as a count.
    """
    config = config or {}
    if rolling := config.get("RollingUpdatePolicy"):
        size = _share(rolling["MaximumBatchSize"], num_instances)
        return _linear(size, rolling["WaitIntervalInSeconds"], rolling["WaitIntervalInSeconds"])
    policy = config.get("BlueGreenUpdatePolicy", {})
    routing = policy.get("TrafficRoutingConfiguration", {})
    bake = policy.get("TerminationWaitInSeconds", 0)
    wait = routing.get("WaitIntervalInSeconds", 0)
    if routing.get("Type") == "CANARY":
        return [Step(_share(routing["CanarySize"], num_instances), wait), Step(1.0, bake)]
    if routing.get("Type") == "LINEAR":
        return _linear(_share(routing["LinearStepSize"], num_instances), wait, bake)
    return [Step(1.0, bake)]


class Shift:
    """Moves an endpoint's traffic from an old fleet to a new one."""

    def __init__(
        self, storage: Storage, traffic: Traffic, closing: threading.Event, wait_scale: float
    ) -> None:
        self._storage = storage
        self._traffic = traffic
        self._closing = closing
        self._wait_scale = wait_scale

    def run(
        self, old: Fleet, new: Fleet, steps: list[Step], config: Mapping[str, Any] | None
    ) -> str | None:
        """Carry out the steps; None, or the alarm that put the old fleet back."""
        alarms = [
            alarm["AlarmName"]
            for alarm in (config or {}).get("AutoRollbackConfiguration", {}).get("Alarms", ())
        ]
        for step in steps:
            shares = [(new, step.share)] + ([(old, 1 - step.share)] if step.share < 1 else [])
            self._traffic.set(*shares)
            alarm = self._watch(step.wait_seconds * self._wait_scale, alarms)
            if alarm is not None:
                self._traffic.set((old, 1.0))
                return alarm
        return None

    def _watch(self, seconds: float, alarms: list[str]) -> str | None:
        if seconds <= 0:
            return None
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self._closing.wait(min(left, _LOOK_SECONDS) if alarms else left):
                return None
            if alarms and (ringing := self._ringing(alarms)) is not None:
                return ringing
        return None

    def _ringing(self, alarms: list[str]) -> str | None:
        try:
            answer = self._storage.client("cloudwatch").describe_alarms(AlarmNames=alarms)
        except (ClientError, BotoCoreError) as error:
            logger.warning("the alarms %s cannot be read: %s", ", ".join(alarms), error)
            return None
        known: list[dict[str, str]] = [
            *answer.get("MetricAlarms", ()),
            *answer.get("CompositeAlarms", ()),
        ]
        return next((alarm["AlarmName"] for alarm in known if alarm["StateValue"] == "ALARM"), None)


def _share(size: Mapping[str, Any], num_instances: int) -> float:
    percent = (
        size["Value"]
        if size["Type"] == "CAPACITY_PERCENT"
        else 100 * size["Value"] / max(1, num_instances)
    )
    return float(min(100.0, percent)) / 100


def _linear(size: float, wait_seconds: float, bake_seconds: float) -> list[Step]:
    steps = [Step(share, wait_seconds) for share in _multiples(size)]
    return [*steps, Step(1.0, bake_seconds)]


def _multiples(size: float) -> Iterator[float]:
    number = 1
    while number * size < 1 - 1e-9:
        yield number * size
        number += 1
