"""What deployment and rollback do to the champion pointer and the serving stack."""

from components.loop.asl import Json, Permission, allow, expression
from components.loop.champion import pointer_arn
from components.loop.context import LoopContext

DEPLOY_TOKEN = "deploy"  # noqa: S105 (what a repeated request is known by, not a secret)
RESTORE_TOKEN = "restore"  # noqa: S105
NOTHING_TO_UPDATE = "No updates are to be performed"
"""CloudFormation's error when a stack is already as it should be."""


def stack_arn(loop: LoopContext) -> str:
    return loop.arn("cloudformation", "stack", f"{loop.serving_stack_name}/*")


def allow_pointer(loop: LoopContext) -> tuple[Permission, ...]:
    return (allow("ssm:PutParameter", on=[pointer_arn(loop)]),)


def update_request(loop: LoopContext, token: str) -> Json:
    """UpdateStack's request: nothing changes but what the parameters resolve to."""
    return {
        "StackName": loop.serving_stack_name,
        "UsePreviousTemplate": True,
        "Parameters": expression("$parameters"),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "ClientRequestToken": expression(f"'{token}-' & $run"),
    }


def allow_update_stack(loop: LoopContext) -> tuple[Permission, ...]:
    """CloudFormation changes the resources in its own role, but resolves parameters in ours."""
    return (
        allow("cloudformation:UpdateStack", on=[stack_arn(loop)]),
        allow(
            "ssm:GetParameters",
            on=[
                pointer_arn(loop),
                loop.arn("ssm", "parameter", f"cdk-bootstrap/{loop.qualifier}/version"),
            ],
        ),
    )


def allow_look_at_stack(loop: LoopContext, *actions: str) -> Permission:
    """Ask CloudFormation about the serving stack."""
    return allow(*actions, on=[stack_arn(loop)])
