"""Rules about tuning that do not depend on the algorithm."""

from collections.abc import Iterator

from flywheel.algorithms import catalogue
from flywheel.algorithms.errors import nearest
from flywheel.settings.algorithm_rules import XGBOOST
from flywheel.settings.rules import AbsentError, Broken, Rule, Values

_TUNING = ("training", "tuning")
_RESOURCES = ("epochs", "num_epochs", "numepochs", "n-epochs", "n_epochs")
"""Hyperparameters that Hyperband knows as a training's resource.
Source: Amazon SageMaker Developer Guide, "Hyperband strategy"."""


def _script_reports_the_objective(values: Values) -> Iterator[Broken]:
    if values("training", "tuning") is None or not _is_script(values):
        return
    objective = values(*_TUNING, "objective")
    if values.get("training", "image", "framework", default=None) == XGBOOST:
        names = list(catalogue.find(XGBOOST).metrics)
        rule = f"it must be a metric of SageMaker's XGBoost image: {', '.join(names)}"
    else:
        given = values.entries("training", "metrics")
        names = [values.get(*metric, "name", default=None) for metric in given]
        rule = "it must be one of training.metrics"
    if objective not in names:
        near = nearest(objective, [name for name in names if isinstance(name, str)])
        remedy = f"The nearest is {near}." if near else "Add the metric with its regex."
        yield Broken((*_TUNING, "objective"), rule, remedy)


def _goal_is_known(values: Values) -> Iterator[Broken]:
    if values("training", "tuning") is None:
        return
    goal = values.get(*_TUNING, "goal", default=None)
    if _is_script(values) and goal is None:
        yield Broken(
            (*_TUNING, "goal"), "it is required for a script", "Write maximize or minimize."
        )
    elif not _is_script(values) and goal is not None:
        yield Broken((*_TUNING, "goal"), "a built-in algorithm knows it itself", "Remove it.")


def _ranges_of_a_script_are_complete(values: Values) -> Iterator[Broken]:
    if values("training", "tuning") is None or not _is_script(values):
        return
    for name in values(*_TUNING, "ranges"):
        try:
            yield from _complete(values, name)
        except AbsentError:
            continue


def _complete(values: Values, name: str) -> Iterator[Broken]:
    steps = (*_TUNING, "ranges", name)
    low, high = (values.get(*steps, bound, default=None) for bound in ("min", "max"))
    tried = values.get(*steps, "values", default=None)
    if (low is None) != (high is None) or (tried is None) == (low is None):
        yield Broken(
            steps,
            "it must have min and max, or values",
            "For example {min: 3, max: 8} or {values: [gbtree, dart]}.",
            value="incomplete" if tried is None else "a range and values",
        )
    elif low is not None and low >= high:
        yield Broken((*steps, "max"), f"it must be more than min, which is {low:g}")
    if name in values.get("training", "hyperparameters", default={}):
        rule = "it has a fixed value in training.hyperparameters too"
        yield Broken(steps, rule, "Keep one of them.", value="given")


def _parallel_jobs_are_some_of_the_jobs(values: Values) -> Iterator[Broken]:
    if values("training", "tuning") is None:
        return
    jobs = values.get(*_TUNING, "max_jobs", default=10)
    parallel = values.get(*_TUNING, "max_parallel_jobs", default=2)
    if parallel > jobs:
        rule = f"it must be at most max_jobs, which is {jobs}"
        yield Broken((*_TUNING, "max_parallel_jobs"), rule)


def _strategy_goes_with_the_rest(values: Values) -> Iterator[Broken]:
    if values("training", "tuning") is None:
        return
    strategy = values.get(*_TUNING, "strategy", default="Bayesian")
    stops = values.get(*_TUNING, "early_stopping", default=True)
    if strategy == "Hyperband" and stops:
        yield Broken(
            (*_TUNING, "early_stopping"),
            "Hyperband stops trainings by itself",
            "Write `early_stopping: false`.",
            value="true",
        )
    if strategy == "Hyperband":
        fixed = values.get("training", "hyperparameters", default={})
        if not any(name in fixed for name in _RESOURCES):
            yield Broken(
                (*_TUNING, "strategy"),
                "Hyperband divides the epochs of a training, and it is not said how many there are",
                f"Give one of {', '.join(_RESOURCES)} in training.hyperparameters, or choose "
                "another strategy.",
            )
    if strategy == "Grid":
        for name, tried in values(*_TUNING, "ranges").items():
            if isinstance(tried, dict) and tried.get("values") is None:
                yield Broken(
                    (*_TUNING, "ranges", name),
                    "Grid tries values only",
                    "Give `values`, or choose another strategy.",
                    value="a range",
                )


def _is_script(values: Values) -> bool:
    return values.get("training", "algorithm", default=None) is None


TUNING_RULES: tuple[Rule, ...] = (
    _script_reports_the_objective,
    _goal_is_known,
    _ranges_of_a_script_are_complete,
    _parallel_jobs_are_some_of_the_jobs,
    _strategy_goes_with_the_rest,
)
