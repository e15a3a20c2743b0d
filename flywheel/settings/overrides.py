"""`overrides.<environment>` of a workload: what an environment does differently."""

from collections.abc import Iterator

from flywheel.algorithms.errors import nearest
from flywheel.settings.document import Located, merge
from flywheel.settings.errors import Problem
from flywheel.settings.messages import problem_at

_FIXED = ("name", "overrides")


def with_overrides(root: Located, environment: str) -> Located:
    """The workload as one environment has it; every value still knows its own line."""
    base = _without(root, "overrides")
    block, absent = root.at(("overrides", environment))
    if absent or not isinstance(block.value, dict):
        return base
    return merge(base, _without(block, *_FIXED))


def override_problems(root: Located, environments: tuple[str, ...]) -> Iterator[Problem]:
    """What is wrong with the block itself; its values are checked where they are merged in."""
    overrides, absent = root.at(("overrides",))
    if absent or overrides.value is None:
        return
    if not isinstance(overrides.value, dict):
        yield problem_at(root, ("overrides",), "it must be a mapping of environments")
        return
    for name, block in overrides.value.items():
        if name not in environments:
            near = nearest(name, environments)
            remedy = f"the nearest is {near}" if near else f"there are {', '.join(environments)}"
            yield block.problem(f"{block.setting} is not an environment; {remedy}.")
        elif isinstance(block.value, dict):
            for child in (block.value[key] for key in _FIXED if key in block.value):
                yield child.problem(f"{child.setting} cannot be overridden; remove it.")
        elif block.value is not None:
            yield problem_at(root, ("overrides", name), "it must be a mapping of settings")


def _without(located: Located, *keys: str) -> Located:
    children = located.value if isinstance(located.value, dict) else {}
    kept = {key: value for key, value in children.items() if key not in keys}
    return Located(kept, located.path, located.line, located.steps)
