"""Names that only say which environment this is, and names for readers instead of logical ids."""

import re
from collections.abc import Callable
from typing import Any

from flywheel.review.assembly import Environment, Stack

_SYMBOL = re.compile(
    r"\$\{(?P<stack>[A-Za-z0-9/_-]+)\.(?P<id>[A-Za-z0-9]+)(?:\.(?P<attr>[^}]*))?\}"
)


def neutral(environment: Environment) -> Callable[[str], str]:
    """A function that takes the environment's own name and region out of a text.

    `dev-FlightDelayServing` and `prod-FlightDelayServing` come out the same; `development` stays,
    as the name must stand alone.
    """
    words = {environment.name: "${environment}"}
    words |= {stack.region: "${region}" for stack in environment.stacks.values() if stack.region}
    words.pop("", None)
    alone = re.compile(
        rf"(?<![A-Za-z0-9])({'|'.join(re.escape(word) for word in words)})(?![A-Za-z0-9])"
    )
    return lambda text: alone.sub(lambda match: words[match[0]], text)


def readable_path(stack: Stack, logical_id: str) -> str:
    """The construct path without the `Resource` at its end, or else stack and logical id."""
    path = stack.paths.get(logical_id) or f"{stack.id}/{logical_id}"
    return path.removesuffix("/Resource")


def readable(environment: Environment, value: Any) -> Any:
    """A rendered value with construct paths in place of symbols."""
    if isinstance(value, dict):
        return {key: readable(environment, item) for key, item in value.items()}
    if isinstance(value, list):
        return [readable(environment, item) for item in value]
    if not isinstance(value, str) or "${" not in value:
        return value

    def replace(match: re.Match[str]) -> str:
        stack = environment.stacks.get(match["stack"])
        if stack is None or match["id"] not in stack.resources:
            return match[0]
        path = readable_path(stack, match["id"])
        return f"${{{path}}}" if match["attr"] in (None, "Arn") else f"${{{path}.{match['attr']}}}"

    return _SYMBOL.sub(replace, value)
