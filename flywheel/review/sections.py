"""The parts of a verdict that are not about the change itself: costs, quotas, checks."""

from typing import Literal

from flywheel.review.model import Model

CostKind = Literal["at_rest_month", "per_retraining", "per_million_predictions"]


class Money(Model):
    """US dollars: a month at rest, one retraining, a million predictions."""

    at_rest_month: float = 0.0
    per_retraining: float = 0.0
    per_million_predictions: float = 0.0


class PriceTable(Model):
    """Where the prices are from."""

    date: str
    source: str


class Assumption(Model):
    """A number that no template has, and where to set it."""

    setting: str
    """Place in the settings, for example review.costs.training_minutes."""
    value: float
    meaning: str


class CostLine(Model):
    """One price of one resource."""

    path: str
    """Construct path."""
    what: str
    """For example ml.g5.xlarge, 2 instances."""
    kind: CostKind
    quantity: float
    unit: str
    price: float
    """US dollars for one unit."""
    before: float | None
    """US dollars; None where it is not there."""
    after: float | None


class StackCosts(Model):
    """What one stack costs."""

    stack: str
    before: Money | None
    after: Money | None
    lines: tuple[CostLine, ...] = ()


class Unpriced(Model):
    """A resource whose costs are not in the table."""

    path: str
    type: str
    why: str


class CostTotal(Model):
    """All stacks together."""

    before: Money | None
    after: Money | None


class Costs(Model):
    """What the environment costs, by list prices and the assumptions."""

    currency: Literal["USD"] = "USD"
    prices: PriceTable
    assumptions: tuple[Assumption, ...] = ()
    total: CostTotal
    stacks: tuple[StackCosts, ...] = ()
    unpriced: tuple[Unpriced, ...] = ()


class QuotaRow(Model):
    """One service quota and what the environment needs of it."""

    service: str
    quota: str
    code: str
    needed_before: float | None
    needed_after: float
    limit: float
    enough: bool
    why: str
    """What needs it."""
    remedy: str = ""


class Quotas(Model):
    """What the environment needs of the account."""

    source: str
    """AWS's defaults, or the account's own values."""
    date: str
    rows: tuple[QuotaRow, ...] = ()


class OpenCheck(Model):
    """A finding of a rule pack that nobody has acknowledged."""

    rule: str
    stack: str
    path: str
    message: str


class CheckPack(Model):
    """One set of rules that the templates went through."""

    name: str
    version: str
    findings: int
    acknowledged: int
    open: tuple[OpenCheck, ...] = ()


class AcceptedFinding(Model):
    """An acknowledgment, with its reason and its place."""

    rule: str
    stack: str
    path: str
    """Construct path; the acknowledgment also counts for what is inside it."""
    reason: str
    place: str = ""
    """Line of code."""


class Checks(Model):
    """What was checked."""

    packs: tuple[CheckPack, ...] = ()
    acknowledgments: tuple[AcceptedFinding, ...] = ()
