"""Accepted findings of the rule packs, written down beside the resource that has them."""

from constructs import IConstruct

METADATA_TYPE = "flywheel:acknowledged"
"""Type of the construct metadata; it travels in the assembly, where `flywheel.gates` reads it."""

WILDCARD = "AwsSolutions-IAM5"
"""The rule about wildcards in IAM policies. Its findings read `AwsSolutions-IAM5[Resource::…]`."""


def acknowledge(construct: IConstruct, reason: str, *rules: str) -> None:
    """Accept these findings on this construct and on what is inside it, for this reason.

    cdk-nag 3 compares its own acknowledgments letter by letter, with the text of intrinsic
    functions, and says nothing about one that matches no finding. Ours may leave out a part
    (`…` stands for any text), and the gate fails on one that matches nothing.

    Args:
        construct: The resource, or the smallest construct around it.
        reason: Why the finding is right as it is, for the reader of the template.
        rules: Rule ids as cdk-nag writes them, for example `AwsSolutions-IAM5[Resource::*]`.
    """
    for rule in rules:
        construct.node.add_metadata(METADATA_TYPE, {"rule": rule, "reason": reason})
