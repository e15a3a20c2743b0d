"""Spark's classes as the JVM loads them, kept with the image: later jobs start twice as fast.

A JVM feature, class data sharing: an archive that does not fit the JVM or the jars is ignored by
it.
"""

from __future__ import annotations

import fcntl
import logging
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from flywheel.local_aws.emr_serverless.spark import (
    SparkHome,
    job_environment,
    local_settings,
    spark_command,
)
from flywheel.local_aws.processes import ChildProcess

_SCRIPT = Path(__file__).with_name("warm_up.py")
_AT_MOST_SECONDS = 300.0

logger = logging.getLogger("flywheel.emr-serverless")


def prepare(python: Path, progress: Callable[[str], None] = lambda _: None) -> bool:
    """Make the archive of the environment with this Python, if it is missing; half a minute, once.

    Args:
        python: of an image's environment with Spark.
        progress: told before it is made.

    Returns:
        Whether there is one; without it jobs run all the same.
    """
    home = SparkHome.find(python.absolute())
    if home.class_archive.exists():
        return True
    with home.class_archive.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be making it
        if not home.class_archive.exists():
            progress("Preparing Spark for fast starts.")
            _make(home)
    return home.class_archive.exists()


def _make(home: SparkHome) -> None:
    folder = Path(tempfile.mkdtemp(prefix="flywheel-spark-"))
    made = home.class_archive.with_suffix(".new")
    try:
        _run(
            [str(home.java), "-XX:-UsePerfData", "-Xshare:dump"], home, folder
        )  # the JVM's own classes, which the archive builds on
        command = spark_command(
            home,
            script=_SCRIPT,
            arguments=[str(folder)],
            settings=local_settings(folder),
            submitted="",
            record_classes_to=made,
        )
        if _run(command, home, folder) and made.exists():
            made.replace(home.class_archive)
    finally:
        made.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], home: SparkHome, folder: Path) -> bool:
    child = ChildProcess(command, log=folder / "log", env=job_environment(home, folder), cwd=folder)
    code = child.wait(_AT_MOST_SECONDS)
    if code is None:
        child.stop()
        child.wait()
    if code != 0:
        logger.warning("Spark's classes were not kept (exit code %s): %s", code, child.tail())
    return code == 0
