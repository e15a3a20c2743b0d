"""Small examples of what a verdict may hold besides the change itself."""

import json

from flywheel.review.sections import (
    AcceptedFinding,
    Assumption,
    CheckPack,
    Checks,
    CostLine,
    Costs,
    CostTotal,
    Money,
    OpenCheck,
    PriceTable,
    QuotaRow,
    Quotas,
    StackCosts,
    Unpriced,
)
from tests.review.world import Templates

COSTS = Costs(
    prices=PriceTable(date="2026-07-30", source="AWS list prices (us-east-1)"),
    assumptions=(
        Assumption(setting="review.costs.training_minutes", value=5, meaning="one training job"),
    ),
    total=CostTotal(
        before=Money(at_rest_month=100, per_retraining=0.18, per_million_predictions=3.5),
        after=Money(at_rest_month=250.5, per_retraining=0.18, per_million_predictions=3.5),
    ),
    stacks=(
        StackCosts(
            stack="Lake", before=Money(at_rest_month=20), after=Money(at_rest_month=20), lines=()
        ),
        StackCosts(
            stack="Serving",
            before=Money(at_rest_month=80, per_retraining=0.18, per_million_predictions=3.5),
            after=Money(at_rest_month=230.5, per_retraining=0.18, per_million_predictions=3.5),
            lines=(
                CostLine(
                    path="Serving/Config",
                    what="ml.m5.xlarge, 2 instances",
                    kind="at_rest_month",
                    quantity=1460,
                    unit="hours",
                    price=0.00004,
                    before=80,
                    after=230.5,
                ),
            ),
        ),
    ),
    unpriced=(Unpriced(path="Lake/Odd", type="AWS::Odd::Thing", why="not in the table"),),
)
QUOTAS = Quotas(
    source="AWS's defaults",
    date="2026-11-23",
    rows=(
        QuotaRow(
            service="sagemaker",
            quota="ml.g5.xlarge for endpoint usage",
            code="L-1",
            needed_before=None,
            needed_after=16,
            limit=0,
            enough=False,
            why="Serving, twice in an update",
            remedy="Ask for 16.",
        ),
        QuotaRow(
            service="vpc",
            quota="VPCs per Region",
            code="L-2",
            needed_before=1,
            needed_after=1,
            limit=5,
            enough=True,
            why="the network",
        ),
    ),
)
CHECKS = Checks(
    packs=(
        CheckPack(
            name="AwsSolutions",
            version="3.0.2",
            findings=5,
            acknowledged=4,
            open=(
                OpenCheck(
                    rule="AwsSolutions-S1",
                    stack="Lake",
                    path="Lake/Raw",
                    message="The bucket has no access log.",
                ),
            ),
        ),
        CheckPack(name="cfn-lint", version="1.58.0", findings=0, acknowledged=0),
    ),
    acknowledgments=(
        AcceptedFinding(
            rule="AwsSolutions-IAM5[Resource::*]",
            stack="Serving",
            path="Serving/Role",
            reason="AWS offers no resource for this action.",
            place="components/role.py:12",
        ),
    ),
)


def many(templates: Templates, count: int) -> Templates:
    """The templates once for each workload: W0Lake, W0Serving, W1Lake …"""
    found = {}
    for number in range(count):
        for name, template in templates.items():
            text = json.dumps(template).replace("prod-Lake", f"prod-W{number}Lake")
            text = text.replace("lake-key", f"w{number}-lake-key")
            found[f"W{number}{name}"] = json.loads(text)
    return found
