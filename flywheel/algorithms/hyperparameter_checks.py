"""Hyperparameters of a training: known, of the right value, complete, and going together."""

from collections.abc import Iterator, Mapping

from flywheel.algorithms.catalogue import Algorithm, Hyperparameter, Rule
from flywheel.algorithms.errors import nearest
from flywheel.algorithms.findings import MISSING, Finding, Step
from flywheel.algorithms.given import Given, Training, in_words, steps_of
from flywheel.algorithms.values import described, doubt, number, one_of, refusal, wanted

_FOLDER: tuple[Step, ...] = ("training", "hyperparameters")
_ORDERS = {"at most": lambda a, b: a <= b, "less than": lambda a, b: a < b}


def hyperparameter_findings(
    algorithm: Algorithm, training: Training, known: Given
) -> Iterator[Finding]:
    """All about the hyperparameters and the rules between them."""
    misspelt: set[str] = set()
    for name, value in training.hyperparameters.items():
        hyperparameter = algorithm.hyperparameter(name)
        if hyperparameter is None:
            near = nearest_name(algorithm, name)
            misspelt.add(near or "")
            yield unknown_name(algorithm, (*_FOLDER, name), described(value))
        else:
            yield from _value_findings(hyperparameter, name, value)
            yield from _twice(hyperparameter, name, training)
            yield from _use_findings(algorithm, hyperparameter, name, training, known)
    for hyperparameter in algorithm.hyperparameters.values():
        if hyperparameter.name not in misspelt:
            yield from _missing(algorithm, hyperparameter, known)
    for rule in algorithm.rules:
        yield from _rule_findings(rule, algorithm, training, known)


def nearest_name(algorithm: Algorithm, name: str) -> str | None:
    """The hyperparameter that was probably meant."""
    aliases = (alias for known in algorithm.hyperparameters.values() for alias in known.aliases)
    return nearest(name, (*algorithm.hyperparameters, *aliases))


def unknown_name(algorithm: Algorithm, steps: tuple[Step, ...], value: str) -> Finding:
    """The finding for a hyperparameter that the algorithm does not have."""
    near = nearest_name(algorithm, str(steps[-1]))
    remedy = f"The nearest is {near}." if near else "Remove it."
    return Finding(steps, value, f"{algorithm.name} has no such hyperparameter", remedy)


def _value_findings(hyperparameter: Hyperparameter, name: str, value: object) -> Iterator[Finding]:
    steps = (*_FOLDER, name)
    if refused := refusal(hyperparameter, value):
        yield Finding(steps, described(value), refused.rule, refused.remedy)
    elif doubted := doubt(hyperparameter, value):
        yield Finding(steps, described(value), doubted.rule, severity="warning")


def _twice(hyperparameter: Hyperparameter, name: str, training: Training) -> Iterator[Finding]:
    names = (hyperparameter.name, *hyperparameter.aliases)
    others = [other for other in names if other != name and other in training.hyperparameters]
    if others and name != hyperparameter.name:
        value = described(training.hyperparameters[name])
        yield Finding(
            (*_FOLDER, name),
            value,
            f"it is another name of {hyperparameter.name}, which is given too",
            "Keep one of them.",
        )


def _use_findings(
    algorithm: Algorithm,
    hyperparameter: Hyperparameter,
    name: str,
    training: Training,
    known: Given,
) -> Iterator[Finding]:
    value = training.hyperparameters[name]
    if not known.holds(hyperparameter.applies_when, in_doubt=True):
        yield Finding(
            (*_FOLDER, name),
            described(value),
            f"it has no effect unless {in_words(algorithm, hyperparameter.applies_when)}",
            severity="warning",
        )
    other = hyperparameter.requires
    if other and other not in known.written:
        yield Finding((*_FOLDER, other), MISSING, f"with {name} it is required", "Add it.")
    channel = hyperparameter.requires_channel
    if channel and value not in (False, "False", "false", "") and channel not in training.channels:
        yield Finding(
            ("training", "channels", channel),
            MISSING,
            f"{name} needs it",
            f"Add the channel or remove {name}.",
        )


def _missing(
    algorithm: Algorithm, hyperparameter: Hyperparameter, known: Given
) -> Iterator[Finding]:
    if hyperparameter.name in known.written:
        return
    condition = hyperparameter.required_when
    if hyperparameter.required:
        rule = f"{algorithm.name} requires it"
    elif condition and known.holds(condition, in_doubt=False):
        rule = f"it is required when {in_words(algorithm, condition)}"
    else:
        return
    steps = (*_FOLDER, hyperparameter.name)
    yield Finding(steps, MISSING, rule, f"Add it: {wanted(hyperparameter)}.")


def _rule_findings(
    rule: Rule, algorithm: Algorithm, training: Training, known: Given
) -> Iterator[Finding]:
    if not known.holds(rule.when, in_doubt=False):
        return
    for setting in rule.choices:
        yield from _choice_findings(algorithm, rule, setting, training, known)
    for setting, entries in rule.one_of.items():
        texts = known.texts.get(setting)
        if texts is not None and len(texts.intersection(entries)) > 1:
            value = described(training.hyperparameters.get(setting, MISSING))
            said = f"when {in_words(algorithm, rule.when)} it must have one of {one_of(entries)}"
            yield Finding(steps_of(setting), value, said, "Keep one of them.")
    values = _numbers(algorithm, training)
    if rule.order:
        yield from _order_findings(rule, values, known)
    if rule.sum and all(name in values for name in rule.sum):
        yield from _sum_findings(rule, values, known)


def _choice_findings(
    algorithm: Algorithm, rule: Rule, setting: str, training: Training, known: Given
) -> Iterator[Finding]:
    texts, choices = known.texts.get(setting), rule.choices[setting]
    if texts is None or texts <= {str(choice) for choice in choices}:
        return
    value, allowed, remedy = " or ".join(sorted(texts)), one_of(choices), ""
    if setting == "processor":
        value, allowed = str(training.instance_type), f"one with a {allowed.upper()}"
    elif setting in known.defaults:
        value, remedy = MISSING, f"Add it; without it, it is {value}."
    said = f"when {in_words(algorithm, rule.when)} it must be {allowed}"
    yield Finding(steps_of(setting), value, said, remedy)


def _order_findings(rule: Rule, values: Mapping[str, float], known: Given) -> Iterator[Finding]:
    first, words, second = rule.order
    if first not in values or second not in values or not {first, second} & known.written:
        return
    if not _ORDERS[words](values[first], values[second]):
        at, other = (first, second) if first in known.written else (second, first)
        words = words if at == first else {"at most": "at least", "less than": "more than"}[words]
        yield Finding(
            (*_FOLDER, at),
            described(values[at]),
            f"it must be {words} {other}, which is {described(values[other])}",
        )


def _sum_findings(rule: Rule, values: Mapping[str, float], known: Given) -> Iterator[Finding]:
    total = sum(values[name] for name in rule.sum)
    least, most = rule.min, rule.max
    if (least is None or total >= least) and (most is None or total <= most):
        return
    at = next((name for name in reversed(rule.sum) if name in known.written), rule.sum[-1])
    others = " and ".join(name for name in rule.sum if name != at)
    limits = f"from {number(least or 0)} to {number(most or 0)}"
    yield Finding(
        (*_FOLDER, at),
        described(values[at]),
        f"together with {others} it must be {limits}; it is {described(total)}",
    )


def _numbers(algorithm: Algorithm, training: Training) -> dict[str, float]:
    """The values of number hyperparameters, given or default, that are not tuned or refused."""
    tuned = training.tuning.ranges if training.tuning else {}
    values: dict[str, float] = {}
    for hyperparameter in algorithm.hyperparameters.values():
        names = (hyperparameter.name, *hyperparameter.aliases)
        given = [training.hyperparameters[n] for n in names if n in training.hyperparameters]
        value = given[0] if given else hyperparameter.default
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and hyperparameter.name not in tuned and not refusal(hyperparameter, value):
            values[hyperparameter.name] = value  # type: ignore[assignment]
    return values
