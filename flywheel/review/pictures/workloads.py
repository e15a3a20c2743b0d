"""Which stacks belong together: those of one workload, told by their names alone."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

SHARED = ""
"""The name of what belongs to no workload."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[^A-Za-z0-9]+")


def workloads(stack_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """Workload → step → stack id; SHARED comes first, the rest in the order of the stacks.

    `FlightDelayTraining` and `FlightDelayApi` share the beginning of their names, `FlightDelayApi`
    and `ChurnApi` the end: so FlightDelay and Churn are workloads with these steps.
    """
    ids = list(dict.fromkeys(stack_ids))
    beginnings = Counter(start for each in ids for start, _ in _splits(each))
    ends = Counter(end for each in ids for _, end in _splits(each))
    found: dict[str, dict[str, str]] = {SHARED: {}}
    for each in ids:
        start, end = max(
            _splits(each),
            key=lambda pair: (ends[pair[1]], beginnings[pair[0]], len(pair[0])),
            default=("", each),
        )
        if start and (beginnings[start] > 1 or ends[end] > 1):
            found.setdefault(start.strip("-_/"), {})[end.strip("-_/")] = each
        else:
            found[SHARED][each] = each
    return found


def alike(stack_ids: Iterable[str], signatures: Mapping[str, object]) -> list[list[str]]:
    """Workloads in groups of the same signature, the largest first.

    Args:
        stack_ids: All stacks.
        signatures: Workload → what must be equal.
    """
    groups: dict[object, list[str]] = {}
    for name in workloads(stack_ids):
        if name != SHARED:
            groups.setdefault(signatures[name], []).append(name)
    return sorted(groups.values(), key=len, reverse=True)


def _splits(stack_id: str) -> Iterator[tuple[str, str]]:
    """Every way to cut a name between two words."""
    words = _WORD.findall(stack_id)
    for index in range(1, len(words)):
        if words[index].strip("-_/"):
            yield "".join(words[:index]), "".join(words[index:])
