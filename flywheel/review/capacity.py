"""Changes that make something larger or smaller, and so cost more or less."""

import re

from flywheel.review.verdict import PropertyChange

_TYPE = re.compile(
    r"(?:(?P<prefix>ml|db|cache|dw)\.)?(?P<family>[a-z0-9-]+)\.(?P<size>[a-z0-9-]+)$"
)
_SIZES = {"nano": 0.0625, "micro": 0.125, "small": 0.25, "medium": 0.5, "large": 1.0, "xlarge": 2.0}
"""Size names relative to `large`: within a family each next one is twice as large.

Source: Amazon EC2 User Guide, 'Instance size'."""
_COUNTS = frozenset(
    {
        "AllocatedStorage",
        "DesiredCount",
        "InitialInstanceCount",
        "InitialVariantCount",
        "InstanceCount",
        "MaxCapacity",
        "MaxConcurrency",
        "MaxParallelTrainingJobs",
        "MaximumConcurrency",
        "MemorySize",
        "MinCapacity",
        "NumberOfWorkers",
        "ProvisionedConcurrentExecutions",
        "ReadCapacityUnits",
        "VolumeSizeInGB",
        "WorkerCount",
        "WriteCapacityUnits",
    }
)


def growth(change: PropertyChange) -> tuple[float | None, str] | None:
    """How much larger a property makes its resource, and a sentence; None for other properties.

    The factor is None where it cannot be told, for example between two families of instances.
    """
    name = re.sub(r"\[.*?\]", "", change.path).rsplit(".", 1)[-1]
    before, after = change.before, change.after
    if not (isinstance(before, str) and isinstance(after, str)) or before == after:
        return None
    if name in _COUNTS:
        factor = _ratio(before, after)
        return factor, f"{change.path} goes from {before} to {after}."
    if name.endswith("InstanceType") or name in ("InstanceClass", "NodeType"):
        factor = _sizes(before, after)
        if factor is None:
            return None, f"{change.path} goes from {before} to {after}, another family."
        relation = f"{factor:g} times the size" if factor > 1 else f"{factor:g} of the size"
        return factor, f"{change.path} goes from {before} to {after}: {relation}."
    return None


def _ratio(before: str, after: str) -> float | None:
    try:
        return float(after) / float(before)
    except (ValueError, ZeroDivisionError):
        return None


def _sizes(before: str, after: str) -> float | None:
    old, new = _TYPE.match(before), _TYPE.match(after)
    if not old or not new or old["family"] != new["family"] or old["prefix"] != new["prefix"]:
        return None
    sizes = _size(old["size"]), _size(new["size"])
    return sizes[1] / sizes[0] if sizes[0] and sizes[1] else None


def _size(name: str) -> float:
    """Relative to `large`; 0 for a name that does not say."""
    many = re.fullmatch(r"(\d+)xlarge", name)
    return 2.0 * int(many[1]) if many else _SIZES.get(name, 0.0)
