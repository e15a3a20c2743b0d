"""The rules of a review: what each says, which of them block, in which order findings come."""

from collections.abc import Collection, Iterable

from flywheel.review.verdict import LEVELS, Finding

RULES: dict[str, str] = {
    "data_lost": "something that holds data is deleted",
    "data_left_behind": "something that holds data is replaced or let go, and stays outside",
    "cannot_deploy": "CloudFormation refuses the change",
    "replaced": "a resource is made anew",
    "may_be_replaced": "AWS may make a resource anew; its schema does not say when",
    "removed": "a resource goes",
    "protection_weakened": "encryption, logging, backup, isolation or an alarm is weaker",
    "outsider_admitted": "a principal outside the account gets in",
    "access_widened": "a role or a resource's policy allows more",
    "access_narrowed": "a role or a resource's policy allows less",
    "network_policy_widened": "the policy of a VPC endpoint lets more through",
    "wildcard_unexplained": "a wildcard in a role's rights that nobody has acknowledged",
    "check_failed": "a rule that the team checks is broken, and nobody has acknowledged it",
    "quota_exceeded": "the environment needs more of a service than the account may have",
    "cost_raised": "at rest it costs more a month",
    "capacity_raised": "something gets larger, and so dearer",
    "capacity_lowered": "something gets smaller",
    "code_changed": "code that AWS runs is different",
    "added": "a resource is new",
    "changed": "settings of a resource are different",
    "stack_changed": "settings of a stack are different",
}
"""Every rule and what it means. Any of them can be made blocking."""

BLOCKING = ("data_lost", "cannot_deploy", "outsider_admitted", "check_failed")
"""The rules that block where the caller does not say."""


def arranged(found: Iterable[Finding], blocking: Collection[str]) -> tuple[Finding, ...]:
    """Findings with those marked that block, the gravest first."""
    order = list(RULES)
    marked = [
        each.model_copy(update={"blocking": True}) if each.rule in blocking else each
        for each in found
    ]
    return tuple(
        sorted(
            marked,
            key=lambda each: (
                not each.blocking,
                -LEVELS.index(each.level),
                order.index(each.rule),
                each.path,
                each.text,
            ),
        )
    )
