"""Runs in an image's environment: several jobs one after the other, which starts Python only once.

The arguments are a row of the catalogue and the folders of the jobs; each gets its log as a file
`log`, and the last line of standard output has the exit codes.
"""

import contextlib
import json
import sys
from pathlib import Path

from flywheel.standins.train import run

codes = []
for base in map(Path, sys.argv[2:]):
    with (
        (base / "log").open("w") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        codes.append(run(sys.argv[1], base))
print(json.dumps(codes))  # noqa: T201
