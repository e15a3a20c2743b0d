"""Where the policies of a template are, and about whom they speak."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from flywheel.review.assembly import Environment, Stack
from flywheel.review.intrinsics import FN_IF, NO_VALUE, Resolver, references

Kind = Literal["identity", "trust", "resource", "network"]
TRUST = "AssumeRolePolicyDocument"
_ATTACHED = ("Roles", "Users", "Groups", "RoleName", "UserName", "GroupName")
_IDENTITY = (
    "AWS::IAM::Policy",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::RolePolicy",
    "AWS::IAM::UserPolicy",
    "AWS::IAM::GroupPolicy",
)
_HOLDERS = ("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group")
_NETWORK = ("AWS::EC2::VPCEndpoint",)
_SUBJECTS = (
    "Bucket",
    "Queues",
    "Topics",
    "FunctionName",
    "SecretId",
    "EventBusName",
    "ResourceArn",
)
"""Properties by which a policy resource names the resource that it is about."""


@dataclass(frozen=True)
class Document:
    """One policy document, rendered."""

    stack: Stack
    logical_id: str
    """Of the resource that holds it."""
    place: str
    """Where in the resource: PolicyDocument, Policies[0].PolicyDocument."""
    kind: Kind
    subjects: tuple[tuple[str, str], ...]
    """(stack id, logical id) of the roles or resources that it is about."""
    body: Mapping[str, Any]


def documents_of(environment: Environment, resolver: Resolver) -> Iterator[Document]:
    """All policies of an environment, each with everything that it is about."""
    attached = _attachments(environment, resolver)
    for stack in environment.stacks.values():
        for logical_id, resource in stack.resources.items():
            for document in documents_in(stack, logical_id, resource, resolver):
                extra = attached.get((stack.id, logical_id), ())
                if extra:
                    named = {*document.subjects, *extra} - {(stack.id, logical_id)}
                    yield replace(document, subjects=tuple(sorted(named)))
                else:
                    yield document


def _attachments(
    environment: Environment, resolver: Resolver
) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Managed policy of the templates → the roles that name it in their ManagedPolicyArns."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for stack in environment.stacks.values():
        for logical_id, resource in stack.resources.items():
            managed = resource.get("Properties", {}).get("ManagedPolicyArns")
            if resource["Type"] in _HOLDERS and managed:
                for policy in references(resolver.plain(stack, managed)):
                    found.setdefault(policy, []).append((stack.id, logical_id))
    return found


def documents_in(
    stack: Stack, logical_id: str, resource: Mapping[str, Any], resolver: Resolver
) -> Iterator[Document]:
    """All policies that one resource holds."""
    resource_type = resource["Type"]
    properties = resolver.plain(stack, resource.get("Properties", {}))
    own = ((stack.id, logical_id),)
    if resource_type == "AWS::Lambda::Permission":
        statement = _permission(properties)
        subjects = _subjects(stack, logical_id, properties)
        made_up = {"Version": "2012-10-17", "Statement": [statement]}
        yield Document(stack, logical_id, "", "resource", subjects, made_up)
        return
    for path, body in _policies(properties, ""):
        kind: Kind
        if resource_type in _IDENTITY:
            kind, subjects = "identity", _holders(properties) or own
        elif resource_type in _HOLDERS:
            kind, subjects = ("trust" if path == TRUST else "identity"), own
        elif resource_type in _NETWORK:
            kind, subjects = "network", own
        else:
            kind, subjects = "resource", _subjects(stack, logical_id, properties)
        named = resolver.without_hashes(body)
        yield Document(stack, logical_id, path, kind, subjects, named)
    managed = properties.get("ManagedPolicyArns", [])
    foreign = [arn for arn in managed if isinstance(arn, str) and not references(arn)]
    if resource_type in _HOLDERS and foreign:
        yield Document(stack, logical_id, "ManagedPolicyArns", "identity", own, _opaque(foreign))


def _policies(value: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Whatever looks like a policy document, also as a JSON text."""
    if isinstance(value, str) and '"Statement"' in value:
        value = _document(value)
    if isinstance(value, Mapping):
        if _has_statements(value):
            yield path, value
            return
        for key, item in value.items():
            yield from _policies(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _policies(item, f"{path}[{index}]")


def _has_statements(value: Mapping[str, Any]) -> bool:
    statements = value.get("Statement")
    first = statements[0] if isinstance(statements, list) and statements else statements
    while isinstance(first, Mapping) and FN_IF in first:
        first = next((each for each in first[FN_IF][1:] if each != NO_VALUE), None)
    return isinstance(first, Mapping) and "Effect" in first


def _document(text: str) -> Any:
    """A JSON text that is a policy; other documents only quote policies."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) and "Statement" in document else None


def _holders(properties: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    found: set[tuple[str, str]] = set()
    for name in _ATTACHED:
        found |= references(properties.get(name, ""))
    return tuple(sorted(found))


def _subjects(
    stack: Stack, logical_id: str, properties: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    found: set[tuple[str, str]] = set()
    for name in _SUBJECTS:
        found |= references(properties.get(name, ""))
    return tuple(sorted(found)) or ((stack.id, logical_id),)


def _permission(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """A Lambda permission as the statement that it becomes."""
    principal = properties.get("Principal", "*")
    conditions: dict[str, dict[str, str]] = {}
    for name, operator, key in (
        ("SourceArn", "ArnLike", "aws:SourceArn"),
        ("SourceAccount", "StringEquals", "aws:SourceAccount"),
        ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
        ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
    ):
        if name in properties:
            conditions.setdefault(operator, {})[key] = properties[name]
    return {
        "Effect": "Allow",
        "Principal": {"Service" if ".amazonaws." in principal else "AWS": principal},
        "Action": properties.get("Action", "lambda:InvokeFunction"),
        "Resource": properties.get("FunctionName", "*"),
        "Condition": conditions,
    }


def _opaque(arns: list[str]) -> Mapping[str, Any]:
    """Managed policies that are not in the templates: each stands for itself."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": f"managed policy {arn}", "Resource": "*"} for arn in arns
        ],
    }
