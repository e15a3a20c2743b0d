"""Runs in the XGBoost image's environment: answers requests as the endpoint's containers would.

Reads one JSON request a line and writes two answers: that of the local model server, and that of
Amazon's container. The latter answers 500 whatever a script raises, unless the request has told
Flask what its response will be; Flask is not in this environment and has a stand-in.
"""

import base64
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from werkzeug.wrappers import Response

CONTAINER = Path(__file__).parents[2] / "flywheel" / "local_aws" / "sagemaker" / "container"
sys.path.insert(0, str(CONTAINER))


class Flask(ModuleType):
    """The part of Flask that a script may use during a request."""

    Response = Response

    def __init__(self) -> None:
        super().__init__("flask")
        self.at_work = False
        self.afterwards: list[Callable[[Any], Any]] = []

    def has_request_context(self) -> bool:
        return self.at_work

    def after_this_request(self, function: Callable[[Any], Any]) -> None:
        self.afterwards.append(function)

    def request(self, answer: Callable[[], str]) -> Any:
        """The response to one request."""
        self.at_work, self.afterwards = True, []
        try:
            response = Response(answer(), 200)
        except Exception:  # noqa: BLE001  as sagemaker_containers does, whatever it is
            response = Response("Internal Server Error", 500)
        self.at_work = False
        for function in self.afterwards:
            response = function(response)
        return response


sys.modules["flask"] = flask = Flask()

import model_server  # type: ignore[import-not-found]  # noqa: E402

local = model_server.load()
script = sys.modules["inference"]
model = script.model_fn(os.environ["SM_MODEL_DIR"])


def amazon(body: bytes, content_type: str, accept: str) -> tuple[int, str]:
    """The status and text of Amazon's container."""
    response = flask.request(
        lambda: script.output_fn(
            script.predict_fn(script.input_fn(body, content_type), model), accept
        )[0]
    )
    return response.status_code, response.get_data(as_text=True)


def say(line: str) -> None:
    """One line to whoever asks."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


say("ready")
for line in sys.stdin:
    request = json.loads(line)
    body = base64.b64decode(request["body"])
    status, answered_type, answer = local.invoke(body, request["type"], request["accept"])
    theirs = amazon(body, request["type"], request["accept"])
    say(json.dumps([status, answered_type, answer.decode(), *theirs]))
