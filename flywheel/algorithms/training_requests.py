"""What SageMaker's API gets of a training with a built-in algorithm; pure, for valid trainings.

The parts of CreateTrainingJob and CreateHyperParameterTuningJob that depend on the algorithm.
"""

from collections.abc import Mapping
from typing import Any

from flywheel.algorithms.catalogue import Algorithm, Channel, Hyperparameter, TuningRange
from flywheel.algorithms.given import (
    ChannelUse,
    RangeUse,
    Training,
    content_type_of,
    given,
    recommended_range,
)
from flywheel.algorithms.values import as_text

MAX_TUNED = 30
"""Hyperparameters of one tuning job. Source: Amazon SageMaker API, ParameterRanges."""


def hyperparameters(algorithm: Algorithm, values: Mapping[str, object]) -> dict[str, str]:
    """HyperParameters, or StaticHyperParameters: every value as the algorithm reads it."""
    return {
        name: as_text(known, value)
        for name, value in values.items()
        if (known := algorithm.hyperparameter(name))
    }


def content_type(channel: Channel, written: str | None) -> str | None:
    """The content type that is sent: with the parameters that have only one possible value.

    Without `label_size=0` an unsupervised algorithm would take the first column for a label.
    """
    text = written or channel.default_content_type
    if text is None:
        return None
    base, parameters = content_type_of(text)
    known = channel.content_types.get(base)
    for name, values in (known.parameters if known else {}).items():
        if len(values) == 1:
            parameters.setdefault(name, values[0])
    return ";".join((base, *(f"{name}={value}" for name, value in parameters.items())))


def channel_input(
    algorithm: Algorithm, name: str, use: ChannelUse, s3_uri: str, s3_data_type: str = "S3Prefix"
) -> dict[str, Any]:
    """One entry of InputDataConfig."""
    channel = algorithm.channels[name]
    source = {
        "S3DataType": s3_data_type,
        "S3Uri": s3_uri,
        "S3DataDistributionType": channel.distribution or "FullyReplicated",
    }
    entry: dict[str, Any] = {"ChannelName": name, "DataSource": {"S3DataSource": source}}
    if sent := content_type(channel, use.content_type):
        entry["ContentType"] = sent
    if use.input_mode:
        entry["InputMode"] = use.input_mode
    return entry


def parameter_ranges(algorithm: Algorithm, training: Training) -> dict[str, Any]:
    """ParameterRanges of a tuning job; what a range leaves out is what AWS recommends."""
    known = given(algorithm, training)
    sent: dict[str, list[dict[str, Any]]] = {}
    for name, tried in (training.tuning.ranges if training.tuning else {}).items():
        if hyperparameter := algorithm.hyperparameter(name):
            kind, entry = _range(hyperparameter, tried, recommended_range(hyperparameter, known))
            sent.setdefault(f"{kind}ParameterRanges", []).append(entry)
    return dict(sent)


def objective(algorithm: Algorithm, name: str) -> dict[str, str]:
    """HyperParameterTuningJobObjective: built-in algorithms define their metrics themselves."""
    return {"Type": algorithm.metrics[name].goal.capitalize(), "MetricName": name}


def _range(
    hyperparameter: Hyperparameter, tried: RangeUse, recommended: TuningRange
) -> tuple[str, dict[str, Any]]:
    name = hyperparameter.name
    if recommended.values:
        values = [as_text(hyperparameter, value) for value in tried.values or recommended.values]
        return "Categorical", {"Name": name, "Values": values}
    low, high = (tried.min, tried.max)
    if tried.is_recommended:
        low, high = (recommended.min, recommended.max)
    return "Integer" if hyperparameter.type == "integer" else "Continuous", {
        "Name": name,
        "MinValue": as_text(hyperparameter, low),
        "MaxValue": as_text(hyperparameter, high),
        "ScalingType": tried.scaling or recommended.scaling,
    }
