"""Instances: does the algorithm train and serve on this type, and on this many?"""

from collections.abc import Iterator

from flywheel.algorithms import instance_types
from flywheel.algorithms.catalogue import Algorithm, Instances
from flywheel.algorithms.errors import RefusedError
from flywheel.algorithms.findings import Finding, Step
from flywheel.algorithms.given import Given, Training, in_words
from flywheel.algorithms.values import described

_CPU_EXAMPLE = "ml.m5.xlarge"
_GPU_EXAMPLE = "ml.g5.xlarge"


def instance_findings(algorithm: Algorithm, training: Training, known: Given) -> Iterator[Finding]:
    """All about type and count of the training instances."""
    if training.instance_type is not None:
        steps = ("training", "instance_type")
        try:
            instance_types.check("training", training.instance_type)
        except RefusedError as error:
            yield Finding(steps, described(training.instance_type), error.rule, error.remedy)
        else:
            yield from _type_findings(
                algorithm,
                algorithm.training,
                "trains",
                training.instance_type,
                steps=steps,
                known=known,
            )
    if training.instance_count is not None and training.instance_count > 1:
        yield from _count_findings(algorithm, training.instance_count, known)


def hosting_findings(
    algorithm: Algorithm, instance_type: str, steps: tuple[Step, ...]
) -> Iterator[Finding]:
    """All about one instance type of the endpoint."""
    nothing = Given({}, frozenset(), frozenset())
    yield from _type_findings(
        algorithm, algorithm.hosting, "serves", instance_type, steps=steps, known=nothing
    )


def _type_findings(
    algorithm: Algorithm,
    instances: Instances,
    does: str,
    instance_type: str,
    *,
    steps: tuple[Step, ...],
    known: Given,
) -> Iterator[Finding]:
    subject = f"{algorithm.name} {does}"
    processor = instance_types.processor_of(instance_type)
    offered = [name for name in ("CPUs", "NVIDIA GPUs") if _has(instances, name)]
    example = next(iter(instances.recommended), _CPU_EXAMPLE if instances.cpu else _GPU_EXAMPLE)
    if processor not in ("cpu", "gpu"):
        kinds = " or ".join("x86 CPUs" if name == "CPUs" else name for name in offered)
        yield Finding(steps, instance_type, f"{subject} on {kinds}", f"For example {example}.")
    elif not _has(instances, "CPUs" if processor == "cpu" else "NVIDIA GPUs"):
        yield Finding(
            steps, instance_type, f"{subject} on {offered[0]} only", f"For example {example}."
        )
    elif processor == "gpu":
        yield from _gpu_findings(
            algorithm, instances, subject, instance_type, steps=steps, known=known
        )
    elif instances.cpu_doubtful:
        rule = f"AWS's guide speaks of GPUs only for {algorithm.name}"
        yield Finding(steps, instance_type, rule, f"{_GPU_EXAMPLE} is safe.", "warning")


def _gpu_findings(
    algorithm: Algorithm,
    instances: Instances,
    subject: str,
    instance_type: str,
    *,
    steps: tuple[Step, ...],
    known: Given,
) -> Iterator[Finding]:
    if not known.holds(instances.gpu_when, in_doubt=True):
        rule = f"{subject} on a GPU only when {in_words(algorithm, instances.gpu_when)}"
        yield Finding(steps, instance_type, rule, f"For example {_CPU_EXAMPLE}.")
    elif instances.gpu_unused:
        rule = f"{algorithm.name} makes no use of a GPU"
        yield Finding(steps, instance_type, rule, f"{_CPU_EXAMPLE} costs less.", "warning")
    elif instances.gpu_families and _family(instance_type) not in instances.gpu_families:
        rule = f"the GPU families that AWS names for {algorithm.name} are "
        rule += ", ".join(instances.gpu_families)
        yield Finding(steps, instance_type, rule, "Try it before you rely on it.", "warning")


def _count_findings(algorithm: Algorithm, count: int, known: Given) -> Iterator[Finding]:
    steps = ("training", "instance_count")
    when = algorithm.training.several_instances_when
    if not algorithm.training.several_instances:
        rule = f"{algorithm.name} trains on one instance only"
        yield Finding(steps, str(count), rule, "Write 1.")
    elif not known.holds(when, in_doubt=True):
        rule = f"{algorithm.name} trains on several instances only when {in_words(algorithm, when)}"
        yield Finding(steps, str(count), rule, "Write 1.")


def _has(instances: Instances, name: str) -> bool:
    return instances.cpu if name == "CPUs" else instances.gpu


def _family(instance_type: str) -> str:
    return instance_type.removeprefix("ml.").split(".")[0]
