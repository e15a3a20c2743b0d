"""The outputs of an environment's deployed stacks."""

from typing import Any


def stack_outputs(cloudformation: Any, environment: str) -> dict[str, dict[str, str]]:
    """Stack name → output → value, of all stacks named `<environment>-…`."""
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    return {
        stack["StackName"]: {
            output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])
        }
        for page in pages
        for stack in page["Stacks"]
        if stack["StackName"].startswith(f"{environment}-")
    }
