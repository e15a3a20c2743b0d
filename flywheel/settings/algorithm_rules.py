"""Rules about built-in algorithms: what the catalogue says that they take."""

from collections.abc import Iterator, Mapping
from typing import Any

from flywheel.algorithms import catalogue, images, instance_types
from flywheel.algorithms.errors import RefusedError, nearest
from flywheel.algorithms.validation import (
    ChannelUse,
    Finding,
    Findings,
    RangeUse,
    Training,
    Tuning,
    check,
    check_hosting,
)
from flywheel.settings.rules import Broken, Rule, Values

XGBOOST = "xgboost"
"""The one image that is a built-in algorithm and runs scripts as well."""
_SERVING_CODE = {
    "source": "folder of the inference code, relative to the repository",
    "script": "the inference script, a file directly inside `source`",
}


def algorithm_rules(region: str | None) -> tuple[Rule, ...]:
    """The rules for one region; without a region, all but the one about it."""
    return (
        _algorithm_takes_the_training,
        _algorithm_serves_on_the_variants,
        _first_variant_evaluates,
        _checkpoints_are_of_use,
        _version_exists(region),
        _code_is_for_scripts,
        _evaluation_has_an_image,
        _metrics_are_not_sagemakers,
        _channels_are_for_algorithms,
        _folders_are_fixed_or_not,
        _scripts_read_a_table,
    )


def algorithm_warnings(values: Values) -> Iterator[Broken]:
    """What AWS may or may not take, and what has no effect."""
    for finding in _findings(values).warnings:
        if not values.is_refused(*finding.steps):
            yield Broken(finding.steps, finding.rule, finding.remedy, finding.value)


def _algorithm_takes_the_training(values: Values) -> Iterator[Broken]:
    for finding in _findings(values).problems:
        if not values.is_refused(*finding.steps):
            yield Broken(finding.steps, finding.rule, finding.remedy, finding.value)


def _algorithm_serves_on_the_variants(values: Values) -> Iterator[Broken]:
    for finding in _hosting(values).problems:
        yield Broken(finding.steps, finding.rule, finding.remedy, finding.value)


def _first_variant_evaluates(values: Values) -> Iterator[Broken]:
    """Models of algorithms are judged by their answers to a batch transform."""
    first = next(iter(values.entries("serving", "variants")), None)
    if _algorithm(values) is None or first is None:
        return
    steps = (*first, "instance_type")
    said = {finding.steps for finding in _hosting(values).problems}
    if values.is_refused(*steps) or steps in said or not _is_given(values, *steps):
        return
    try:
        instance_types.check("transform", values(*steps))
    except RefusedError as error:
        rule = (
            "the first variant's type also evaluates, by batch transform, for which SageMaker does "
            "not offer it"
        )
        yield Broken(steps, rule, error.remedy)


def _checkpoints_are_of_use(values: Values) -> Iterator[Broken]:
    steps = ("training", "checkpoints")
    if values.get(*steps, default=False) is not True:
        return
    key = _algorithm(values)
    if values.get("training", "tuning", default=None) is not None:
        rule = "the trainings of a tuning job would share one folder of them"
        yield Broken(steps, rule, "Write `checkpoints: false`.", value="true")
    elif key and catalogue.find(key).checkpoints is False:
        rule = f"{catalogue.find(key).name} keeps none"
        yield Broken(steps, rule, "Write `checkpoints: false`.", value="true")


def _folders_are_fixed_or_not(values: Values) -> Iterator[Broken]:
    """Below a folder there are months, or there are none."""
    fixed: dict[str, bool] = {}
    for name, use in _mapping(values.get("training", "channels", default={})).items():
        held = _mapping(use)
        folder = held.get("folder") or name
        is_fixed = held.get("data") == "fixed"
        if fixed.setdefault(folder, is_fixed) != is_fixed:
            yield Broken(
                ("training", "channels", name, "data"),
                f"another channel holds the folder {folder} "
                + ("for months" if is_fixed else "for fixed"),
                "Give one of them another folder.",
            )


def _findings(values: Values) -> Findings:
    key = _algorithm(values)
    if key is None:
        return Findings((), ())
    found, hosting = check(key, _training(values)), _hosting(values)
    return Findings(found.problems, found.warnings + hosting.warnings)


def _hosting(values: Values) -> Findings:
    key = _algorithm(values)
    problems: list[Finding] = []
    warnings: list[Finding] = []
    for variant in values.entries("serving", "variants") if key else ():
        steps = (*variant, "instance_type")
        if not values.is_refused(*steps) and _is_given(values, *steps):
            found = check_hosting(str(key), values(*steps), steps)
            problems += found.problems
            warnings += found.warnings
    return Findings(tuple(problems), tuple(warnings))


def _version_exists(region: str | None) -> Rule:
    def rule(values: Values) -> Iterator[Broken]:
        version = values.get("training", "algorithm_version", default=None)
        key = _algorithm(values)
        steps = ("training", "algorithm_version")
        if key is None:
            if version is not None:
                yield Broken(steps, "a script has no algorithm", "Write it in `image.version`.")
            return
        name = catalogue.find(key).image.name
        # xgboost 1 is XGBoost 0.72: other hyperparameters, other files.
        known = [v for v in images.versions(name) if v != "1" or name != "xgboost"]
        if version is not None and version not in known:
            near = nearest(version, known)
            yield Broken(
                steps,
                f"{name} has {', '.join(known)}",
                f"The nearest is {near}." if near else "",
            )
            return
        yield from _is_in_region(key, version, region)

    return rule


def _is_in_region(key: str, version: str | None, region: str | None) -> Iterator[Broken]:
    image = catalogue.find(key).image
    try:
        images.image_uri(image.name, version or image.version, region or "us-east-1")
    except RefusedError as error:
        rule = f"AWS does not publish it in {region}, the environment's region"
        yield Broken(("training", "algorithm"), rule, f"{error.rule}.")


def _code_is_for_scripts(values: Values) -> Iterator[Broken]:
    serving, is_script = values("serving"), _algorithm(values) is None
    if not isinstance(serving, dict) or values.is_refused("training", "algorithm"):
        return
    for name, meaning in _SERVING_CODE.items():
        if is_script and name not in serving and not values.is_refused("serving", name):
            yield Broken(("serving", name), "it is required", f"Add it ({meaning}).")
        elif not is_script and name in serving:
            yield Broken(
                ("serving", name), "a built-in algorithm serves without a script", "Remove it."
            )
    if not is_script and values.get("training", "metrics", default=None):
        rule = "a built-in algorithm defines its metrics itself"
        yield Broken(("training", "metrics"), rule, "Remove them.")


def _evaluation_has_an_image(values: Values) -> Iterator[Broken]:
    image = values.get("evaluation", "image", default=None)
    if _algorithm(values) is not None and image is None:
        yield Broken(
            ("evaluation", "image"),
            "a built-in algorithm's image runs no script",
            "Add one that does, for example {framework: sklearn, version: 1.9-0}.",
        )


def _metrics_are_not_sagemakers(values: Values) -> Iterator[Broken]:
    """AWS refuses metric definitions for the image of a built-in algorithm, for scripts too."""
    framework = values.get("training", "image", "framework", default=None)
    if framework == XGBOOST and values.get("training", "metrics", default=None):
        yield Broken(
            ("training", "metrics"),
            "SageMaker defines the metrics of its XGBoost image itself, for scripts too",
            "Remove them, and print lines as XGBoost does, with tabs between: "
            "[7] validation-auc:0.81 is validation:auc.",
        )


def _channels_are_for_algorithms(values: Values) -> Iterator[Broken]:
    channels = values.get("training", "channels", default=None)
    algorithm_given = values.get("training", "algorithm", default=None) is not None
    if channels and not algorithm_given:
        rule = "a script reads the channel train, which is given by itself"
        yield Broken(("training", "channels"), rule, "Remove them, or name `training.algorithm`.")


def _scripts_read_a_table(values: Values) -> Iterator[Broken]:
    given = values.get("training", "algorithm", default=None) is not None
    tables = values("data", "tables")
    if not given and not tables.get("features"):
        yield Broken(
            ("data", "tables", "features"),
            "it is required where a script trains",
            "Add its columns: it is what training reads.",
        )


def _algorithm(values: Values) -> str | None:
    """The algorithm's key; None for a script and for an algorithm that there is not."""
    if values.is_refused("training", "algorithm"):
        return None
    key = values.get("training", "algorithm", default=None)
    return key if isinstance(key, str) else None


def _training(values: Values) -> Training:
    """What the catalogue judges. What is refused by itself is in it as far as it can be read."""
    raw: Mapping[str, Any] = values("training")
    kind, count = raw.get("instance_type"), raw.get("instance_count", 1)
    known_kind = isinstance(kind, str) and not values.is_refused("training", "instance_type")
    return Training(
        hyperparameters=_mapping(raw.get("hyperparameters")),
        channels={
            name: _channel(_mapping(use)) for name, use in _mapping(raw.get("channels")).items()
        },
        instance_type=kind if known_kind else None,
        instance_count=count if isinstance(count, int) else None,
        tuning=_tuning(raw.get("tuning")),
    )


def _channel(raw: Mapping[str, Any]) -> ChannelUse:
    held, mode = raw.get("content_type"), raw.get("input_mode", "File")
    return ChannelUse(
        content_type=held if isinstance(held, str) else None,
        input_mode=mode if isinstance(mode, str) else None,
    )


def _tuning(raw: object) -> Tuning | None:
    if not isinstance(raw, dict):
        return None
    objective = raw.get("objective")
    return Tuning(
        objective=objective if isinstance(objective, str) else None,
        ranges={name: _range(_mapping(use)) for name, use in _mapping(raw.get("ranges")).items()},
    )


def _range(raw: Mapping[str, Any]) -> RangeUse:
    values, scaling = raw.get("values"), raw.get("scaling")
    return RangeUse(
        min=raw.get("min"),
        max=raw.get("max"),
        values=tuple(values) if isinstance(values, list) else None,
        scaling=scaling if isinstance(scaling, str) else None,
    )


def _mapping(raw: object) -> Mapping[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _is_given(values: Values, *steps: str | int) -> bool:
    group = values(*steps[:-1])
    return isinstance(group, dict) and isinstance(group.get(steps[-1]), str)
