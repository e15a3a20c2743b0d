"""Which workloads a picture shows where there are more than fit: one for all that are alike."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from flywheel.review.assembly import Environment
from flywheel.review.naming import readable_path
from flywheel.review.pictures.workloads import SHARED, alike, workloads
from flywheel.review.verdict import Review

MAX_STACKS = 14
"""More stacks than these are folded."""
_MAX_SHOWN = 2
_MAX_NOTES = 8
_MAX_NAMES = 6


@dataclass(frozen=True)
class Selection:
    """What is shown of an environment.

    Attributes:
        before: The environment as it was, with the stacks that are shown.
        after: As it will be.
        groups: Stack id → title of its workload, where more than one is shown.
        notes: What the shown workloads stand for, and what is not shown.
        stands_for: Shown workload → all workloads that are like it.
        workloads: Stack id → its workload.
    """

    before: Environment
    after: Environment
    groups: Mapping[str, str]
    notes: tuple[str, ...]
    stands_for: Mapping[str, tuple[str, ...]]
    workloads: Mapping[str, str]

    def workload_of(self, stack_id: str) -> str:
        return self.workloads.get(stack_id, SHARED)


def select(before: Environment, after: Environment, verdict: Review) -> Selection:
    """All stacks of a small environment; of a large one, one workload of each sort."""
    ids = [*after.stacks, *(each for each in before.stacks if each not in after.stacks)]
    found = workloads(ids)
    names = [name for name in found if name != SHARED]
    owners = {stack: name for name in names for stack in found[name].values()}
    if len(ids) <= MAX_STACKS:
        groups = owners if len(names) > 1 else {}
        return Selection(before, after, groups, (), {name: (name,) for name in names}, owners)
    shapes = {name: _shape(found[name], before, after, verdict) for name in names}
    sorts = alike(ids, shapes)
    changed = {name for name in names if any(change for *_, change in shapes[name])}
    order = sorted(sorts, key=lambda sort: (sort[0] not in changed, -len(sort)))
    shown, others = order[:_MAX_SHOWN], order[_MAX_SHOWN:]
    kept = {*found[SHARED].values()}
    groups = {}
    for sort in shown:
        kept |= {*found[sort[0]].values()}
        title = sort[0] if len(sort) == 1 else f"{sort[0]}, one of {len(sort)} workloads like it"
        groups |= dict.fromkeys(found[sort[0]].values(), title)
    return Selection(
        _only(before, kept),
        _only(after, kept),
        groups,
        tuple(_notes(shown, others, shapes)),
        {sort[0]: tuple(sort) for sort in order},
        owners,
    )


Shape = frozenset[tuple[str, str, str, str]]
"""(step, path below the stack, type, what happens to it) of every resource of a workload."""


def _shape(
    steps: Mapping[str, str], before: Environment, after: Environment, verdict: Review
) -> Shape:
    actions = {
        (change.stack, change.logical_id): change.action
        for stack in verdict.stacks
        if stack.stack in steps.values()
        for change in stack.resources
    }
    return frozenset(
        (
            step,
            readable_path(stack, logical_id).partition("/")[2],
            str(resource["Type"]),
            actions.get((stack_id, logical_id), ""),
        )
        for step, stack_id in steps.items()
        for environment in (before, after)
        if (stack := environment.stacks.get(stack_id))
        for logical_id, resource in stack.resources.items()
    )


def _only(environment: Environment, stacks: set[str]) -> Environment:
    return Environment(
        environment.name, {key: each for key, each in environment.stacks.items() if key in stacks}
    )


def _notes(
    shown: list[list[str]], others: list[list[str]], shapes: Mapping[str, Shape]
) -> Iterator[str]:
    """What the shown ones stand for, and how the others differ from the first."""
    for sort in shown:
        if len(sort) > 1:
            yield f"{sort[0]} stands for {len(sort)} workloads that are alike: {_list(sort)}."
    for sort in (*shown[1:], *others[:_MAX_NOTES]):
        verb = "differs" if len(sort) == 1 else "differ"
        how = _differs(shapes[sort[0]], shapes[shown[0][0]])
        yield f"{_list(sort)} {verb} from {shown[0][0]}: {how}."
    if len(others) > _MAX_NOTES:
        rest = [name for sort in others[_MAX_NOTES:] for name in sort]
        yield f"{len(rest)} more workloads are not drawn: {_list(rest)}."


def _differs(shape: Shape, first: Shape) -> str:
    """How one sort differs from the first, in words."""
    steps, others = {each[0] for each in shape}, {each[0] for each in first}
    says = [f"no {step} stack" for step in sorted(others - steps)]
    says += [f"a {step} stack" for step in sorted(steps - others)]
    same = steps & others
    mine = Counter(kind for step, _, kind, _ in shape if step in same)
    theirs = Counter(kind for step, _, kind, _ in first if step in same)
    for kind in sorted({*mine, *theirs}):
        if mine[kind] != theirs[kind]:
            says.append(f"{mine[kind]} instead of {theirs[kind]} {kind}")
    if not says:
        changes = Counter(change for *_, change in shape if change)
        words = ", ".join(f"{count} {change}" for change, count in sorted(changes.items()))
        says.append(f"other changes: {words}" if words else "no changes")
    return ", ".join(says)


def _list(names: Iterable[str]) -> str:
    all_names = list(names)
    more = len(all_names) - _MAX_NAMES
    if more <= 1:
        return ", ".join(all_names)
    return f"{', '.join(all_names[:_MAX_NAMES])} and {more} more"
