"""What roles may read, write and call: the ways that a template never draws."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flywheel.review.pictures.links import Link, link, roles_in
from flywheel.review.pictures.parts import CARRIERS, Key, Parts
from flywheel.review.pictures.tasks import Tasks
from flywheel.review.pictures.verbs import verbs_of_actions
from flywheel.review.state_machines import STATE_MACHINE

_PASSERS = (*CARRIERS, STATE_MACHINE)
"""Their roles only pass on; what they do stands in their definitions."""
_HOLDERS = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role")


def links_of_rights(parts: Parts, tasks: Tasks) -> Iterator[Link]:
    """The ways that the rights of parts and jobs open to other parts."""
    roles = _users(parts, tasks)
    for role, statement in _statements(parts):
        if statement.get("Effect") != "Allow":
            continue
        actions = statement.get("Action", [])
        verbs = verbs_of_actions([actions] if isinstance(actions, str) else actions)
        targets = parts.parts_in(statement.get("Resource", [])) if verbs else []
        for target in targets:
            for user in roles.get(role, ()):
                if user != target.key:
                    yield from (link(user, target.key, verb, verb.label) for verb in verbs)
            if role in tasks.readers and target.kind.name == "S3 bucket":
                # Athena reads and writes in the name of whoever starts the query.
                machine, workgroup = tasks.readers[role]
                if not _are_linked(tasks.links, machine, target.key):
                    yield from (link(workgroup, target.key, verb, verb.label) for verb in verbs)


def _users(parts: Parts, tasks: Tasks) -> Mapping[Key, set[Key]]:
    """Role → the parts and jobs that work under it."""
    found = {role: set(users) for role, users in tasks.roles.items()}
    for part in parts.by_key.values():
        for kind, properties in parts.members(part):
            if not kind.startswith("AWS::IAM::") and kind not in _PASSERS:
                for role in roles_in(parts, properties):
                    found.setdefault(role, set()).add(part.key)
    return found


def _are_linked(links: Iterable[Link], one: Key, other: Key) -> bool:
    return any({each.source, each.target} == {one, other} for each in links)


def _statements(parts: Parts) -> Iterator[tuple[Key, Mapping[str, Any]]]:
    """Every statement with its role."""
    for stack in parts.environment.stacks.values():
        for logical_id, resource in stack.resources.items():
            if resource["Type"] not in _HOLDERS:
                continue
            properties = parts.properties(stack, logical_id)
            if resource["Type"] == "AWS::IAM::Role":
                owners = {(stack.id, logical_id)}
                documents = [each.get("PolicyDocument") for each in properties.get("Policies", ())]
            else:
                owners = roles_in(parts, properties.get("Roles"))
                documents = [properties.get("PolicyDocument")]
            for document in documents:
                statements = (document or {}).get("Statement", [])
                for statement in [statements] if isinstance(statements, Mapping) else statements:
                    yield from ((owner, statement) for owner in sorted(owners))
