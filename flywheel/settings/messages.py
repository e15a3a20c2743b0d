"""Turns what pydantic found into lines that a person can act on."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import ValidationError

from flywheel.algorithms.errors import nearest
from flywheel.settings.base import Settings
from flywheel.settings.document import Located, Step, describe, setting_name
from flywheel.settings.errors import Problem

Entry = Mapping[str, Any]

_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}
_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text",
    "mapping_type": "a mapping: `key: value`",
    "model_type": "a mapping: `key: value`",
    "model_attributes_type": "a mapping: `key: value`",
    "tuple_type": "a list: `- value`",
}
_LENGTHS = {
    "string_too_short": ("min_length", "at least", ("character", "characters")),
    "string_too_long": ("max_length", "at most", ("character", "characters")),
    "too_short": ("min_length", "at least", ("entry", "entries")),
    "too_long": ("max_length", "at most", ("entry", "entries")),
}
_BOOLEANS = ("true", "false")
_BOOLEAN_WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def entries_of(error: ValidationError, root: Located) -> list[Entry]:
    """What pydantic refused, but for lists that it calls too short because of a refused entry."""
    return [
        entry
        for entry in error.errors(include_url=False)
        if entry["type"] != "too_short" or _is_too_short(entry, root)
    ]


def _is_too_short(entry: Entry, root: Located) -> bool:
    value = root.at(tuple(entry["loc"]))[0].value
    return not isinstance(value, list | dict) or len(value) < entry["ctx"]["min_length"]


def problems_of(entries: Sequence[Entry], model: type[Settings], root: Located) -> list[Problem]:
    """One problem for each entry, at the line of its setting."""
    problems: list[Problem] = []
    meant = misspelt(entries, model)
    for entry in entries:
        steps: tuple[Step, ...] = tuple(entry["loc"])
        if entry["type"] == "extra_forbidden":
            known = _known_keys(steps, model)
            near = nearest(str(steps[-1]), known)
            problems.append(_unknown(root.at(steps)[0], near, known))
        elif entry["type"] == "missing":
            # Who misspells `algorithm` does not miss what a script needs.
            if steps not in meant and (*steps[:-1], "algorithm") not in meant:
                problems.append(_missing(steps, model, root))
        elif steps and steps[-1] == "[key]":
            words = _rule(entry, steps[-2])
            problems.append(problem_at(root, steps[:-1], *words, value="not a usable name"))
        else:
            located, _ = root.at(steps)
            words = _rule(entry, located.plain(), located.text)
            problems.append(problem_at(root, steps, *words))
    return problems


def misspelt(entries: Sequence[Entry], model: type[Settings]) -> frozenset[tuple[Step, ...]]:
    """The settings that were probably meant by keys that do not exist."""
    unknown = [tuple(entry["loc"]) for entry in entries if entry["type"] == "extra_forbidden"]
    near = [(steps, nearest(str(steps[-1]), _known_keys(steps, model))) for steps in unknown]
    return frozenset((*steps[:-1], name) for steps, name in near if name)


def problem_at(
    root: Located, steps: tuple[Step, ...], rule: str, remedy: str = "", value: str | None = None
) -> Problem:
    """`setting is VALUE; RULE. REMEDY`, at the line of the setting or of the nearest parent."""
    located, absent = root.at(steps)
    name = setting_name((*located.steps, *absent))
    value = value or ("missing" if absent else located.described())
    return located.problem(f"{name} is {value}; {rule}.{' ' if remedy else ''}{remedy}")


def _rule(entry: Entry, value: object, text: str | None = None) -> tuple[str, str]:
    kind, context = entry["type"], entry.get("ctx", {})
    rule, remedy = f"it cannot be used ({str(entry['msg']).lower()})", ""
    if kind == "flywheel":
        rule, remedy = context["rule"], context["remedy"]
    elif kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        rule = f"it must be {words} {_number(context[bound])}"
    elif kind in _TYPES:
        rule, remedy = f"it must be {_TYPES[kind]}", _type_remedy(kind, value, text)
    elif kind == "literal_error":
        expected = str(context["expected"]).replace("'", "")
        near = nearest(str(value), expected.replace(" or ", ", ").split(", "))
        rule, remedy = f"it must be {expected}", f"The nearest is {near}." if near else ""
    elif kind in _LENGTHS:
        limit, words, noun = _LENGTHS[kind]
        count = int(context[limit])
        rule = f"it must have {words} {count} {noun[0] if count == 1 else noun[1]}"
    elif kind == "string_pattern_mismatch":
        rule = f"it must look like {context['pattern']}"
    return rule, remedy


def _type_remedy(kind: str, value: object, text: str | None) -> str:
    """How the value becomes one of the type that is wanted, where that can be guessed."""
    remedy = ""
    if kind == "string_type":
        if isinstance(value, bool | int | float):
            remedy = f"Put it in quotes: '{text if text is not None else describe(value)}'."
        elif value:
            remedy = "If it is meant as text, put it in quotes."
    elif isinstance(value, str):
        remedy = _text_remedy(kind, value)
    elif kind in {"int_from_float", "int_type"} and isinstance(value, float):
        remedy = f"For example {round(value)}."
    elif kind == "tuple_type" and value is not None:
        remedy = "Put it in brackets or after a dash."
    return remedy


def _text_remedy(kind: str, text: str) -> str:
    if kind == "bool_type":
        meant = _BOOLEAN_WORDS.get(text.lower())
        return f"Write {meant}." if meant else "Remove the quotes." if text in _BOOLEANS else ""
    if kind == "tuple_type":
        return f"Write [{text}]."
    return "Remove the quotes." if kind in {"int_type", "float_type"} and _is_number(text) else ""


def _missing(steps: tuple[Step, ...], model: type[Settings], root: Located) -> Problem:
    parent = _model(steps[:-1], model)
    field = parent.model_fields.get(str(steps[-1])) if parent else None
    group = _model_in(field.annotation) if field else None
    said = (field.description if field else None) or (group.__doc__ if group else None) or ""
    meaning = said.split("\n")[0].rstrip(".")
    if meaning[1:2].islower() and meaning[0].isupper():
        meaning = meaning[0].lower() + meaning[1:]
    remedy = f"Add it ({meaning})." if meaning else "Add it."
    return problem_at(root, steps, "it is required", remedy)


def _unknown(located: Located, near: str | None, known: Sequence[str]) -> Problem:
    remedy = f"the nearest is {near}." if near else f"known here: {', '.join(known)}."
    return located.problem(f"{located.setting} is not a setting; {remedy}")


def _known_keys(steps: tuple[Step, ...], model: type[Settings]) -> list[str]:
    parent = _model(steps[:-1], model)
    return [*parent.model_fields, *parent.read_elsewhere] if parent else []


def _model(steps: tuple[Step, ...], model: type[Settings]) -> type[Settings] | None:
    """The model that holds the settings at these steps."""
    current: type[Settings] | None = model
    for step in steps:
        if isinstance(step, int) or current is None:
            continue
        field = current.model_fields.get(step)
        current = _model_in(field.annotation) if field else None
    return current


def _model_in(annotation: Any) -> type[Settings] | None:
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found:
            return found
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
