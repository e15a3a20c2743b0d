"""InvokeEndpoint: a request goes to a model server and its answer comes back, byte for byte."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from urllib.parse import unquote

from flywheel.local_aws.sagemaker.capture import DataCapture, Invocation
from flywheel.local_aws.sagemaker.config import SageMakerConfig
from flywheel.local_aws.sagemaker.endpoint import Endpoint
from flywheel.local_aws.sagemaker.endpoints import Endpoints
from flywheel.local_aws.sagemaker.errors import ServiceError
from flywheel.local_aws.sagemaker.schema import check_request
from flywheel.local_aws.sagemaker.server import Answer, ServerGoneError

_ROUTE = re.compile(
    r"/endpoints/([^/]+)/(invocations|async-invocations|invocations-response-stream)"
)
_UNSUPPORTED = {
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}
_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
_SHOWN_BYTES = 512

Response = tuple[int, dict[str, str], bytes]


class Runtime:
    """The `sagemaker-runtime` service."""

    def __init__(self, config: SageMakerConfig, endpoints: Endpoints, capture: DataCapture) -> None:
        self._config = config
        self._endpoints = endpoints
        self._capture = capture

    def handle(self, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer a REST request of the runtime service.

        Args:
            path: `/endpoints/<name>/invocations`.
            headers: With small letters.
            body: Goes to the model as it is.
        """
        try:
            route = _ROUTE.fullmatch(path)
            if route is None:
                raise ServiceError(
                    "UnknownOperationException", f"There is no operation at {path}.", 404
                )
            if route[2] in _UNSUPPORTED:
                raise ServiceError(
                    "UnknownOperationException",
                    f"{_UNSUPPORTED[route[2]]} is not implemented in the local SageMaker; use "
                    "InvokeEndpoint.",
                )
            return self.invoke(unquote(route[1]), headers, body)
        except ServiceError as error:
            content = {"message": error.message, **error.members}
            return (
                error.status,
                {"Content-Type": "application/json", "x-amzn-errortype": error.code},
                json.dumps(content).encode(),
            )

    def invoke(self, name: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer InvokeEndpoint.

        Raises:
            ServiceError: `ValidationError`, or `ModelError` for what the container says.
        """
        try:
            check_request(
                "InvokeEndpoint", {"EndpointName": name, "Body": body}, "sagemaker-runtime"
            )
        except ServiceError as error:
            raise ServiceError("ValidationError", error.message) from error
        if "x-amzn-sagemaker-target-model" in headers:
            raise ServiceError("ValidationError", f"Endpoint {name} is not a multi-model endpoint.")
        endpoint = self._endpoints.endpoints.find(name)
        missing = ServiceError(
            "ValidationError", f"Endpoint {name} of account {self._config.account_id} not found."
        )
        if endpoint is None:
            raise missing
        with endpoint.traffic.fleet() as fleet:
            if fleet is None:
                raise missing
            target = headers.get("x-amzn-sagemaker-target-variant")
            if target is not None and target not in fleet.variants:
                raise ServiceError(
                    "ValidationError", f"Variant {target} not found for Request {uuid.uuid4()}"
                )
            try:
                variant, answer = fleet.request(target, body, _forwarded(headers))
            except ServerGoneError as error:
                raise self._gone(error) from error
        if answer.status >= 400:
            raise self._model_error(name, variant, answer)
        self._take(endpoint, variant, headers, body, answer)
        response = {
            "Content-Type": answer.headers.get("content-type", "application/octet-stream"),
            "x-Amzn-Invoked-Production-Variant": variant,
        }
        if _ATTRIBUTES in answer.headers:
            response["X-Amzn-SageMaker-Custom-Attributes"] = answer.headers[_ATTRIBUTES]
        return 200, response, answer.body

    def _take(
        self,
        endpoint: Endpoint,
        variant: str,
        headers: Mapping[str, str],
        body: bytes,
        answer: Answer,
    ) -> None:
        if endpoint.capture is None:
            return
        self._capture.offer(
            endpoint.capture,
            Invocation(
                endpoint=endpoint.name,
                variant=variant,
                request_body=body,
                request_type=headers.get("content-type"),
                response_body=answer.body,
                response_type=answer.headers.get("content-type"),
                inference_id=headers.get("x-amzn-sagemaker-inference-id"),
                custom_attributes=headers.get(_ATTRIBUTES),
                event_id=str(uuid.uuid4()),
            ),
        )

    def _model_error(self, name: str, variant: str, answer: Answer) -> ServiceError:
        text = answer.body.decode("utf-8", "replace")
        side = "client" if answer.status < 500 else "server"
        group = f"/aws/sagemaker/Endpoints/{name}"
        return ServiceError(
            "ModelError",
            f"Received {side} error ({answer.status}) from {variant} with message "
            f'"{text[:_SHOWN_BYTES]}". See '
            f"{group} in account {self._config.account_id} for more information.",
            424,
            OriginalStatusCode=answer.status,
            OriginalMessage=text,
            LogStreamArn=f"arn:aws:logs:{self._config.region}:{self._config.account_id}:log-group:{group}",
        )

    def _gone(self, error: ServerGoneError) -> ServiceError:
        variant = error.variant
        if error.why == "timeout":
            text = (
                "Your invocation timed out while waiting for a response from container "
                f"{variant}. Review the latency "
                "metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
            )
        else:
            text = "The model process exited while it handled the request."
        return ServiceError(
            "ModelError",
            f'Received server error (0) from {variant} with message "{text}".',
            424,
            OriginalStatusCode=0,
            OriginalMessage=text,
        )


def _forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    """What SageMaker passes on to a container: it strips everything else."""
    names = {
        "content-type": "Content-Type",
        "accept": "Accept",
        _ATTRIBUTES: "X-Amzn-SageMaker-Custom-Attributes",
        "x-amzn-sagemaker-inference-id": "X-Amzn-SageMaker-Inference-Id",
    }
    return {wire: headers[name] for name, wire in names.items() if name in headers}
