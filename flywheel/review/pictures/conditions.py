"""Conditions of a Choice state as one reads them."""

import re
from collections.abc import Mapping
from typing import Any

_COMPARISONS = {
    "Equals": "=",
    "GreaterThan": ">",
    "GreaterThanEquals": "≥",
    "LessThan": "<",
    "LessThanEquals": "≤",
    "Matches": "is like",
}
_TYPED = re.compile(r"(?:String|Numeric|Boolean|Timestamp)(?P<operator>\w+?)(?:Path)?")


def condition(rule: Mapping[str, Any]) -> str:
    """One choice's condition, in JSONata or in the older rules of JSONPath."""
    if "Condition" in rule:
        return re.sub(r"^\{%\s*|\s*%\}$", "", str(rule["Condition"])).strip()
    for name, word in (("And", " and "), ("Or", " or ")):
        if name in rule:
            return word.join(condition(each) for each in rule[name])
    if "Not" in rule:
        return f"not ({condition(rule['Not'])})"
    variable = str(rule.get("Variable", ""))
    for key, value in rule.items():
        match = _TYPED.fullmatch(key)
        if match:
            return f"{variable} {_COMPARISONS.get(match['operator'], match['operator'])} {value}"
        if key.startswith("Is"):
            words = re.sub(r"(?<!^)(?=[A-Z])", " ", key).lower()
            holds = str(value).lower() == "true"
            return f"{variable} {words if holds else words.replace('is', 'is not', 1)}"
    return variable
