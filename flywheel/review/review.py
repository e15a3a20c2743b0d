"""The review: two versions of an environment in, one verdict out."""

from collections.abc import Collection

from flywheel.review.assembly import Environment
from flywheel.review.changes import Changes
from flywheel.review.findings import findings
from flywheel.review.iam.access import access_changes, outsiders, wildcards
from flywheel.review.rules import BLOCKING, arranged
from flywheel.review.section_findings import findings_of_sections
from flywheel.review.sections import Checks, Costs, Quotas
from flywheel.review.verdict import LEVELS, Review


def review(
    before: Environment | None,
    after: Environment,
    *,
    against: str,
    blocking: Collection[str] = BLOCKING,
    costs: Costs | None = None,
    quotas: Quotas | None = None,
    checks: Checks | None = None,
) -> Review:
    """Compare an environment with what it was, or with another environment.

    Args:
        before: What it is compared with; None where nothing is deployed yet. Of the same name it
            is an update, with replacements and losses; of another name, a comparison side by side.
        after: The environment that is reviewed.
        against: What `before` is, for the reader: a revision, "deployed", an environment's name.
        blocking: Rules (`rules.RULES`) that block a deployment.
        costs: What it costs, from `flywheel.review.costs`.
        quotas: What it needs of the account, from `flywheel.review.quotas`.
        checks: What was checked, from `flywheel.review.checks`.
    """
    changes = Changes(before or Environment(after.name, {}), after)
    stacks = changes.stacks()
    access = access_changes(changes.before, changes.after)
    stars = wildcards(changes.before, changes.after)
    strangers = outsiders(changes.before, changes.after)
    found = arranged(
        (
            *findings(changes, stacks, access, stars, strangers),
            *findings_of_sections(costs, quotas, checks),
        ),
        blocking,
    )
    return Review(
        environment=after.name,
        against=against,
        kind="update" if changes.is_update else "comparison",
        level=max((each.level for each in found), key=LEVELS.index, default="nothing"),
        blocked=any(each.blocking for each in found),
        findings=found,
        stacks=tuple(stacks),
        access=tuple(access),
        wildcards=tuple(stars),
        outsiders=tuple(strangers),
        costs=costs,
        quotas=quotas,
        checks=checks,
    )
