"""One price of one resource, before the two sides are put beside each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flywheel.review.assembly import Environment
from flywheel.review.costs.prices import Prices
from flywheel.review.intrinsics import Resolver
from flywheel.review.sections import CostKind
from flywheel.settings import CostSettings

type Place = tuple[str, str]
"""Whose cost it is: the stack's id and the construct path."""


@dataclass(frozen=True)
class Line:
    """What one side pays: `quantity` units at `price`."""

    stack: str
    path: str
    what: str
    kind: CostKind
    quantity: float
    unit: str
    price: float

    @property
    def amount(self) -> float:
        return self.quantity * self.price


@dataclass(frozen=True)
class Unknown:
    """A resource that costs something, but what is not in the table."""

    path: str
    type: str
    why: str


@dataclass(frozen=True)
class Estimate:
    """What lines are worked out from."""

    environment: Environment
    resolver: Resolver
    prices: Prices
    assumed: CostSettings

    def line(self, place: Place, what: str, kind: CostKind, quantity: float, service: str) -> Line:
        """A line of a service in the table."""
        prices = self.prices
        return Line(*place, what, kind, quantity, prices.unit(service), prices.of(service))

    def instance(
        self, place: Place, what: str, kind: CostKind, hours: float, instance_type: str
    ) -> Line | Unknown:
        """A line of so many hours of an instance."""
        price = self.prices.hour(instance_type)
        if price is None:
            why = f"{instance_type} is not in the table of prices; `make prices` fetches it"
            return Unknown(place[1], what, why)
        return Line(*place, what, kind, hours, "hour", price)


def number(value: Any, otherwise: float = 0.0) -> float:
    """A rendered value as a number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return otherwise


def first(value: Mapping[str, Any], *names: str) -> Any:
    """The first of these members that is there."""
    return next((value[name] for name in names if name in value), None)
