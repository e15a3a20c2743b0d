"""Step Functions' `aws-sdk` tasks: any action of any service, by boto3 and the gateway's port.

ministack's own version covers a few services; this one has AWS's names, errors and parameter checks
for all.
"""

from __future__ import annotations

import contextvars
import re
import threading
from collections.abc import Iterable
from typing import Any

import boto3
import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.model import StructureShape

from flywheel.local_aws import ministack_seams as seams
from flywheel.local_aws.sagemaker.schema import service_model
from flywheel.local_aws.task_names import (
    Times,
    botocore_name,
    error_name,
    error_prefix,
    operation_name,
    to_api,
    to_states,
)

_RESOURCE = re.compile(
    r"arn:aws:states:::aws-sdk:(?P<service>\w+):(?P<action>\w+)(?P<pattern>\.\w+)?$"
)
# Step Functions does its own retrying, so that a definition can be tested.
_CLIENT = Config(
    retries={"total_max_attempts": 1}, max_pool_connections=32, connect_timeout=5, read_timeout=600,
    s3={"addressing_style": "path"},
)  # fmt: skip


class Clients:
    """boto3 clients of the gateway, one for each service, account and region.

    Args:
        endpoint_url: where the gateway answers.
    """

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()

    def warm(self, services: Iterable[str]) -> None:
        """Make clients beforehand, in the background: each takes a tenth of a second."""
        context = contextvars.copy_context()
        threading.Thread(
            target=lambda: [context.run(self.get, service) for service in services],
            name="clients",
            daemon=True,
        ).start()

    def get(self, service: str) -> Any:
        """A client of botocore's `service` that acts in the current account and region."""
        account_id, region = seams.account_and_region()
        key = (service, account_id, region)
        with self._lock:  # making clients is not thread-safe in boto3
            if key not in self._clients:
                session = boto3.Session(
                    aws_access_key_id=account_id,
                    aws_secret_access_key="test",  # noqa: S106  (the embedded AWS knows no secrets)
                    region_name=region,
                    botocore_session=botocore.session.Session(),
                )
                self._clients[key] = session.client(
                    service, endpoint_url=self._endpoint_url, config=_CLIENT
                )
            return self._clients[key]


class SdkTasks:
    """Runs `aws-sdk` tasks.

    Args:
        clients: of the gateway.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def run(self, resource: str, task_input: Any) -> Any:
        """Run `arn:aws:states:::aws-sdk:<service>:<action>`.

        Raises:
            Exception: the task's error, made by `seams.task_error`.
        """
        match = _RESOURCE.fullmatch(resource)
        if match is None:
            raise seams.task_error(
                "States.Runtime", f"{resource} is not a task of an AWS SDK integration."
            )
        if match["pattern"]:
            raise seams.task_error(
                "States.Runtime",
                f"{resource}: AWS SDK integrations only request a response; they have no "
                f"{match['pattern']}.",
            )
        return self.call(match["service"], match["action"], task_input)

    def call(
        self,
        service: str,
        action: str,
        task_input: Any,
        *,
        optimised: bool = False,
        times: Times = "iso",
    ) -> Any:
        """Call one action with a task's arguments.

        Args:
            service: as the task's Resource names it.
            action: as the task's Resource names it.
            task_input: its arguments.
            optimised: the task belongs to an optimised integration, whose errors have other names.
            times: how timestamps are written.
        """
        try:
            model = service_model(botocore_name(service))
        except BotoCoreError:
            raise seams.task_error("States.Runtime", f"AWS has no service {service}.") from None
        operation = operation_name(model, action)
        if operation is None:
            raise seams.task_error("States.Runtime", f"{service} has no action {action}.")
        shapes = model.operation_model(operation)
        arguments = task_input if isinstance(task_input, dict) else {}
        if shapes.input_shape is not None:
            arguments = to_api(arguments, shapes.input_shape)
        client = self._clients.get(botocore_name(service))
        try:
            result = getattr(client, xform_name(operation))(**arguments)
        except ParamValidationError as error:
            raise seams.task_error("States.Runtime", f"{service}:{action}: {error}") from None
        except ClientError as error:
            raise _task_error(service, error, optimised) from None
        except BotoCoreError as error:
            name = f"{error_prefix(service)}.SdkClientException"
            raise seams.task_error(name, str(error)) from None
        result.pop("ResponseMetadata", None)
        shape = shapes.output_shape
        return to_states(result, shape, times) if isinstance(shape, StructureShape) else {}


def _task_error(service: str, error: ClientError, optimised: bool) -> Exception:
    code = str(error.response["Error"].get("Code", "Unknown"))
    message = error.response["Error"].get("Message", "")
    about = error.response.get("ResponseMetadata", {})
    cause = (
        f"{message} (Service: {error_prefix(service)}, Status Code: {about.get('HTTPStatusCode')}, "
        f"Request ID: {about.get('RequestId')})"
    )
    return seams.task_error(error_name(service, code, optimised=optimised), cause)
