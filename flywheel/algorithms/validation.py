"""Does a built-in algorithm take this training? All that speaks against it, at once.

What breaks the looser of two rules of AWS's is a problem; what breaks only the stricter one, or has
no effect, is a warning. Pure functions: a description in, findings out.
"""

from flywheel.algorithms import catalogue
from flywheel.algorithms.channel_checks import channel_findings
from flywheel.algorithms.findings import Finding, Findings, Step
from flywheel.algorithms.given import ChannelUse, RangeUse, Training, Tuning, given
from flywheel.algorithms.hyperparameter_checks import hyperparameter_findings
from flywheel.algorithms.instance_checks import hosting_findings, instance_findings
from flywheel.algorithms.tuning_checks import tuning_findings

__all__ = [
    "ChannelUse",
    "Finding",
    "Findings",
    "RangeUse",
    "Training",
    "Tuning",
    "check",
    "check_hosting",
]


def check(key: str, training: Training) -> Findings:
    """What speaks against this training of the algorithm.

    Raises:
      RefusedError: there is no such algorithm.
    """
    algorithm = catalogue.find(key)
    known = given(algorithm, training)
    return Findings.of(
        (
            *channel_findings(algorithm, training, known),
            *instance_findings(algorithm, training, known),
            *hyperparameter_findings(algorithm, training, known),
            *tuning_findings(algorithm, training, known),
        )
    )


def check_hosting(key: str, instance_type: str, steps: tuple[Step, ...]) -> Findings:
    """What speaks against serving a model of the algorithm on this instance type.

    Args:
      key: the algorithm.
      instance_type: one that SageMaker hosts on.
      steps: where the instance type stands in the workload.

    Raises:
      RefusedError: there is no such algorithm.
    """
    return Findings.of(hosting_findings(catalogue.find(key), instance_type, steps))
