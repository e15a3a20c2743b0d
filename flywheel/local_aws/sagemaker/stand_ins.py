"""Amazon's built-in algorithms: what runs here in the place of the program in their images."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flywheel.algorithms import catalogue
from flywheel.algorithms.catalogue import Algorithm
from flywheel.local_aws.images import Image, ImageCatalogue
from flywheel.local_aws.sagemaker.errors import JobError, not_local, validation_error
from flywheel.local_aws.sagemaker.sandbox import Sandbox

MARK = "flywheel-stand-in.json"
"""In a model's files: which row of the catalogue wrote it."""

_TRAIN_MODULE = "flywheel.standins.train"
_SERVE_MODULE = "flywheel.standins.serve"
_NUM_TRAINING_THREADS = "2"
# Two rows of the catalogue have one image where an algorithm has two modes.
_DECIDED_BY = {"blazingtext": "mode", "linear_learner": "predictor_type"}
_QUALITY_METRIC = r"#quality_metric: host=\S+, <metric>=(\S+)"


def check(params: Mapping[str, Any], image: Image) -> None:
    """Refuse what does not go together with an image: scripts, and metrics of one's own.

    Raises:
        ServiceError: AWS would refuse it, or it cannot be had here.
    """
    if "ContainerEntrypoint" in params["AlgorithmSpecification"]:
        return
    wants_script = "sagemaker_program" in params.get("HyperParameters", {})
    if image.stand_in is None and not wants_script:
        raise not_local(
            f"The built-in program of image {image.short}",
            "Give hyperparameters sagemaker_program and sagemaker_submit_directory (script mode), "
            "or a ContainerEntrypoint.",
        )
    _check_scripted(image, wants_script)
    defined = params["AlgorithmSpecification"].get("MetricDefinitions")
    if defined and _is_built_in(params, image):
        raise validation_error(
            "You can't override the metric definitions for Amazon SageMaker algorithms. Please "
            "retry the request without specifying metric definitions."
        )


def algorithm_of(params: Mapping[str, Any], images: ImageCatalogue) -> Algorithm | None:
    """The algorithm that a training request runs; None for a script or a program of its own."""
    image = images.find(params["AlgorithmSpecification"]["TrainingImage"])
    if not _is_built_in(params, image) or image.stand_in is None:
        return None
    rows = _rows(image.stand_in)
    name = _DECIDED_BY.get(image.stand_in, "")
    wanted = params.get("HyperParameters", {}).get(name)
    for algorithm in rows:
        own = algorithm.hyperparameter(name)
        if own is not None and wanted in map(str, own.choices):
            return algorithm
    return rows[0]  # whose stand-in refuses the hyperparameter


def command(algorithm: Algorithm, python: Path) -> list[str | Path]:
    """What a training job of the algorithm runs."""
    return [python, "-m", _TRAIN_MODULE, algorithm.key]


def training_environment(sandbox: Sandbox, root: Path) -> dict[str, str]:
    """What a training stand-in needs to find itself, and to leave room for others.

    Args:
        sandbox: of the process.
        root: the folder with the package; an image's environment has only libraries in it.
    """
    return {
        "PYTHONPATH": f"{sandbox.packages}{os.pathsep}{root}",
        "OMP_NUM_THREADS": _NUM_TRAINING_THREADS,
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait must not spin where cores are busy
    }


def serving_environment(sandbox: Sandbox, root: Path) -> dict[str, str]:
    """What a serving stand-in needs to find itself; the arguments as above."""
    return {
        "PYTHONPATH": f"{sandbox.packages}{os.pathsep}{root}",
        "SERVE_MODULE": _SERVE_MODULE,
    }


def metric_definitions(params: Mapping[str, Any], images: ImageCatalogue) -> list[dict[str, str]]:
    """The metrics that SageMaker finds in the log of one of Amazon's own images.

    A script in such an image may print them too; that is how XGBoost's gets any.
    """
    image = images.find(params["AlgorithmSpecification"]["TrainingImage"])
    if image.stand_in is None:
        return []
    algorithm = algorithm_of(params, images) or _rows(image.stand_in)[0]
    own = algorithm.metric_regex
    return [
        {
            "Name": name,
            "Regex": own.replace("<metric>", re.escape(name.partition(":")[2]))
            if own
            else _QUALITY_METRIC.replace("<metric>", re.escape(name)),
        }
        for name in algorithm.metrics
    ]


def check_tuning(algorithm: Algorithm, objective: Mapping[str, str], tuned: Sequence[str]) -> None:
    """Refuse an objective that the algorithm does not report, and what SageMaker does not tune.

    Raises:
        ServiceError: With what can be tuned.
    """
    if not algorithm.tunable:
        raise validation_error(
            f"{algorithm.name} reports no metric, so its hyperparameters cannot be tuned."
        )
    metric = algorithm.metrics.get(objective["MetricName"])
    if metric is None:
        raise validation_error(
            f"The objective metric, [{objective['MetricName']}], that you specified isn't valid "
            f"for {algorithm.name}. Choose one of {', '.join(algorithm.metrics)}."
        )
    if metric.goal.capitalize() != objective["Type"]:
        raise validation_error(
            f"The objective metric type, [{objective['Type']}], that you specified for objective "
            f"metric, [{metric.name}], isn't valid for {algorithm.name}. Choose "
            f"{metric.goal.capitalize()}."
        )
    for name in tuned:
        known = algorithm.hyperparameter(name)
        if known is None or not known.tuning:
            names = [one.name for one in algorithm.hyperparameters.values() if one.tuning]
            raise validation_error(
                f"Hyperparameter {name} cannot be tuned for {algorithm.name}. Tunable are "
                f"{', '.join(names)}."
            )


def serving(image: Image, environment: Mapping[str, str]) -> str | None:
    """The stand-in that serves a model of the image; None where a script of the model's does.

    Raises:
        ServiceError: the script needs libraries that are not here.
    """
    scripted = "SAGEMAKER_PROGRAM" in environment
    _check_scripted(image, scripted)
    return None if image.scripts and scripted else image.stand_in


def check_artifact(image: Image, environment: Mapping[str, str], sandbox: Sandbox) -> None:
    """Refuse a model that the image's stand-in cannot load.

    Raises:
        JobError: there is none, or something else wrote it.
    """
    stand_in = serving(image, environment)
    if stand_in is None:
        return
    remedy = f"Give the model.tar.gz of a training job with image {image.short}"
    remedy += ", or name your script in SAGEMAKER_PROGRAM." if image.scripts else "."
    mark = sandbox.opt_ml / "model" / MARK
    if not mark.is_file():
        raise JobError(
            f"the model's files have no {MARK}: they were not written by the local stand-in for "
            f"{image.short}, and what Amazon's own container wrote cannot be read here. {remedy}"
        )
    try:
        key = json.loads(mark.read_text("utf-8"))["key"]
    except (ValueError, TypeError, KeyError) as error:
        raise JobError(f'{MARK} must be {{"key": "…"}}: {error!r}. {remedy}') from error
    if key not in [algorithm.key for algorithm in _rows(stand_in)]:
        raise JobError(f"the model was trained by {key}, not by {image.short}. {remedy}")


def _check_scripted(image: Image, scripted: bool) -> None:
    if scripted and image.stand_in == "xgboost" and not image.scripts:
        raise not_local(
            f"Script mode in image {image.short}", "Use an image whose libraries are here."
        )


def _is_built_in(params: Mapping[str, Any], image: Image) -> bool:
    if image.stand_in is None or "ContainerEntrypoint" in params["AlgorithmSpecification"]:
        return False
    return not (image.scripts and "sagemaker_program" in params.get("HyperParameters", {}))


def _rows(stand_in: str) -> list[Algorithm]:
    """The rows that a module serves: one, or one for each mode."""
    modes = stand_in in _DECIDED_BY
    known = catalogue.keys()
    keys = [key for key in known if modes and key.startswith(f"{stand_in}_")] or [stand_in]
    return [catalogue.find(key) for key in keys]
