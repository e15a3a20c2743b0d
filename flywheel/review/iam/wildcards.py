"""Wildcards in the rights of roles, and the reasons that were written beside them."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from flywheel.review.assembly import Environment, Stack
from flywheel.review.intrinsics import Resolver
from flywheel.review.naming import readable_path
from flywheel.review.verdict import Wildcard

RULE = "AwsSolutions-IAM5"
"""cdk-nag's rule about wildcards; an acknowledgment names it with the wildcard in brackets."""
_POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
_HOLDERS = ("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group")


def wildcards_of(environment: Environment, resolver: Resolver) -> Iterator[tuple[str, Wildcard]]:
    """Every wildcard once for each policy that has it, each with what it means however written."""
    for stack in environment.stacks.values():
        for logical_id, resource in stack.resources.items():
            path = stack.paths.get(logical_id, f"{stack.id}/{logical_id}")
            texts = {
                text: resolver.text(stack, value)
                for document in _documents(resource)
                for statement in _list(document.get("Statement"))
                if statement.get("Effect") != "Deny"
                for text, value in _texts(statement)
            }
            for text, rendered in sorted(texts.items()):
                yield (
                    f"{text.partition('::')[0]}::{rendered}",
                    Wildcard(
                        subject=readable_path(stack, logical_id),
                        stack=stack.id,
                        text=text,
                        reasons=_reasons(stack, path, text),
                    ),
                )


def _documents(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    properties = resource.get("Properties", {})
    if resource["Type"] in _POLICIES:
        yield properties.get("PolicyDocument", {})
    elif resource["Type"] in _HOLDERS:
        for policy in _list(properties.get("Policies")):
            yield policy.get("PolicyDocument", {})


def _texts(statement: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What cdk-nag calls it, and the template's value; the case of an action means nothing."""
    for action in _list(statement.get("Action")):
        if "*" in action:
            yield f"Action::{action}", action.lower()
    for resource in _list(statement.get("Resource")):
        text = as_nag_writes(resource)
        if "*" in text:
            yield f"Resource::{text}", resource
    for action in _list(statement.get("NotAction")):
        yield f"NotAction::{action}", action.lower()
    for resource in _list(statement.get("NotResource")):
        yield f"NotResource::{as_nag_writes(resource)}", resource


def _reasons(stack: Stack, path: str, text: str) -> tuple[str, ...]:
    rule = f"{RULE}[{text}]"
    found = (each.reason for each in stack.acknowledgments if each.covers(path, rule))
    return tuple(dict.fromkeys(found))


def as_nag_writes(value: Any) -> str:
    """A resource as cdk-nag's findings and acknowledgments write it: `<Key.Arn>/*`."""
    if isinstance(value, str):
        return re.sub(r"\$\{", "<", value).replace("}", ">")
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, argument),) = value.items()
        if name == "Fn::Join":
            return str(argument[0]).join(as_nag_writes(item) for item in argument[1])
        if name in ("Fn::Sub", "Fn::ImportValue"):
            return as_nag_writes(argument)
        if name == "Fn::GetAtt":
            return f"<{as_nag_writes(argument[0])}.{as_nag_writes(argument[1])}>"
        if name == "Ref":
            return f"<{as_nag_writes(argument)}>"
    return json.dumps(value, separators=(",", ":"))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
