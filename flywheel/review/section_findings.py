"""What costs, quotas and checks have to say in the verdict."""

from collections.abc import Iterator

from flywheel.review.sections import Checks, Costs, Quotas
from flywheel.review.verdict import Finding

_NOTICEABLE_DOLLARS = 0.5
"""A smaller difference a month is rounding, not news."""


def findings_of_sections(
    costs: Costs | None, quotas: Quotas | None, checks: Checks | None
) -> Iterator[Finding]:
    """A sentence for each check that fails, each quota that becomes too small, and dearer rest."""
    for pack in checks.packs if checks else ():
        for each in pack.open:
            yield Finding(
                rule="check_failed",
                level="danger",
                stack=each.stack,
                path=each.path,
                text=f"{pack.name} {each.rule}: {each.message}",
            )
    for row in quotas.rows if quotas else ():
        if not row.enough and row.needed_after > (row.needed_before or 0):
            yield Finding(
                rule="quota_exceeded",
                level="look",
                text=f"{row.service}, {row.quota}: {row.needed_after:g} needed by {row.why}, "
                f"{row.limit:g} allowed. {row.remedy}".rstrip(),
            )
    if costs and costs.total.before and costs.total.after:
        before, after = costs.total.before.at_rest_month, costs.total.after.at_rest_month
        if after - before >= _NOTICEABLE_DOLLARS:
            yield Finding(
                rule="cost_raised",
                level="look",
                text=f"At rest it costs ${after:,.2f} a month instead of ${before:,.2f}.",
            )
