"""What happens to data when its stack is deleted, in one place."""

from aws_cdk import RemovalPolicy


def removal_policy(retain: bool) -> RemovalPolicy:
    """Retained data outlives its stack, except when the very first deployment fails.

    Without that exception a failed first deployment leaves empty resources behind whose fixed names
    stand in the way of the second one.
    """
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if retain else RemovalPolicy.DESTROY
