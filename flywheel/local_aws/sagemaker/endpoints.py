"""Endpoints: created, updated without a failed request, rolled back, deleted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from flywheel.local_aws.sagemaker.endpoint import Endpoint, describe, summary
from flywheel.local_aws.sagemaker.errors import validation_error
from flywheel.local_aws.sagemaker.fleet import Fleet, StartError, Variant
from flywheel.local_aws.sagemaker.jobs import Services
from flywheel.local_aws.sagemaker.models import Models
from flywheel.local_aws.sagemaker.resources import Collection, Resource, now, page
from flywheel.local_aws.sagemaker.sandbox import Sandbox
from flywheel.local_aws.sagemaker.traffic import Shift, plan

logger = logging.getLogger(__name__)

_EVENT_STATUS = {
    "Creating": "CREATING",
    "Updating": "UPDATING",
    "RollingBack": "ROLLING_BACK",
    "InService": "IN_SERVICE",
    "Failed": "FAILED",
    "Deleting": "DELETING",
}
_BUSY = ("Creating", "Updating", "RollingBack", "Deleting")


class Endpoints:
    """The endpoints of one account and region."""

    def __init__(self, services: Services, models: Models) -> None:
        self._services = services
        self._config = services.config
        self._models = models
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self.endpoints: Collection[Endpoint] = Collection(services.state)

    def actions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """What this part of the service answers."""
        return {
            "CreateEndpoint": self.create,
            "UpdateEndpoint": self.update,
            "UpdateEndpointWeightsAndCapacities": self.update_weights,
            "DescribeEndpoint": lambda params: self.describe(self.get(params["EndpointName"])),
            "DeleteEndpoint": self.delete,
            "ListEndpoints": lambda params: page(
                self.endpoints.all(), params, "Endpoints", summary
            ),
        }

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer CreateEndpoint; the servers start in the background."""
        config = self._models.config(params["EndpointConfigName"])
        name = params["EndpointName"]
        endpoint = Endpoint(
            name=name,
            arn=self._config.arn("endpoint", name),
            request=params,
            config_name=config.name,
            deployment=params.get("DeploymentConfig"),
        )
        fleet = self._fleet(endpoint, config)
        self.endpoints.add(
            endpoint,
            lambda known: validation_error(
                f'Cannot create already existing endpoint "{known.arn}".'
            ),
        )
        self._tell(endpoint)
        self._start(self._create, endpoint, fleet, config)
        return {"EndpointArn": endpoint.arn}

    def update(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer UpdateEndpoint; in the background, traffic moves when the new servers answer."""
        config = self._models.config(params["EndpointConfigName"])
        with self._services.state.changed:
            endpoint = self._idle(params["EndpointName"])
            if endpoint.status == "Failed":
                raise validation_error(
                    f'Cannot update endpoint "{endpoint.arn}" in status Failed; delete it.'
                )
            if not params.get("RetainDeploymentConfig", False):
                endpoint.deployment = params.get("DeploymentConfig")
            fleet = self._fleet(endpoint, config)
            if params.get("RetainAllVariantProperties", False):
                excluded = [
                    one["VariantPropertyType"]
                    for one in params.get("ExcludeRetainedVariantProperties", ())
                ]
                _retain(fleet, endpoint.fleet, excluded)
            endpoint.pending = fleet
            self._set(endpoint, "Updating")
        self._tell(endpoint)
        self._start(self._update, endpoint, fleet, config)
        return {"EndpointArn": endpoint.arn}

    def update_weights(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer UpdateEndpointWeightsAndCapacities.

        Weights count at once; a count of instances is only kept, for the servers of a variant are
        as many as this machine can bear.
        """
        with self._services.state.changed:
            endpoint = self._idle(params["EndpointName"])
            variants = endpoint.fleet.variants if endpoint.fleet else {}
            wanted = params["DesiredWeightsAndCapacities"]
            for one in wanted:
                if one["VariantName"] not in variants:
                    raise validation_error(
                        f'The variant name(s) "{one["VariantName"]}" is/are not present within '
                        "endpoint configuration "
                        f'"{endpoint.config_name}".'
                    )
            for one in wanted:
                variant = variants[one["VariantName"]]
                variant.weight = one.get("DesiredWeight", variant.weight)
                variant.num_instances = one.get("DesiredInstanceCount", variant.num_instances)
            self._set(endpoint, "Updating")
        self._tell(endpoint)
        self._change(endpoint, "InService")
        return {"EndpointArn": endpoint.arn}

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        """Answer DeleteEndpoint; requests in flight are answered first."""
        with self._services.state.changed:
            endpoint = self._idle(params["EndpointName"])
            self._set(endpoint, "Deleting")
            endpoint.traffic.set()
        self._tell(endpoint)
        self._start(self._delete, endpoint)
        return {}

    def get(self, name: str) -> Endpoint:
        """The endpoint of that name.

        Raises:
            ServiceError: There is none.
        """
        arn = self._config.arn("endpoint", name)
        return self.endpoints.get(
            name, lambda: validation_error(f'Could not find endpoint "{arn}".')
        )

    def describe(self, endpoint: Endpoint) -> dict[str, Any]:
        """Answer DescribeEndpoint."""
        with self._services.state.changed:
            return describe(endpoint)

    def wait(self, name: str, timeout_seconds: float | None) -> dict[str, Any] | None:
        """Wait until an endpoint has settled; its description, or None after the timeout."""
        endpoint = self.get(name)
        settled = self._services.state.wait_for(
            lambda: endpoint.status not in _BUSY or None, timeout_seconds
        )
        return self.describe(endpoint) if settled else None

    def wait_deleted(self, name: str, timeout_seconds: float | None) -> bool:
        """Wait until there is no endpoint of that name."""
        return bool(
            self._services.state.wait_for(
                lambda: self.endpoints.find(name) is None, timeout_seconds
            )
        )

    def close(self) -> None:
        """Take no more requests; whoever closes the process table ends the servers."""
        self._closing.set()
        for endpoint in self.endpoints.all():
            endpoint.traffic.set()
            for fleet in (endpoint.fleet, endpoint.pending):
                if fleet is not None:
                    fleet.abandon()

    def _create(self, endpoint: Endpoint, fleet: Fleet, config: Resource) -> None:
        endpoint.pending = fleet
        try:
            fleet.start()
        except StartError as error:
            endpoint.pending = None
            self._change(endpoint, "Failed", str(error))
            return
        endpoint.traffic.set((fleet, 1.0))
        self._take_over(endpoint, fleet, config)

    def _update(self, endpoint: Endpoint, fleet: Fleet, config: Resource) -> None:
        old = endpoint.fleet
        try:
            fleet.start()
        except StartError as error:
            # AWS goes back without a word in DescribeEndpoint; the reason is in the log.
            logger.warning(
                "endpoint %s stays on %s: %s", endpoint.name, endpoint.config_name, error
            )
            self._roll_back(endpoint, fleet)
            return
        if old is None:
            endpoint.traffic.set((fleet, 1.0))
        else:
            shift = Shift(
                self._services.storage,
                endpoint.traffic,
                self._closing,
                self._config.traffic_wait_scale,
            )
            instances = sum(variant.num_instances for variant in fleet.variants.values())
            alarm = shift.run(old, fleet, plan(endpoint.deployment, instances), endpoint.deployment)
            if alarm is not None:
                logger.warning(
                    "endpoint %s goes back to %s: alarm %s",
                    endpoint.name,
                    endpoint.config_name,
                    alarm,
                )
                self._roll_back(endpoint, fleet)
                return
        self._take_over(endpoint, fleet, config)
        if old is not None:
            old.drain(self._config.invocation_seconds)
            old.end()

    def _roll_back(self, endpoint: Endpoint, fleet: Fleet) -> None:
        self._change(endpoint, "RollingBack")
        fleet.drain(self._config.invocation_seconds)
        fleet.end()
        endpoint.pending = None
        self._change(endpoint, "InService")

    def _take_over(self, endpoint: Endpoint, fleet: Fleet, config: Resource) -> None:
        with self._services.state.changed:
            endpoint.fleet, endpoint.pending = fleet, None
            endpoint.config_name = config.name
            endpoint.capture = config.request.get("DataCaptureConfig")
            endpoint.failure_reason = None
            self._set(endpoint, "InService")
        self._tell(endpoint)

    def _delete(self, endpoint: Endpoint) -> None:
        if endpoint.fleet is not None:
            endpoint.fleet.drain(self._config.invocation_seconds)
            endpoint.fleet.end()
        self.endpoints.remove(endpoint.name)

    def _fleet(self, endpoint: Endpoint, config: Resource) -> Fleet:
        folder = (
            self._config.work_dir / "endpoints" / endpoint.name / str(next(endpoint.deployments))
        )
        variants = [
            Variant(
                name=settings["VariantName"],
                container=self._models.model(settings["ModelName"]).container,
                settings=settings,
                weight=settings.get("InitialVariantWeight", 1.0),
                num_instances=settings.get("InitialInstanceCount", 1),
                sandbox=Sandbox(folder / settings["VariantName"]),
            )
            for settings in config.request["ProductionVariants"]
        ]
        return Fleet(self._services, config.name, variants)

    def _idle(self, name: str) -> Endpoint:
        endpoint = self.get(name)
        if endpoint.status in _BUSY:
            raise validation_error(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        return endpoint

    def _start(self, target: Callable[..., None], endpoint: Endpoint, *args: Any) -> None:
        def run() -> None:
            try:
                target(endpoint, *args)
            except Exception as error:
                logger.exception("endpoint %s failed", endpoint.name)
                status = "Failed" if endpoint.fleet is None else "InService"
                self._change(endpoint, status, f"InternalServerError: {error}")

        thread = threading.Thread(target=run, name=f"endpoint-{endpoint.name}", daemon=True)
        self._threads = [known for known in self._threads if known.is_alive()] + [thread]
        thread.start()

    def _change(self, endpoint: Endpoint, status: str, reason: str | None = None) -> None:
        with self._services.state.changed:
            endpoint.failure_reason = reason
            self._set(endpoint, status)
        self._tell(endpoint)

    def _set(self, endpoint: Endpoint, status: str) -> None:
        endpoint.status, endpoint.modified = status, now()
        self._services.state.changed.notify_all()

    def _tell(self, endpoint: Endpoint) -> None:
        detail = self.describe(endpoint)
        detail["EndpointStatus"] = _EVENT_STATUS[detail["EndpointStatus"]]
        self._services.events.send("Endpoint", endpoint.arn, detail, endpoint.tags)


def _retain(new: Fleet, old: Fleet | None, excluded: list[str]) -> None:
    """Keep what was changed on the running variants, such as what autoscaling did."""
    for variant in new.variants.values():
        known = old.variants.get(variant.name) if old else None
        if known is None:
            continue
        if "DesiredWeight" not in excluded:
            variant.weight = known.weight
        if "DesiredInstanceCount" not in excluded:
            variant.num_instances = known.num_instances
