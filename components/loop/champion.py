"""The model that serves now: the pointer, and what it points to."""

from components.loop.asl import Permission, State, allow, choice, expression, task
from components.loop.context import LoopContext
from components.model_registry import NO_CHAMPION


def champion(loop: LoopContext) -> list[State]:
    """From the pointer to the model package that it names, if there is one."""
    return [
        read_pointer(loop),
        choice(
            "HasChampion",
            [(f"$pointer = '{NO_CHAMPION}'", "WhatToDo")],
            otherwise="DescribeChampion",
            comment="The pointer is there before the first model is",
        ),
        describe_champion(loop),
    ]


def read_pointer(loop: LoopContext) -> State:
    """Which model serves."""
    return task(
        "ReadPointer",
        "aws-sdk:ssm:getParameter",
        {"Name": loop.registry.pointer_name},
        then="HasChampion",
        comment="The ARN of the champion's model package",
        assign={"pointer": expression("$states.result.Parameter.Value")},
        needs=[allow("ssm:GetParameter", on=[pointer_arn(loop)])],
    )


def pointer_arn(loop: LoopContext) -> str:
    """ARN of the champion pointer."""
    return loop.arn("ssm", "parameter", loop.registry.pointer_name.removeprefix("/"))


def describe_champion(loop: LoopContext) -> State:
    """Version and artifact of the model that serves."""
    return task(
        "DescribeChampion",
        "aws-sdk:sagemaker:describeModelPackage",
        {"ModelPackageName": expression("$pointer")},
        then="WhatToDo",
        comment="The challenger has to hold its own against it",
        assign={
            "champion": {
                "arn": expression("$pointer"),
                "version": expression("$states.result.ModelPackageVersion"),
                "model": expression(
                    "$states.result.InferenceSpecification.Containers[0].ModelDataUrl"
                ),
            }
        },
        needs=[allow_describe_packages(loop)],
    )


def allow_describe_packages(loop: LoopContext) -> Permission:
    """Look at the models of this workload's group."""
    group = loop.registry.model_package_group_name
    return allow(
        "sagemaker:DescribeModelPackage", on=[loop.arn("sagemaker", "model-package", f"{group}/*")]
    )
