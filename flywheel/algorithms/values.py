"""Values of hyperparameters: what each must be, in words and as a check, and how SageMaker gets it.

SageMaker passes every hyperparameter as text, so there is one place that writes that text.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from flywheel.algorithms.catalogue import Bounds, Hyperparameter, Items, Scalar
from flywheel.algorithms.errors import nearest

MAX_CHARACTERS = 2500
"""Of a value as text. Source: Amazon SageMaker API, HyperParameterValue."""


@dataclass(frozen=True)
class Refusal:
    """Why a value is refused: `rule` reads on after `x is VALUE;`."""

    rule: str
    remedy: str = ""


def as_text(hyperparameter: Hyperparameter, value: object) -> str:
    """A value as the algorithm reads it; the value must be one that `refusal` does not refuse."""
    if hyperparameter.type == "boolean" and isinstance(value, bool):
        return hyperparameter.words[value]
    if isinstance(value, list | tuple):
        return _WRITERS[hyperparameter.written](value)
    return value if isinstance(value, str) else _scalar_text(value)


def texts(hyperparameter: Hyperparameter, value: object) -> frozenset[str]:
    """The value as text; of a list, each of its entries. What conditions compare with."""
    if hyperparameter.type != "list" or value in hyperparameter.also:
        return frozenset({as_text(hyperparameter, value)})
    return frozenset(_scalar_text(entry) for entry in _entries(hyperparameter, value) or ())


def refusal(hyperparameter: Hyperparameter, value: object) -> Refusal | None:
    """Why the algorithm does not take this value; None if it does."""
    if isinstance(value, str) and value in hyperparameter.also:
        return None
    if _is_of_type(hyperparameter, value) and _keeps(hyperparameter, value):
        if len(as_text(hyperparameter, value)) > MAX_CHARACTERS:
            return Refusal(f"as text it must have at most {MAX_CHARACTERS} characters")
        return None
    return Refusal(f"it must be {wanted(hyperparameter)}", _remedy(hyperparameter, value))


def doubt(hyperparameter: Hyperparameter, value: object) -> Refusal | None:
    """Why it may not take it, by the stricter of two sources; for values that are not refused."""
    stricter = hyperparameter.stricter
    if stricter is None or (isinstance(value, str) and value in hyperparameter.also):
        return None
    if _within(stricter, value):
        return None
    return Refusal(
        f"by {stricter.source} it must be {_limits(_NOUNS[hyperparameter.type], stricter)}"
    )


def wanted(hyperparameter: Hyperparameter) -> str:
    """What it must be, in words: `auto or a whole number of at least 1`."""
    if hyperparameter.type == "boolean":
        words = "true or false"
    elif hyperparameter.type == "list" and hyperparameter.items:
        words = f"a list of {_limits(_PLURALS[hyperparameter.items.type], hyperparameter.items)}"
    else:
        words = hyperparameter.says or _limits(_NOUNS[hyperparameter.type], hyperparameter)
    return " or ".join((*map(described, hyperparameter.also), words))


def described(value: object) -> str:
    """A value as a message shows it: short, text in quotes where it could be misread."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return _shortened(f"[{', '.join(described(entry) for entry in value)}]")
    text = str(value)
    if not isinstance(value, str):
        return _shortened(text)
    readable = _shortened(text if text.isprintable() else repr(text)[1:-1])
    misread = text != text.strip() or text in {"", "null", "true", "false"} or _is_number(text)
    return f"'{readable}'" if misread or not text.isprintable() else readable


def one_of(values: Iterable[object]) -> str:
    """`a, b or c`"""
    words = [described(value) for value in values]
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)


def number(value: float) -> str:
    """A number as rules show it: 1,000,000 or 1e-06."""
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def _is_of_type(hyperparameter: Hyperparameter, value: object) -> bool:
    if hyperparameter.type == "boolean":
        as_words = isinstance(value, str | int) and str(value) in hyperparameter.words
        return isinstance(value, bool) or as_words
    if hyperparameter.type == "list":
        return bool(_entries(hyperparameter, value))
    return _is_scalar(hyperparameter.type, value)


def _is_scalar(kind: str, value: object) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "float":
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and math.isfinite(value)  # type: ignore[arg-type]
    return isinstance(value, str)


def _keeps(hyperparameter: Hyperparameter, value: object) -> bool:
    if hyperparameter.type == "boolean":
        return True
    if hyperparameter.type == "list" and hyperparameter.items:
        items = hyperparameter.items
        entries = _entries(hyperparameter, value) or ()
        return all(_is_item(items, entry) for entry in entries)
    return _within(hyperparameter, value)


def _is_item(items: Items, entry: object) -> bool:
    return (items.type == "choice" or _is_scalar(items.type, entry)) and _within(items, entry)


def _within(bounds: Bounds, value: object) -> bool:
    if bounds.choices and value in bounds.choices:
        return True
    if bounds.pattern is not None:
        return isinstance(value, str) and re.fullmatch(bounds.pattern, value, re.ASCII) is not None
    if bounds.choices:
        return False
    if isinstance(value, str):
        return True
    if not isinstance(value, int | float):
        return False
    return (
        (bounds.min is None or value >= bounds.min)
        and (bounds.above is None or value > bounds.above)
        and (bounds.max is None or value <= bounds.max)
        and (bounds.below is None or value < bounds.below)
        and (bounds.multiple_of is None or value % bounds.multiple_of == 0)
    )


_NOUNS = {
    "integer": "a whole number",
    "float": "a number",
    "choice": "",
    "text": "text",
    "boolean": "",
    "list": "a list",
}
_PLURALS = {"integer": "whole numbers", "float": "numbers", "choice": "", "text": "words"}


def _limits(noun: str, bounds: Bounds) -> str:
    if bounds.choices:
        return one_of(bounds.choices)
    low = high = ""
    if bounds.min is not None:
        low = f"of at least {number(bounds.min)}"
    elif bounds.above is not None:
        low = f"more than {number(bounds.above)}"
    if bounds.max is not None:
        high = f"of at most {number(bounds.max)}" if not low else f"at most {number(bounds.max)}"
    elif bounds.below is not None:
        high = f"less than {number(bounds.below)}"
    if bounds.min is not None and bounds.max is not None:
        limits = f"from {number(bounds.min)} to {number(bounds.max)}"
    else:
        limits = " and ".join(part for part in (low, high) if part)
    words = f"{noun} {limits}".rstrip()
    return f"{words}, a multiple of {bounds.multiple_of}" if bounds.multiple_of else words


def _remedy(hyperparameter: Hyperparameter, value: object) -> str:
    if hyperparameter.type == "list" and hyperparameter.items:
        return _remedy_for_list(hyperparameter, hyperparameter.items, value)
    if isinstance(value, str):
        words = (*hyperparameter.choices, *hyperparameter.also)
        return _remedy_for_text(hyperparameter, value, [str(word) for word in words])
    if hyperparameter.type in {"choice", "text"}:
        return "Put it in quotes." if not isinstance(value, list | tuple | dict) else ""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return ""
    return _remedy_for_number(hyperparameter, value)


def _remedy_for_number(hyperparameter: Hyperparameter, value: float) -> str:
    if hyperparameter.type == "boolean":
        return f"Write {'true' if value else 'false'}." if value in {0, 1} else ""
    if hyperparameter.type == "integer" and value != int(value):
        return f"For example {round(value)}." if _within(hyperparameter, round(value)) else ""
    closest = _closest(hyperparameter, value)
    return "" if closest is None else f"The nearest is {closest}."


def _remedy_for_text(hyperparameter: Hyperparameter, text: str, words: Sequence[str]) -> str:
    if hyperparameter.type == "boolean":
        meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(
            text.lower(), text.lower()
        )
        return f"Write {meant}, without quotes." if meant in {"true", "false"} else ""
    if hyperparameter.type in {"integer", "float"} and _is_number(text):
        return "Remove the quotes."
    near = nearest(text, words)
    return f"The nearest is {near}." if near else ""


def _remedy_for_list(hyperparameter: Hyperparameter, items: Items, value: object) -> str:
    entries = _entries(hyperparameter, value)
    if entries is None:
        examples = {
            "json": json.dumps([items.choices[0] if items.choices else 1]),
            "nested": "[[1, 2], [3, 4]]",
            "tuple": "(1, 0)",
            "commas": "a, b",
        }
        return f"It is written as {examples[hyperparameter.written]}."
    for entry in entries:
        if _is_item(items, entry):
            continue
        near = nearest(str(entry), map(str, items.choices))
        return f"{described(entry)} is none; the nearest is {near}." if near else ""
    return ""


def _closest(bounds: Bounds, value: float) -> Scalar | None:
    if bounds.choices:
        numbers = [choice for choice in bounds.choices if not isinstance(choice, str)]
        return min(numbers, key=lambda choice: abs(choice - value)) if numbers else None
    if bounds.min is not None and value < bounds.min:
        return bounds.min
    if bounds.max is not None and value > bounds.max:
        return bounds.max
    return None


def _entries(hyperparameter: Hyperparameter, value: object) -> tuple[object, ...] | None:
    """The entries of a list, or of text that writes one; None if it is neither."""
    if isinstance(value, list | tuple):
        return _flat(value) if hyperparameter.written == "nested" else tuple(value)
    if not isinstance(value, str) or len(value) > MAX_CHARACTERS:
        return None
    return _parsed(hyperparameter, value.strip())


def _parsed(hyperparameter: Hyperparameter, text: str) -> tuple[object, ...] | None:
    if hyperparameter.written == "commas":
        return _comma_entries(text, hyperparameter.items)
    if hyperparameter.written == "tuple":
        inside = re.fullmatch(r"\((.*?),?\)", text)
        return _comma_entries(inside[1], hyperparameter.items) if inside else None
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, list):
        return None
    return _flat(parsed) if hyperparameter.written == "nested" else tuple(parsed)


def _comma_entries(text: str, items: Items | None) -> tuple[object, ...]:
    words = [word.strip() for word in text.split(",")]
    if items is not None and items.type == "integer":
        return tuple(int(word) if re.fullmatch(r"-?\d{1,18}", word) else word for word in words)
    return tuple(words)


def _flat(groups: Sequence[object]) -> tuple[object, ...] | None:
    if not all(isinstance(group, list | tuple) for group in groups):
        return None
    return tuple(entry for group in groups if isinstance(group, list | tuple) for entry in group)


def _scalar_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


_WRITERS: dict[str, Callable[[Sequence[object]], str]] = {
    "json": json.dumps,
    "commas": lambda entries: ",".join(map(_scalar_text, entries)),
    "nested": json.dumps,
    "tuple": lambda entries: f"({', '.join(map(_scalar_text, entries))})",
}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _shortened(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
