"""How a change is planted in the test bench's templates, and what is expected of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.review.world import (
    Templates,
    output,
)

DELETE: Any = object()
NOTHING = {"Ref": "AWS::NoValue"}


@dataclass(frozen=True)
class Plant:
    """One planted change.

    Attributes:
        says: What was done, as the name of the test.
        change: Does it.
        findings: (rule, construct path) of all findings that are not routine.
        actions: Construct path → action, of all resources that change.
        level: The level of the whole verdict.
        blocked: Whether the deployment is blocked.
    """

    says: str
    change: Callable[[Templates], None]
    findings: frozenset[tuple[str, str]] = frozenset()
    actions: Mapping[str, str] = field(default_factory=dict)
    level: str = "look"
    blocked: bool = False


def put(path: str, value: Any) -> Callable[[Templates], None]:
    """Set what is at a place like Lake.Raw.Properties.BucketName; DELETE takes it away."""

    def change(given: Templates) -> None:
        stack, *steps = path.split(".")
        target: Any = given[stack]["Resources"]
        for step in steps[:-1]:
            target = target[int(step) if step.isdecimal() else step]
        last = int(steps[-1]) if steps[-1].isdecimal() else steps[-1]
        if value is DELETE:
            del target[last]
        else:
            target[last] = value

    return change


def both(*changes: Callable[[Templates], None]) -> Callable[[Templates], None]:
    def change(given: Templates) -> None:
        for each in changes:
            each(given)

    return change


def rename(stack: str, old: str, new: str, *, path: str | None) -> Callable[[Templates], None]:
    """Give a resource another logical id, and every reference to it too."""

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            if value == {"Ref": old}:
                return {"Ref": new}
            if isinstance(value.get("Fn::GetAtt"), list) and value["Fn::GetAtt"][0] == old:
                return {"Fn::GetAtt": [new, *value["Fn::GetAtt"][1:]]}
            return {key: replaced(item) for key, item in value.items()}
        return [replaced(item) for item in value] if isinstance(value, list) else value

    def change(given: Templates) -> None:
        given[stack] = replaced(given[stack])
        resources = given[stack]["Resources"]
        resources[new] = resources.pop(old)
        resources[new]["Metadata"] = {"path": path or f"{stack}/{new}"}

    return change


def grant(*statements: Mapping[str, Any]) -> Callable[[Templates], None]:
    """Give the role these rights besides those that it has."""

    def change(given: Templates) -> None:
        document = given["Serving"]["Resources"]["Rights"]["Properties"]["PolicyDocument"]
        document["Statement"] += statements

    return change


def _without_stack(given: Templates) -> None:
    del given["Serving"]


RIGHTS = "Serving.Rights.Properties.PolicyDocument.Statement"
TRUST = "Serving.Role.Properties.AssumeRolePolicyDocument.Statement"
KEY = "Lake.Key.Properties.KeyPolicy.Statement"
VARIANT = "Serving.Config.Properties.ProductionVariants.0"
CASCADE = {
    "Serving/Config": "replaced",
    "Serving/Endpoint": "changed",
}
PREFIX = {"Fn::Join": ["", [output("RawArn"), "/flights/*"]]}


def found(*pairs: tuple[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(pairs)
