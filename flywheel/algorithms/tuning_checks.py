"""Tuning of a built-in algorithm: the objective is one that it reports, the ranges can be tried."""

from collections.abc import Iterator

from flywheel.algorithms.catalogue import Algorithm, Hyperparameter, TuningRange
from flywheel.algorithms.errors import nearest
from flywheel.algorithms.findings import MISSING, PRESENT, Finding, Step
from flywheel.algorithms.given import (
    Given,
    RangeUse,
    Training,
    Tuning,
    in_words,
    recommended_range,
)
from flywheel.algorithms.hyperparameter_checks import unknown_name
from flywheel.algorithms.values import described, number, one_of, refusal

_FOLDER: tuple[Step, ...] = ("training", "tuning")
SCALINGS = ("Auto", "Linear", "Logarithmic", "ReverseLogarithmic")
"""Source: Amazon SageMaker API, HyperParameterScalingType."""


def tuning_findings(algorithm: Algorithm, training: Training, known: Given) -> Iterator[Finding]:
    """All about the tuning job; nothing where there is none."""
    tuning = training.tuning
    if tuning is None:
        return
    if not algorithm.tunable:
        rule = f"{algorithm.name} reports no metric, so SageMaker cannot tune it"
        yield Finding(_FOLDER, PRESENT, rule, "Remove it.")
        return
    yield from _objective_findings(algorithm, tuning, training, known)
    if not tuning.ranges:
        rule = "it must have at least one hyperparameter"
        yield Finding((*_FOLDER, "ranges"), "empty", rule, _tunable(algorithm))
    for name, tried in tuning.ranges.items():
        yield from _range_findings(algorithm, name, tried, training, known)


def _objective_findings(
    algorithm: Algorithm, tuning: Tuning, training: Training, known: Given
) -> Iterator[Finding]:
    steps = (*_FOLDER, "objective")
    if tuning.objective is None:
        return
    metric = algorithm.metrics.get(tuning.objective)
    if metric is None:
        near = nearest(tuning.objective, algorithm.metrics)
        names = ", ".join(algorithm.metrics)
        remedy = f"The nearest is {near}." if near else f"It reports {names}."
        rule = f"{algorithm.name} reports no such metric"
        yield Finding(steps, described(tuning.objective), rule, remedy)
        return
    if not known.holds(metric.when, in_doubt=True):
        rule = f"it is reported only when {in_words(algorithm, metric.when)}"
        yield Finding(steps, tuning.objective, rule, _other_metrics(algorithm, training, known))
    channel = tuning.objective.partition(":")[0]
    if channel in algorithm.channels and channel not in training.channels:
        rule = f"the objective {tuning.objective} is measured on it"
        yield Finding(("training", "channels", channel), MISSING, rule, "Add the channel.")


def _other_metrics(algorithm: Algorithm, training: Training, known: Given) -> str:
    reported = [
        metric.name
        for metric in algorithm.metrics.values()
        if known.holds(metric.when, in_doubt=False)
        and metric.name.partition(":")[0] in {"train", *training.channels}
    ]
    return f"Reported are {', '.join(reported[:8])}." if reported else ""


def _range_findings(
    algorithm: Algorithm, name: str, tried: RangeUse, training: Training, known: Given
) -> Iterator[Finding]:
    steps = (*_FOLDER, "ranges", name)
    hyperparameter = algorithm.hyperparameter(name)
    if hyperparameter is None:
        yield unknown_name(algorithm, steps, PRESENT)
        return
    if not hyperparameter.tuning:
        rule = f"SageMaker does not tune it for {algorithm.name}"
        yield Finding(steps, PRESENT, rule, _tunable(algorithm))
        return
    names = {hyperparameter.name, *hyperparameter.aliases}
    if names & training.hyperparameters.keys():
        rule = "it has a fixed value in training.hyperparameters too"
        yield Finding(steps, PRESENT, rule, "Keep one of them.")
    if not known.holds(hyperparameter.applies_when, in_doubt=True):
        rule = f"it has no effect unless {in_words(algorithm, hyperparameter.applies_when)}"
        yield Finding(steps, PRESENT, rule, severity="warning")
    if not tried.is_recommended or tried.scaling is not None:
        recommended = recommended_range(hyperparameter, known)
        if recommended.values:
            yield from _values_findings(hyperparameter, recommended, tried, steps)
        else:
            yield from _bounds_findings(hyperparameter, recommended, tried, steps)


def _values_findings(
    hyperparameter: Hyperparameter,
    recommended: TuningRange,
    tried: RangeUse,
    steps: tuple[Step, ...],
) -> Iterator[Finding]:
    if tried.min is not None or tried.max is not None or tried.scaling is not None:
        rule = "it is tuned by trying some values, not a range"
        remedy = f"Write values: {described(recommended.values)}."
        yield Finding(steps, PRESENT, rule, remedy)
        return
    if not tried.values:
        rule = "it must have at least one value"
        yield Finding(
            (*steps, "values"), "empty", rule, f"For example {one_of(recommended.values)}."
        )
    for index, value in enumerate(tried.values or ()):
        at = (*steps, "values", index)
        if refused := refusal(hyperparameter, value):
            yield Finding(at, described(value), refused.rule, refused.remedy)
        elif value not in recommended.values:
            rule = f"for tuning AWS recommends {one_of(recommended.values)}"
            yield Finding(at, described(value), rule, severity="warning")


def _bounds_findings(
    hyperparameter: Hyperparameter,
    recommended: TuningRange,
    tried: RangeUse,
    steps: tuple[Step, ...],
) -> Iterator[Finding]:
    if tried.values is not None:
        rule = "it is tuned over a range, not by trying some values"
        remedy = f"Write min and max, for example {_span(recommended)}."
        yield Finding(steps, PRESENT, rule, remedy)
        return
    sound = True
    bounds = {"min": tried.min, "max": tried.max}
    if not tried.is_recommended:
        for name, value in bounds.items():
            at = (*steps, name)
            refused = None if value is None else refusal(hyperparameter, value)
            if value is None:
                sound = False
                rule = "a range has min and max"
                yield Finding(at, MISSING, rule, f"AWS recommends {_span(recommended)}.")
            elif refused or isinstance(value, str):
                sound = False
                rule, remedy = (refused.rule, refused.remedy) if refused else _NUMBER
                yield Finding(at, described(value), rule, remedy)
    if sound:
        yield from _span_findings(recommended, tried, steps)


_NUMBER = ("it must be a number", "")


def _span_findings(
    recommended: TuningRange, tried: RangeUse, steps: tuple[Step, ...]
) -> Iterator[Finding]:
    low = tried.min if isinstance(tried.min, int | float) else recommended.min
    high = tried.max if isinstance(tried.max, int | float) else recommended.max
    if low is None or high is None:
        return
    if low >= high:
        rule = f"it must be more than min, which is {described(low)}"
        yield Finding((*steps, "max"), described(high), rule, "A single value is no range.")
        return
    scaling = tried.scaling
    if scaling == "Logarithmic" and low <= 0:
        rule = f"on this scale min must be more than 0; it is {described(low)}"
        yield Finding(
            (*steps, "scaling"), described(scaling), rule, "Choose Linear or another min."
        )
    elif scaling == "ReverseLogarithmic" and not 0 <= low < high < 1:
        rule = "on this scale min must be at least 0 and max less than 1"
        yield Finding(
            (*steps, "scaling"), described(scaling), rule, "Choose Linear or another range."
        )
    elif scaling is not None and scaling not in SCALINGS:
        near = nearest(scaling, SCALINGS)
        remedy = f"The nearest is {near}." if near else ""
        yield Finding(
            (*steps, "scaling"), described(scaling), f"it must be {one_of(SCALINGS)}", remedy
        )
    for name, value, beyond in (
        ("min", low, recommended.min is not None and low < recommended.min),
        ("max", high, recommended.max is not None and high > recommended.max),
    ):
        if beyond:
            rule = f"for tuning AWS recommends {_span(recommended)}"
            yield Finding((*steps, name), described(value), rule, severity="warning")


def _span(recommended: TuningRange) -> str:
    return f"{number(recommended.min or 0)} to {number(recommended.max or 0)}"


def _tunable(algorithm: Algorithm) -> str:
    names = [known.name for known in algorithm.hyperparameters.values() if known.tuning]
    return f"It tunes {', '.join(names)}."
