"""Stand-ins that take no time, in the place of the real ones."""

from __future__ import annotations

from pathlib import Path

# Trains nothing. `does` among the hyperparameters says what else happens than writing down what was
# found; `reports` are the metric's values, `pause` the seconds between them.
TRAIN = """
import json
import os
import sys
import time
from pathlib import Path

opt_ml = Path(os.environ["SAGEMAKER_BASE_DIR"])
key = sys.argv[1]
config = opt_ml / "input" / "config"
given = json.loads((config / "hyperparameters.json").read_text())
print("[stand-in, numbers differ] This is a stand-in for a test.", flush=True)
if given.get("does") == "fail":
    (opt_ml / "output" / "failure").write_text("ClientError: k must be at least 1")
    sys.exit(1)
values = [float(value) for value in given.get("reports", "0.5").split(",")]
for epoch, value in enumerate(values):
    if key == "xgboost":
        print(f"[{epoch}]#011train-rmse:{value / 2}#011validation-rmse:{value}", flush=True)
    else:
        print(f"#quality_metric: host=algo-1, test:msd={value}", flush=True)
    time.sleep(float(given.get("pause", "0")))
data = opt_ml / "input" / "data"
files = {
    path.relative_to(data).as_posix(): path.read_bytes().hex()
    for path in sorted(data.rglob("*"))
    if path.is_file()
}
channels = json.loads((config / "inputdataconfig.json").read_text())
found = {"key": key, "given": given, "files": files, "channels": channels}
(opt_ml / "model" / "found.json").write_text(json.dumps(found))
if given.get("does") != "forget":
    (opt_ml / "model" / "flywheel-stand-in.json").write_text(json.dumps({"key": key}))
"""

# Answers with what it was asked; refuses and fails when it is told to.
SERVE = """
import json
from pathlib import Path


class RefusedError(Exception):
    status_code = 415


def model_fn(model_dir):
    return json.loads((Path(model_dir) / "flywheel-stand-in.json").read_text())["key"]


def transform_fn(model, data, content_type, accept):
    if content_type == "text/strange":
        raise RefusedError("send text/csv")
    if b"fail" in data:
        raise KeyError("a secret")
    said = {"key": model, "body": data.hex(), "content_type": content_type, "accept": accept}
    return json.dumps(said).encode(), accept or "application/json"
"""


def write(root: Path) -> Path:
    """Put the package into a folder; returns the folder."""
    package = root / "flywheel" / "standins"
    package.mkdir(parents=True)
    (package / "train.py").write_text(TRAIN)
    (package / "serve.py").write_text(SERVE)
    return root
