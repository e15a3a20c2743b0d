"""Runs inside the image's environment: serves one model over HTTP as Amazon's inference containers
do.

`python model_server.py PORT` loads the script SAGEMAKER_PROGRAM of the folder
SAGEMAKER_SUBMIT_DIRECTORY, calls its `model_fn`, and then answers GET /ping and POST /invocations
with `input_fn`, `predict_fn` and `output_fn` (or `transform_fn`). One request at a time, as one
worker of Amazon's server does; more workers are more processes.

With SERVE_MODULE, an importable module, there is no script: its `transform_fn` gets every body as
bytes, and Accept as it was sent, None where the sender takes anything.

A request that the script refuses gets a 4xx with the script's words: an error with a `status_code`
of 400 to 499, as the errors of `sagemaker-inference` have, or a ValueError of `input_fn`.
Everything else is our fault: 500, and the log has the details.
"""

import asyncio
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

_TEXT_TYPES = (
    "application/json",
    "text/csv",
)  # what Amazon's toolkit hands over as str; the rest is bytes
_DEFAULT_ACCEPT = "application/json"
_GENERIC = "The model could not answer this request; the endpoint's log says why."
_TEXT = "text/plain; charset=utf-8"

Response = tuple[int, str, bytes]
Transform = Callable[[Any, Any, str, str | None], Any]


class ClientError(Exception):
    """The request is wrong, in words for its sender."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ModelServer:
    """One loaded model and the script's functions."""

    def __init__(self, script: ModuleType, model: Any, *, as_sent: bool = False) -> None:
        self._model = model
        self._as_sent = as_sent
        self._transform: Transform = getattr(script, "transform_fn", None) or _compose(script)
        self._default_accept = os.environ.get(
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", _DEFAULT_ACCEPT
        )

    async def __call__(self, scope: Any, protocol: Any) -> None:
        """Answer one request (Granian's RSGI)."""
        if scope.path == "/ping" and scope.method == "GET":
            status, content_type, body = 200, _TEXT, b"\n"
        elif scope.path == "/invocations" and scope.method == "POST":
            headers = scope.headers
            data = await protocol()
            status, content_type, body = self.invoke(
                data, headers.get("content-type"), headers.get("accept")
            )
        else:
            status, content_type, body = (
                404,
                _TEXT,
                b"This server answers GET /ping and POST /invocations.",
            )
        protocol.response_bytes(status, [("content-type", content_type)], body)

    def invoke(self, data: bytes, content_type: str | None, accept: str | None) -> Response:
        """Run the script's functions over one request's body."""
        content_type = content_type or "application/octet-stream"
        if accept in (None, "", "*/*"):
            accept = None if self._as_sent else self._default_accept
        try:
            given = data if self._as_sent else _decoded(data, content_type)
            answer = self._transform(self._model, given, content_type, accept)
            body, answered_type = answer if isinstance(answer, tuple) else (answer, accept)
            return 200, str(answered_type), body.encode() if isinstance(body, str) else bytes(body)
        except Exception as error:  # noqa: BLE001 - whatever a script raises must become an answer
            status = (
                error.status
                if isinstance(error, ClientError)
                else getattr(error, "status_code", 500)
            )
            if isinstance(status, int) and 400 <= status < 500:
                return status, _TEXT, str(getattr(error, "message", error)).encode()
            traceback.print_exc()
            return 500, _TEXT, _GENERIC.encode()


def _compose(script: ModuleType) -> Transform:
    missing = [
        name for name in ("input_fn", "predict_fn", "output_fn") if not hasattr(script, name)
    ]
    if missing:
        sys.exit(f"{script.__name__}.py must define {', '.join(missing)} (or transform_fn).")

    def transform(model: Any, data: Any, content_type: str, accept: str | None) -> Any:
        try:
            given = script.input_fn(data, content_type)
        except ValueError as error:
            status = getattr(error, "status_code", 400)
            raise ClientError(status, str(getattr(error, "message", error))) from error
        return script.output_fn(script.predict_fn(given, model), accept)

    return transform


def _decoded(data: bytes, content_type: str) -> bytes | str:
    if content_type.partition(";")[0].strip().lower() not in _TEXT_TYPES:
        return data
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ClientError(
            400, f"A body of type {content_type} must be UTF-8 text: {error}."
        ) from error


def load() -> ModelServer:
    """Import the script and load its model; an error ends the process before it ever answers."""
    model_dir = os.environ["SM_MODEL_DIR"]
    if module := os.environ.get("SERVE_MODULE"):
        script = importlib.import_module(module)
        return ModelServer(script, script.model_fn(model_dir), as_sent=True)
    folder = Path(os.environ["SAGEMAKER_SUBMIT_DIRECTORY"])
    program = os.environ["SAGEMAKER_PROGRAM"]
    if not (folder / program).is_file():
        sys.exit(f"SAGEMAKER_PROGRAM {program} is not in SAGEMAKER_SUBMIT_DIRECTORY {folder}.")
    sys.path.insert(0, str(folder))
    script = importlib.import_module(Path(program).stem)
    if not hasattr(script, "model_fn"):
        sys.exit(f"{program} must define model_fn(model_dir).")
    return ModelServer(script, script.model_fn(model_dir))


async def serve(app: ModelServer, port: int) -> None:
    """Answer requests until SIGTERM."""
    server = Server(
        app,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.RSGI,
        log_enabled=False,
        websockets=False,
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.serve()


if __name__ == "__main__":
    sys.path.pop(0)  # this file's folder must not shadow the script's modules
    asyncio.run(serve(load(), int(sys.argv[1])))
