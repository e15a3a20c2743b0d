"""What all stacks have in common."""

from aws_cdk import Stack
from constructs import Construct

from flywheel.settings import EnvironmentSettings, WorkloadSettings


class FlywheelStack(Stack):
    """A stack that is protected where the environment says so, and that says whose cost it is.

    CloudFormation hands the tags of a stack to its resources, so no template repeats them.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: EnvironmentSettings,
        workload: WorkloadSettings | None = None,
        description: str,
        tagged: bool = True,
    ) -> None:
        """Args:
        workload: Whose stack it is; None for what all workloads share.
        description: What CloudFormation's console says about it.
        tagged: False for the one stack whose resources must never change.
        """
        tags = {"flywheel:environment": environment.name}
        if workload:
            tags["flywheel:workload"] = workload.name
        super().__init__(
            scope,
            construct_id,
            description=description,
            termination_protection=environment.termination_protection,
            tags=tags if tagged else None,
        )
