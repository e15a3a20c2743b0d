"""Settings that a script needs and a built-in algorithm brings itself."""

from typing import Any

from pydantic import ValidationInfo, ValidatorFunctionWrapHandler
from pydantic_core import PydanticKnownError

from flywheel.algorithms import catalogue
from flywheel.settings.values import custom_error


def only_for_scripts(value: Any, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """Required without an algorithm, refused with one."""
    if value == "":
        _required_for_scripts(info)
        return value
    if info.data.get("algorithm"):
        raise custom_error("a built-in algorithm runs no script", "Remove it.")
    return check(value)


def image_of_algorithm(
    value: Any, check: ValidatorFunctionWrapHandler, info: ValidationInfo
) -> Any:
    """Required without an algorithm; with one it is the algorithm's image."""
    key = info.data.get("algorithm")
    if key and value is not None:
        raise custom_error(
            "a built-in algorithm brings its own image",
            "Remove it; the version of xgboost is `algorithm_version`.",
        )
    if key:
        image = catalogue.find(key).image
        version = info.data.get("algorithm_version") or image.version
        return check({"framework": image.name, "version": version})
    if value is None:
        _required_for_scripts(info)
        return value
    return check(value)


def _required_for_scripts(info: ValidationInfo) -> None:
    # An algorithm that is refused is not in info.data: then this is not what is missing.
    if info.data.get("algorithm", "refused") is None:
        raise PydanticKnownError("missing")
