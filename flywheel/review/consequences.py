"""What becomes of what a resource holds, in one sentence."""

from collections.abc import Mapping
from typing import Any

from flywheel.review.schemas import ResourceSchemas, values_at
from flywheel.review.state import STATEFUL, fate


def of_removal(resource: Mapping[str, Any]) -> tuple[str, bool]:
    """The sentence, and whether something is lost."""
    held = STATEFUL.get(resource["Type"])
    if held is None:
        return "", False
    outcome = fate(resource, "DeletionPolicy")
    if outcome == "kept":
        return "It stays in the account, but no stack manages it any more.", False
    if outcome == "snapshot":
        return f"It is deleted with {held}; a snapshot stays.", False
    return f"It is deleted, and with it {held}.{_hindrance(resource)}", True


def of_replacement(
    before: Mapping[str, Any], after: Mapping[str, Any], *, reborn: bool
) -> tuple[str, bool]:
    """The sentence, and whether something is lost.

    Args:
        before: The template's resource as it was.
        after: The template's resource as it will be.
        reborn: Whether it got another logical id; then CloudFormation deletes the old one as one
            that is no longer in the template.
    """
    held = STATEFUL.get(after["Type"])
    if held is None:
        return "", False
    if reborn:
        outcomes = {fate(before, "DeletionPolicy")}
    else:
        # AWS does not say which template's policy counts; so it is kept only if both say so.
        outcomes = {fate(each, "UpdateReplacePolicy") for each in (before, after)}
    if outcomes == {"kept"}:
        return (
            f"A new, empty one is made. The old one stays, outside the stack, with {held}; "
            "nothing moves over.",
            False,
        )
    if "deleted" not in outcomes:
        return f"A new, empty one is made; of {held}, a snapshot stays.", False
    return (
        f"A new, empty one is made; the old one is deleted, and with it {held}.{_hindrance(after)}",
        True,
    )


def name_in_the_way(
    schemas: ResourceSchemas,
    resource_type: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> str:
    """The fixed name for which CloudFormation refuses to replace the resource, or nothing.

    Source: CloudFormation User Guide, 'Name type': a custom-named resource cannot be replaced
    unless its name changes too.
    """
    short = resource_type.rsplit("::", 1)[-1]
    names = [
        pointer
        for pointer in schemas.create_only(resource_type)
        if pointer in ((f"{short}Name",), ("Name",))
    ]
    for pointers in (schemas.identifier(resource_type), *((name,) for name in names)):
        was = [list(values_at(before, pointer)) for pointer in pointers]
        now = [list(values_at(after, pointer)) for pointer in pointers]
        if pointers and all(was) and was == now:
            return ", ".join(str(value) for values in now for value in values)
    return ""


def _hindrance(resource: Mapping[str, Any]) -> str:
    if resource["Type"] == "AWS::S3::Bucket":
        return " CloudFormation cannot delete a bucket that still holds objects: then this fails."
    return ""
