"""Runs in the EMR image's environment: runs of several Spark scripts in one Spark session.

Arguments: a JSON file with a list of steps, each a script and its command line, or
`["copy", from, to]`. Prints a line of JSON a run: the script's error, or null.
"""

import json
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession


def keep(_: Any) -> None:
    """The session outlives a run: starting it costs more than a run does."""


stop = SparkSession.stop
SparkSession.stop = keep
for script, *arguments in json.loads(Path(sys.argv[1]).read_text()):
    if script == "copy":
        shutil.copytree(*arguments)
        continue
    sys.argv[1:] = arguments
    try:
        runpy.run_path(script, run_name="__main__")
        error = None
    except SystemExit as exit:
        error = str(exit)
    sys.stdout.write("\n" + json.dumps({"error": error}) + "\n")
    sys.stdout.flush()
stop(SparkSession.builder.getOrCreate())
