"""The local SageMaker: one front door for HTTP requests and for calls from the same process."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flywheel.errors import UserError
from flywheel.local_aws.processes import ProcessTable
from flywheel.local_aws.sagemaker import schema
from flywheel.local_aws.sagemaker.capture import DataCapture
from flywheel.local_aws.sagemaker.config import SageMakerConfig
from flywheel.local_aws.sagemaker.endpoints import Endpoints
from flywheel.local_aws.sagemaker.errors import ServiceError, validation_error
from flywheel.local_aws.sagemaker.events import EventSender
from flywheel.local_aws.sagemaker.jobs import JobService, Services
from flywheel.local_aws.sagemaker.logs import LogSender
from flywheel.local_aws.sagemaker.models import Models
from flywheel.local_aws.sagemaker.processing_jobs import ProcessingJobs
from flywheel.local_aws.sagemaker.registry import Registry
from flywheel.local_aws.sagemaker.resources import State
from flywheel.local_aws.sagemaker.runtime import Runtime
from flywheel.local_aws.sagemaker.storage import Storage
from flywheel.local_aws.sagemaker.tags import Tags
from flywheel.local_aws.sagemaker.training_jobs import TrainingJobs
from flywheel.local_aws.sagemaker.transform_jobs import TransformJobs
from flywheel.local_aws.sagemaker.tuning_jobs import TuningJobs

logger = logging.getLogger(__name__)

_NUM_CONTROL_THREADS = 8
_NUM_RUNTIME_THREADS = 64

Response = tuple[int, dict[str, str], bytes]
Action = Callable[[dict[str, Any]], dict[str, Any]]


class SageMaker:
    """All of SageMaker for one account and region."""

    def __init__(self, config: SageMakerConfig) -> None:
        """Start with no resources; AWS's model is read in the background."""
        self.config = config
        storage = Storage(config)
        self._services = Services(
            config=config,
            state=State(),
            storage=storage,
            events=EventSender(config),
            logs=LogSender(config, storage),
            processes=ProcessTable(),
        )
        self._registry = Registry(self._services)
        self._models = Models(self._services, self._registry)
        self._endpoints = Endpoints(self._services, self._models)
        self._training = TrainingJobs(self._services)
        self._processing = ProcessingJobs(self._services)
        self._tuning = TuningJobs(self._services, self._training)
        self._transform = TransformJobs(self._services, self._models)
        self._capture = DataCapture(storage, config.capture_flush_seconds)
        self._runtime = Runtime(config, self._endpoints, self._capture)
        self._actions: dict[str, Action] = {
            **self._training.actions(),
            **self._processing.actions(),
            **self._tuning.actions(),
            **self._transform.actions(),
            **self._registry.actions(),
            **self._models.actions(),
            **self._endpoints.actions(),
            **self._tags().actions(),
        }
        self._control_pool = ThreadPoolExecutor(
            _NUM_CONTROL_THREADS, thread_name_prefix="sagemaker"
        )
        self._runtime_pool = ThreadPoolExecutor(
            _NUM_RUNTIME_THREADS, thread_name_prefix="sagemaker-runtime"
        )
        threading.Thread(target=_read_models, name="sagemaker-model", daemon=True).start()

    def _tags(self) -> Tags:
        places = (
            self._training.jobs, self._processing.jobs, self._tuning.jobs, self._transform.jobs,
            self._endpoints.endpoints, self._models.models, self._models.configs,
            self._registry.groups, self._registry.packages,
        )  # fmt: skip
        return Tags(self._services.state, places)

    @property
    def actions(self) -> list[str]:
        """The actions that are here."""
        return sorted(self._actions)

    def call(self, action: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one action; for worker threads of the same process, never for the event loop's
        thread.

        Args:
            action: Such as `CreateTrainingJob`.
            params: As boto3 takes them.

        Returns:
            The response; times are seconds since 1970.

        Raises:
            ServiceError: As AWS would answer.
        """
        known = self._actions.get(action)
        if known is None:
            raise ServiceError(
                "UnknownOperationException",
                f"{action} is not implemented in the local SageMaker. It has: "
                f"{', '.join(self.actions)}.",
            )
        given = json.loads(
            json.dumps(dict(params), default=_seconds)
        )  # a copy that the caller cannot change
        schema.check_request(action, given)
        try:
            return known(given)
        except UserError as error:
            raise validation_error(str(error)) from error

    def wait(self, kind: str, name: str, timeout_seconds: float | None = None) -> dict[str, Any]:
        """Block until a job has ended, or an endpoint is neither starting nor changing.

        Args:
            kind: `training-job`, `processing-job`, `hyper-parameter-tuning-job`, `transform-job` or
                `endpoint`.
            name: Of the resource.
            timeout_seconds: How long at most; None: no limit.

        Returns:
            Its Describe response.

        Raises:
            TimeoutError: It takes longer.
            ServiceError: There is no such resource.
        """
        places: dict[str, JobService[Any] | Endpoints] = {
            "training-job": self._training,
            "processing-job": self._processing,
            "hyper-parameter-tuning-job": self._tuning,
            "transform-job": self._transform,
            "endpoint": self._endpoints,
        }
        if kind not in places:
            raise ValueError(f"kind is {kind}; it must be one of {', '.join(places)}.")
        answer = places[kind].wait(name, timeout_seconds)
        if answer is None:
            raise TimeoutError(f"{kind} {name} did not end within {timeout_seconds} s")
        return answer

    def wait_deleted(self, name: str, timeout_seconds: float | None = None) -> None:
        """Block until an endpoint that is being deleted is gone.

        Raises:
            TimeoutError: It takes longer.
        """
        if not self._endpoints.wait_deleted(name, timeout_seconds):
            raise TimeoutError(f"endpoint {name} was not deleted within {timeout_seconds} s")

    def invoke(self, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer a request of `sagemaker-runtime`; for worker threads."""
        return self._runtime.handle(
            path, {name.lower(): value for name, value in headers.items()}, body
        )

    async def handle_request(self, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer an HTTP request; the work is done on threads, the event loop stays free."""
        loop = asyncio.get_running_loop()
        if path.startswith("/endpoints/"):
            return await loop.run_in_executor(self._runtime_pool, self.invoke, path, headers, body)
        return await loop.run_in_executor(self._control_pool, self._answer, headers, body)

    def close(self, grace_seconds: float = 3.0) -> None:
        """End every process and thread; files below the work folder stay.

        Args:
            grace_seconds: Between SIGTERM and SIGKILL, for all processes at once.
        """
        self._endpoints.close()
        self._transform.abandon()
        self._capture.close()
        self._services.processes.close(grace_seconds)
        self._tuning.close()
        self._transform.close()
        self._training.close()
        self._processing.close()
        self._control_pool.shutdown(wait=False, cancel_futures=True)
        self._runtime_pool.shutdown(wait=False, cancel_futures=True)
        self._services.logs.close()
        self._services.storage.close()

    def _answer(self, headers: Mapping[str, str], body: bytes) -> Response:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        content_type = {"Content-Type": "application/x-amz-json-1.1"}
        try:
            return 200, content_type, json.dumps(self.call(action, _parsed(body))).encode()
        except ServiceError as error:
            refused = error
        except Exception:
            logger.exception("%s failed", action)
            refused = ServiceError(
                "InternalFailure", "The local SageMaker has failed; see its log.", 500
            )
        content = {
            "__type": refused.code,
            "message": refused.message,
            "Message": refused.message,
            **refused.members,
        }
        return (
            refused.status,
            content_type | {"x-amzn-errortype": refused.code},
            json.dumps(content).encode(),
        )


_current: SageMaker | None = None


def configure(config: SageMakerConfig) -> SageMaker:
    """Make the service that this module's functions stand for; an earlier one is shut down."""
    global _current  # noqa: PLW0603 - a service module of the gateway is one per process
    shutdown()
    _current = SageMaker(config)
    return _current


def current() -> SageMaker:
    """The configured service.

    Raises:
        RuntimeError: `configure` was not called.
    """
    if _current is None:
        raise RuntimeError(
            "the local SageMaker is not configured: call configure(SageMakerConfig(...)) first"
        )
    return _current


async def handle_request(
    method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
) -> Response:
    """A service module of the gateway: control plane by X-Amz-Target, runtime by path."""
    del method, query_params  # every request is a POST without parameters
    return await current().handle_request(path, headers, body)


def call(action: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """`SageMaker.call` of the configured service."""
    return current().call(action, params)


def wait(kind: str, name: str, timeout_seconds: float | None = None) -> dict[str, Any]:
    """`SageMaker.wait` of the configured service."""
    return current().wait(kind, name, timeout_seconds)


def shutdown(grace_seconds: float = 3.0) -> None:
    """End everything that runs; without a configured service nothing happens."""
    global _current
    service, _current = _current, None
    if service is not None:
        service.close(grace_seconds)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        params = json.loads(body) if body else {}
    except ValueError as error:
        raise ServiceError("SerializationException", f"The body is not JSON: {error}.") from error
    if not isinstance(params, dict):
        raise ServiceError("SerializationException", "The body must be a JSON object.")
    return params


def _read_models() -> None:
    for name in ("sagemaker", "sagemaker-runtime"):
        schema.service_model(name)


def _seconds(value: Any) -> float:
    return float(value.timestamp())
