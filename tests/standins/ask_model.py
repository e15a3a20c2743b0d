"""Runs in an image's environment: answers requests as its model server would.

The argument is the folder of a model; standard input is a JSON list of body (base64), content type
and Accept. The last line of standard output has status, body and content type of each answer.
"""

import base64
import json
import os
import sys
from pathlib import Path

CONTAINER = Path(__file__).parents[2] / "flywheel" / "local_aws" / "sagemaker" / "container"
sys.path[0] = str(CONTAINER)

import model_server  # type: ignore[import-not-found]  # noqa: E402

os.environ["SM_MODEL_DIR"] = sys.argv[1]
os.environ["SERVE_MODULE"] = "flywheel.standins.serve"
server = model_server.load()
answers = []
for body, content_type, accept in json.load(sys.stdin):
    status, answered, data = server.invoke(base64.b64decode(body), content_type, accept)
    answers.append([status, base64.b64encode(data).decode(), answered])
print(json.dumps(answers), file=sys.__stdout__)
