"""Rules between the settings of a workload."""

from collections.abc import Iterator

from flywheel.settings.rules import Broken, Rule, Steps, Values, for_each, unique
from flywheel.settings.values import MEMORY_GB_BY_CPUS

LEAST_FLEET_WITH_CANARY = 2
"""Source: Amazon SageMaker API, TrafficRoutingConfig: at most 50 % of the instance count."""


def _partition_is_no_column(values: Values) -> Iterator[Broken]:
    partition = values.get("data", "partition", default="month")
    for table in ("curated", "features"):
        columns = values.get("data", "tables", table, default=None)
        if isinstance(columns, dict) and partition in columns:
            yield Broken(
                ("data", "tables", table, partition),
                "the partition must not be a column too",
                "Remove the column; the partition is added to the table by itself.",
            )


def _worker_size_is_offered(worker: str) -> Rule:
    def rule(values: Values) -> Iterator[Broken]:
        cpus = _leading_number(values("etl", worker, "cpu"))
        if cpus not in MEMORY_GB_BY_CPUS:
            offered = ", ".join(f"{number} vCPU" for number in MEMORY_GB_BY_CPUS)
            yield Broken(("etl", worker, "cpu"), f"EMR Serverless offers {offered} for a worker")
            return
        memory = _leading_number(values("etl", worker, "memory"))
        sizes = MEMORY_GB_BY_CPUS[cpus]
        if memory not in sizes:
            yield Broken(
                ("etl", worker, "memory"),
                f"with {cpus} vCPU it must be {sizes[0]} GB to {sizes[-1]} GB",
            )

    return rule


def _workers_fit_the_capacity(key: str) -> Rule:
    def rule(values: Values) -> Iterator[Broken]:
        driver = _leading_number(values("etl", "driver", key))
        executor = _leading_number(values("etl", "executor", key))
        instances = values("etl", "executor", "instances")
        needed = driver + instances * executor
        if _leading_number(values("etl", "maximum_capacity", key)) < needed:
            unit = "vCPU" if key == "cpu" else "GB"
            yield Broken(
                ("etl", "maximum_capacity", key),
                f"it must be at least {needed} {unit}, the driver and {instances} executors",
            )

    return rule


def _check_has_a_bound(values: Values, check: Steps) -> Iterator[Broken]:
    lowest = values.get(*check, "min", default=None)
    highest = values.get(*check, "max", default=None)
    if lowest is None and highest is None:
        yield Broken(
            check,
            "it must have at least one of them",
            "Add `min:` or `max:`.",
            value="without min and max",
        )
    elif lowest is not None and highest is not None and lowest > highest:
        yield Broken((*check, "min"), f"it must be at most max, which is {highest:g}")


def _spot_waits_long_enough(values: Values) -> Iterator[Broken]:
    if values.get("training", "spot", default=False) is not True:
        return
    runtime = values("training", "max_runtime_minutes")
    wait = values.get("training", "max_wait_minutes", default=None)
    if wait is None or wait < runtime:
        yield Broken(
            ("training", "max_wait_minutes"),
            f"with spot it must be at least max_runtime_minutes, which is {runtime}",
            "It counts the wait for capacity and the run together.",
        )


def _hyperparameters_are_not_ours(values: Values) -> Iterator[Broken]:
    for name in values.get("training", "hyperparameters", default={}):
        if name.startswith("sagemaker_"):
            yield Broken(
                ("training", "hyperparameters", name),
                "names that begin with sagemaker_ belong to SageMaker's toolkit",
                "Remove it; Flywheel sets what the toolkit needs.",
            )


def _scaling_range_is_a_range(values: Values) -> Iterator[Broken]:
    if values.get("serving", "autoscaling", default=None) is None:
        return
    lowest = values.get("serving", "autoscaling", "min_count", default=1)
    highest = values("serving", "autoscaling", "max_count")
    if highest < lowest:
        yield Broken(
            ("serving", "autoscaling", "max_count"),
            f"it must be at least min_count, which is {lowest}",
        )


def _instances_are_in_the_scaling_range(values: Values, variant: Steps) -> Iterator[Broken]:
    if values.get("serving", "autoscaling", default=None) is None:
        return
    lowest = values.get("serving", "autoscaling", "min_count", default=1)
    highest = values("serving", "autoscaling", "max_count")
    count = values.get(*variant, "instance_count", default=1)
    if lowest <= highest and not lowest <= count <= highest:
        yield Broken(
            (*variant, "instance_count"),
            f"it must be within autoscaling, {lowest} to {highest}",
        )


def _canary_is_a_part_of_the_fleet(values: Values, variant: Steps) -> Iterator[Broken]:
    if values.get("serving", "canary", default=None) is None:
        return
    if values.get(*variant, "instance_count", default=1) < LEAST_FLEET_WITH_CANARY:
        yield Broken(
            (*variant, "instance_count"),
            f"with a canary it must be at least {LEAST_FLEET_WITH_CANARY}",
            "A canary is at most half of the fleet; or set `serving.canary` to null.",
        )


def _canary_fits_the_scaled_fleet(values: Values) -> Iterator[Broken]:
    scaling = values.get("serving", "autoscaling", default=None)
    if scaling is None or values.get("serving", "canary", default=None) is None:
        return
    if values.get("serving", "autoscaling", "min_count", default=1) < LEAST_FLEET_WITH_CANARY:
        yield Broken(
            ("serving", "autoscaling", "min_count"),
            f"with a canary it must be at least {LEAST_FLEET_WITH_CANARY}",
            "A canary is at most half of the fleet; or set `serving.canary` to null.",
        )


def _some_variant_has_traffic(values: Values) -> Iterator[Broken]:
    variants = list(values.entries("serving", "variants"))
    weights = [values.get(*variant, "weight", default=1) for variant in variants]
    if variants and not any(weights):
        yield Broken((*variants[0], "weight"), "at least one variant must have a weight above 0")


def _leading_number(text: str) -> int:
    return int(text.partition(" ")[0])


WORKLOAD_RULES: tuple[Rule, ...] = (
    _partition_is_no_column,
    _worker_size_is_offered("driver"),
    _worker_size_is_offered("executor"),
    _workers_fit_the_capacity("cpu"),
    _workers_fit_the_capacity("memory"),
    for_each(_check_has_a_bound, "checks"),
    unique("checks", key="name"),
    unique("etl", "modules"),
    unique("evaluation", "modules"),
    _spot_waits_long_enough,
    _hyperparameters_are_not_ours,
    unique("training", "metrics", key="name"),
    _scaling_range_is_a_range,
    for_each(_instances_are_in_the_scaling_range, "serving", "variants"),
    for_each(_canary_is_a_part_of_the_fleet, "serving", "variants"),
    _canary_fits_the_scaled_fleet,
    _some_variant_has_traffic,
    unique("serving", "variants", key="name"),
)
