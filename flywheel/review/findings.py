"""The sentences of the verdict: which rule, how grave, where, and what it means."""

from collections.abc import Iterable, Iterator
from typing import Any

from flywheel.review.capacity import growth
from flywheel.review.changes import Changes, Node
from flywheel.review.protections import weakened
from flywheel.review.resources import in_words
from flywheel.review.state import GUARDS, IMMUTABLE, STATEFUL
from flywheel.review.verdict import (
    AccessChange,
    Finding,
    Grant,
    Level,
    Outsider,
    PropertyChange,
    StackChange,
    Wildcard,
)

_ADMINISTRATORS = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")


def findings(
    changes: Changes,
    stacks: Iterable[StackChange],
    access: Iterable[AccessChange],
    wildcards: Iterable[Wildcard],
    outsiders: Iterable[Outsider],
) -> Iterator[Finding]:
    """All findings about the change, in no order."""
    for nodes in changes.nodes.values():
        for node in nodes:
            yield from _of(changes, node)
    for stack in stacks:
        yield from _of_stack(stack)
    for one in access:
        yield from _of_access(one)
    yield from _of_wildcards(wildcards)
    yield from _of_outsiders(outsiders)


def _finding(node: Node, rule: str, level: Level, text: str) -> Finding:
    return Finding(rule=rule, level=level, stack=node.stack.id, path=node.path, text=text)


def _of(changes: Changes, node: Node) -> Iterator[Finding]:
    if node.action is None:
        return
    kind = node.resource["Type"]
    if changes.is_update:
        yield from _of_action(node, kind)
    else:
        yield from _of_difference(node, kind)
    yield from _of_protections(changes, node, kind)
    for change in node.compared.properties:
        yield from _of_capacity(node, change)
    for code in node.compared.code:
        names = [each.path for each in code.files or ()]
        what = ", ".join(names) if names else "the archive only" if code.files == () else "unknown"
        yield _finding(node, "code_changed", "routine", f"{code.asset} is different: {what}.")


def _of_action(node: Node, kind: str) -> Iterator[Finding]:
    """What happens to a resource in an update."""
    if node.obstacle and node.action == "replaced":
        yield _finding(
            node,
            "cannot_deploy",
            "danger",
            f"{kind} must be replaced, which CloudFormation refuses: {node.obstacle}. "
            "Change the name too, or take the change back.",
        )
    if node.is_lost:
        yield _finding(node, "data_lost", "danger", f"{kind}: {node.consequence}")
    elif node.action in ("removed", "replaced") and kind in STATEFUL:
        yield _finding(node, "data_left_behind", "look", f"{kind}: {node.consequence}")
    elif node.action == "removed":
        yield _finding(node, "removed", "look", f"{kind} is removed.")
    elif node.action == "replaced":
        level: Level = "routine" if kind in IMMUTABLE else "look"
        yield _finding(node, "replaced", level, f"{kind} is made anew{_because(node)}.")
    elif node.action == "maybe_replaced":
        properties = ", ".join(each.path for each in node.compared.properties if each.forces)
        yield _finding(
            node,
            "may_be_replaced",
            "danger" if kind in STATEFUL and "is deleted" in node.consequence else "look",
            f"{kind}: AWS may make it anew for {properties}. {node.consequence}".strip(),
        )
    elif node.action == "added":
        yield _finding(node, "added", "routine", f"{kind} is new.")
    elif not node.compared.code:
        names = [each.path for each in (*node.compared.properties, *node.caused)]
        yield _finding(node, "changed", "routine", f"{kind}: {', '.join(names)}.")


def _of_difference(node: Node, kind: str) -> Iterator[Finding]:
    """How a resource differs from that of another environment; nothing happens to it."""
    if node.action == "removed":
        yield _finding(node, "removed", "look", f"{kind} is not there.")
    elif node.action == "added":
        yield _finding(node, "added", "routine", f"{kind} is only there.")
    elif node.compared.properties:
        names = [each.path for each in node.compared.properties]
        yield _finding(node, "changed", "routine", f"{kind}: {', '.join(names)}.")


def _because(node: Node) -> str:
    if node.pair.is_reborn:
        return f": its logical id was {node.pair.before} and is {node.pair.after}"
    forced = [each.path for each in node.compared.properties if each.forces == "replacement"]
    forced += [f"{each.path} ({each.because_of} is new)" for each in node.caused if each.forces]
    return f" for {', '.join(forced)}" if forced else ""


def _of_protections(changes: Changes, node: Node, kind: str) -> Iterator[Finding]:
    if node.action == "removed":
        if kind in GUARDS:
            yield _finding(node, "protection_weakened", "look", f"{kind} no longer watches.")
        return
    before: Any = None
    if node.was is not None and node.former_stack is not None:
        before = changes.before.resolver.plain(node.former_stack, node.was.get("Properties", {}))
    after = changes.after.resolver.plain(node.stack, node.resource.get("Properties", {}))
    for level, says in weakened(kind, before, after):
        yield _finding(node, "protection_weakened", level, f"{kind}: {says}")
    if node.was is None:
        return
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        was, now = node.was.get(policy, "Delete"), node.resource.get(policy, "Delete")
        if kind in STATEFUL and was.startswith("Retain") and not now.startswith("Retain"):
            says = f"{kind}: {policy} is {now} and was {was}: nothing keeps what it holds."
            yield _finding(node, "protection_weakened", "danger", says)


def _of_capacity(node: Node, change: PropertyChange) -> Iterator[Finding]:
    found = growth(change)
    if found:
        factor, says = found
        larger = factor is None or factor > 1
        rule = "capacity_raised" if larger else "capacity_lowered"
        yield _finding(node, rule, "look" if larger else "routine", says)


def _of_stack(stack: StackChange) -> Iterator[Finding]:
    for change in stack.settings:
        if change.path == "TerminationProtection" and change.after == "false":
            text = "The stack's termination protection is off."
            yield Finding(rule="protection_weakened", level="danger", stack=stack.stack, text=text)
        else:
            text = f"{change.path} of the stack is different."
            yield Finding(rule="stack_changed", level="routine", stack=stack.stack, text=text)


def _of_access(access: AccessChange) -> Iterator[Finding]:
    gained = [grant for grant in access.gained if grant.has_effect]
    lost = [grant for grant in access.lost if grant.has_effect]
    wider = [grant for grant in gained if grant.effect == "Allow"]
    freed = [grant for grant in lost if grant.effect == "Deny"]
    network = access.kind == "network"
    if wider or freed:
        words = "; ".join(
            [*map(in_words, wider), *(f"no longer: {in_words(grant)}" for grant in freed)]
        )
        yield Finding(
            rule="network_policy_widened" if network else "access_widened",
            level=_gravity(access, wider, freed),
            stack=access.stack,
            path=access.subject,
            text=f"{_NOUNS[access.kind]} {words}.",
        )
    narrower = [grant for grant in lost if grant.effect == "Allow"]
    bound = [grant for grant in gained if grant.effect == "Deny"]
    if narrower or bound:
        words = "; ".join(
            [*(f"no longer: {in_words(grant)}" for grant in narrower), *map(in_words, bound)]
        )
        yield Finding(
            rule="access_narrowed",
            level="routine",
            stack=access.stack,
            path=access.subject,
            text=f"{_NOUNS[access.kind]} {words}.",
        )


_NOUNS = {
    "identity": "The role",
    "trust": "Who may take the role on:",
    "resource": "Its policy:",
    "network": "Through the endpoint:",
}


def _gravity(access: AccessChange, wider: list[Grant], freed: list[Grant]) -> Level:
    """A new subject's rights are looked at; a lost Deny, or a right to give rights, is graver."""
    if access.kind == "network":
        return "look"
    everything = any("*" in grant.actions for grant in wider)
    administrator = any(
        name in action for grant in wider for action in grant.actions for name in _ADMINISTRATORS
    )
    manages = access.kind == "identity" and any(
        "Permissions management" in grant.access or "iam:PassRole" in grant.actions
        for grant in wider
    )
    existing = access.change != "added"
    grave = everything or administrator or (existing and (manages or freed))
    return "danger" if grave else "look" if existing else "routine"


def _of_wildcards(wildcards: Iterable[Wildcard]) -> Iterator[Finding]:
    for wildcard in wildcards:
        if not wildcard.reasons:
            yield Finding(
                rule="wildcard_unexplained",
                level="look" if wildcard.new else "routine",
                stack=wildcard.stack,
                path=wildcard.subject,
                text=f"{wildcard.text} has no acknowledged reason.",
            )


def _of_outsiders(outsiders: Iterable[Outsider]) -> Iterator[Finding]:
    for outsider in outsiders:
        if outsider.new and not (outsider.kind == "anyone" and outsider.guarded):
            conditions = f" if {' and '.join(outsider.conditions)}" if outsider.conditions else ""
            yield Finding(
                rule="outsider_admitted",
                level="danger",
                stack=outsider.stack,
                path=outsider.subject,
                text=f"{outsider.principal} ({outsider.kind}) may now "
                f"{', '.join(outsider.actions)}{conditions}.",
            )
