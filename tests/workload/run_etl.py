"""Runs in the EMR image's environment: several runs of the Spark script in one Spark session.

Arguments: a JSON file with a list of steps; a step is the command line of a run, or
`["copy", from, to]`.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

sys.path.insert(0, str(Path(__file__).parents[2]))

from etl_code import flight_delay


def keep(_: Any) -> None:
    """The session outlives a run: starting it costs more than a run does."""


stop = SparkSession.stop
SparkSession.stop = keep
for step in json.loads(Path(sys.argv[1]).read_text()):
    if step[0] == "copy":
        shutil.copytree(step[1], step[2])
    else:
        sys.argv[1:] = step
        flight_delay.main()
stop(SparkSession.builder.getOrCreate())
