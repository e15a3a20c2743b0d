"""What changes between two versions of an environment, stack by stack."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from flywheel.review import consequences
from flywheel.review.assembly import Environment, Stack
from flywheel.review.iam.access import Side
from flywheel.review.intrinsics import Resolver, references
from flywheel.review.matching import Pair, pairs
from flywheel.review.naming import neutral, readable, readable_path
from flywheel.review.resources import Compared, ResourceComparison
from flywheel.review.schemas import ResourceSchemas
from flywheel.review.state import STATEFUL
from flywheel.review.values import Comparison, Difference
from flywheel.review.verdict import (
    ACTIONS,
    Action,
    PropertyChange,
    ResourceChange,
    StackChange,
)

_SECTIONS = ("Parameters", "Conditions", "Outputs", "Mappings")
_OF_CDK = re.compile(r"(?:Parameters\.BootstrapVersion|Outputs\.(?:ExportsOutput|PublishOutput))")
"""What CDK adds for itself; where it matters, a resource shows it."""


@dataclass
class Node:
    """One pair of resources with its verdict so far."""

    pair: Pair
    stack: Stack
    """After, or before where the stack or the resource goes."""
    logical_id: str
    was: Mapping[str, Any] | None = None
    """The template's resource before, None for a new one."""
    former_stack: Stack | None = None
    action: Action | None = None
    compared: Compared = field(default_factory=lambda: Compared((), (), "", reworded=False))
    caused: tuple[PropertyChange, ...] = ()
    is_lost: bool = False
    consequence: str = ""
    obstacle: str = ""
    """Why CloudFormation refuses the change."""

    @property
    def resource(self) -> Mapping[str, Any]:
        return self.stack.resources[self.logical_id]

    @property
    def path(self) -> str:
        return readable_path(self.stack, self.logical_id)


class Changes:
    """Compares two versions of one environment, or two environments.

    Args:
        before: The environment as it was; without stacks where there was none.
        after: The environment as it will be.
    """

    def __init__(self, before: Environment, after: Environment) -> None:
        self.is_update = before.name == after.name
        self._schemas = ResourceSchemas(
            next((stack.region for stack in after.stacks.values() if stack.region), None)
        )
        self.after = self._side(after, {})
        self._pairs = self._paired(self._side(before, {}))
        renamed = {
            f"{stack_id}.{pair.before}": f"{stack_id}.{pair.after}"
            for stack_id, found in self._pairs.items()
            for pair in found
            if pair.is_reborn
        }
        self.before = self._side(before, renamed)
        self._comparison = ResourceComparison(self.before, self.after, self._schemas)
        self.nodes = {
            stack_id: self._nodes(before.stacks.get(stack_id), after.stacks.get(stack_id))
            for stack_id in {**before.stacks, **after.stacks}
        }
        if self.is_update:
            self._cascade()

    def stacks(self) -> list[StackChange]:
        """Changed stacks in the order of the assembly; those that go come last."""
        old, new = self.before.environment.stacks, self.after.environment.stacks
        found = []
        for stack_id in [*new, *(each for each in old if each not in new)]:
            nodes = self.nodes[stack_id]
            settings = tuple(self._settings(old.get(stack_id), new.get(stack_id)))
            resources = tuple(sorted(map(_change, filter(_has_action, nodes)), key=_order))
            reworded = tuple(
                node.path for node in nodes if node.compared.reworded and not node.action
            )
            action: Literal["added", "removed", "changed"] = (
                "added" if stack_id not in old else "removed" if stack_id not in new else "changed"
            )
            if resources or settings or reworded or action != "changed":
                found.append(
                    StackChange(
                        stack=stack_id,
                        name=(new.get(stack_id) or old[stack_id]).name,
                        action=action,
                        settings=settings,
                        resources=resources,
                        reworded=reworded,
                    )
                )
        return found

    def _side(self, environment: Environment, renamed: Mapping[str, str]) -> Side:
        rename = _renaming(renamed)
        take_out = _unchanged if self.is_update else neutral(environment)
        return Side(environment, Resolver(environment), rename, lambda text: take_out(rename(text)))

    def _paired(self, before: Side) -> dict[str, list[Pair]]:
        comparison = ResourceComparison(before, self.after, self._schemas)
        found = {}
        for stack_id, old in before.environment.stacks.items():
            new = self.after.environment.stacks.get(stack_id)
            if new:
                found[stack_id] = list(pairs(old, new, partial(comparison.are_equal, old, new)))
        return found

    def _nodes(self, old: Stack | None, new: Stack | None) -> list[Node]:
        if old and new:
            return [self._node(pair, old, new) for pair in self._pairs[new.id]]
        if new:
            return [_added(Pair(None, each), new, each) for each in new.resources]
        if old:
            return [self._removed(Pair(each, None), old, each) for each in old.resources]
        return []

    def _node(self, pair: Pair, old: Stack, new: Stack) -> Node:
        if pair.after is None:
            return self._removed(pair, old, pair.before or "")
        if pair.before is None:
            return _added(pair, new, pair.after)
        was = old.resources[pair.before]
        node = Node(pair, new, pair.after, was, old)
        node.compared = self._comparison.compare(old, pair.before, new, pair.after)
        differs = bool(node.compared.properties or node.compared.code)
        other_type = was["Type"] != node.resource["Type"]
        if not self.is_update:
            node.action = "changed" if differs or other_type else None
        elif pair.is_reborn or other_type or node.compared.forces == "replacement":
            self._replace(node)
        elif node.compared.forces:
            node.action = "maybe_replaced"
            sentence, _ = consequences.of_replacement(was, node.resource, reborn=False)
            node.consequence = f"If AWS replaces it: {sentence}" if sentence else ""
        elif differs:
            node.action = "changed"
        return node

    def _removed(self, pair: Pair, stack: Stack, logical_id: str) -> Node:
        was = stack.resources[logical_id]
        node = Node(pair, stack, logical_id, was, stack, "removed")
        if self.is_update:
            node.consequence, node.is_lost = consequences.of_removal(was)
        return node

    def _replace(self, node: Node) -> None:
        if node.was is None or node.former_stack is None:
            return
        now = node.resource
        node.action = "replaced"
        node.consequence, node.is_lost = consequences.of_replacement(
            node.was, now, reborn=node.pair.is_reborn
        )
        if node.was["Type"] != now["Type"]:
            node.obstacle = f"it was an {node.was['Type']} under the same logical id"
            return
        name = consequences.name_in_the_way(
            self._schemas,
            now["Type"],
            self.before.resolver.plain(node.former_stack, node.was.get("Properties", {})),
            self._properties(node),
        )
        node.obstacle = f"its fixed name {name} is still taken" if name else ""

    def _cascade(self) -> None:
        """What refers to a replaced resource gets the new id: it changes, or is replaced too."""
        nodes = [node for found in self.nodes.values() for node in found]
        users: dict[tuple[str, str], list[tuple[Node, Difference]]] = {}
        for node in nodes:
            if node.pair.before is not None and node.pair.after is not None:
                for leaf in _leaves(self._properties(node), (), ""):
                    for target in references(leaf.after):
                        users.setdefault(target, []).append((node, leaf))
        waiting = [node for node in nodes if node.action == "replaced"]
        while waiting:
            replaced = waiting.pop()
            for user, leaf in users.get((replaced.stack.id, replaced.logical_id), []):
                if user is not replaced and self._touch(user, leaf, replaced):
                    waiting.append(user)

    def _properties(self, node: Node) -> Any:
        return self.after.resolver.plain(node.stack, node.resource.get("Properties", {}))

    def _touch(self, user: Node, leaf: Difference, replaced: Node) -> bool:
        """Note the change on a resource that refers to a replaced one; whether that replaces it."""
        known = (*user.compared.properties, *user.caused)
        if any(leaf.label == change.path for change in known):
            return False
        forced = any(
            leaf.path[: len(pointer)] == pointer
            for pointer in self._schemas.create_only(user.resource["Type"])
        )
        value = readable(self.after.environment, leaf.after)
        user.caused += (
            PropertyChange(
                path=leaf.label,
                before=value,
                after=value,
                forces="replacement" if forced else "",
                because_of=replaced.path,
            ),
        )
        if forced and user.action != "replaced":
            self._replace(user)
            return True
        user.action = user.action or "changed"
        return False

    def _settings(self, old: Stack | None, new: Stack | None) -> Iterator[PropertyChange]:
        """What differs about a stack itself."""
        if old is None or new is None:
            return
        comparison = Comparison(self._comparison.same)
        was, now = _about(self.before, old), _about(self.after, new)
        for difference in comparison.differences(was, now):
            if not _OF_CDK.match(difference.label):
                yield PropertyChange(
                    path=difference.label,
                    before=readable(self.before.environment, difference.before),
                    after=readable(self.after.environment, difference.after),
                )


def _added(pair: Pair, stack: Stack, logical_id: str) -> Node:
    return Node(pair, stack, logical_id, action="added")


def _has_action(node: Node) -> bool:
    return node.action is not None


def _change(node: Node) -> ResourceChange:
    """The verdict's entry for one resource that changes."""
    return ResourceChange(
        stack=node.stack.id,
        logical_id=node.logical_id,
        former_logical_id=(node.pair.before or "") if node.pair.is_reborn else "",
        path=node.path,
        type=node.resource["Type"],
        source=node.stack.sources.get(node.logical_id, ()),
        action=node.action or "changed",
        stateful=node.resource["Type"] in STATEFUL,
        consequence=node.consequence,
        properties=(*node.compared.properties, *node.caused),
        code=node.compared.code,
    )


def _unchanged(text: str) -> str:
    return text


def _about(side: Side, stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = {name: stack.template.get(name, {}) for name in _SECTIONS}
    found["Tags"] = dict(stack.tags)
    found["TerminationProtection"] = stack.termination_protection
    about: dict[str, Any] = side.resolver.plain(stack, found)
    return about


def _renaming(renamed: Mapping[str, str]) -> Callable[[str], str]:
    if not renamed:
        return _unchanged
    names = "|".join(re.escape(name) for name in renamed)
    symbol = re.compile(rf"\$\{{({names})(?=[.}}])")
    return lambda text: symbol.sub(lambda match: f"${{{renamed[match[1]]}", text)


def _leaves(value: Any, path: tuple[str, ...], label: str) -> Iterator[Difference]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, key), f"{label}.{key}" if label else key)
    elif isinstance(value, list):
        for index, item in enumerate(value, 1):
            yield from _leaves(item, (*path, "*"), f"{label}[{index}]")
    elif "${" in str(value):
        yield Difference(path, label, value, value)


def _order(change: ResourceChange) -> tuple[bool, int, str, str]:
    return (
        not change.stateful,
        ACTIONS.index(change.action),
        change.path,
        change.logical_id,
    )
