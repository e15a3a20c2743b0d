"""The price table: list prices of one region, with their date and source."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PRICES_FILE = Path(__file__).with_name("prices.json")
HOURS_PER_MONTH = 730
"""As AWS's own calculator counts."""


@dataclass(frozen=True)
class Prices:
    """US dollars.

    Attributes:
        region: whose prices they are; other regions differ by up to a third.
        services: price and unit by name.
        instances: price of an hour of a SageMaker instance, the same for training, processing,
            transform and endpoints.
        estimated: instances for which no source was found, and where the number comes from.
    """

    date: str
    source: str
    region: str
    services: Mapping[str, Mapping[str, Any]]
    instances: Mapping[str, float]
    estimated: Mapping[str, Mapping[str, Any]]

    def of(self, service: str) -> float:
        """The price of one unit."""
        return float(self.services[service]["price"])

    def unit(self, service: str) -> str:
        """What the price is for."""
        return str(self.services[service]["unit"])

    def hour(self, instance_type: str) -> float | None:
        """The price of an hour of an instance; None where the table does not have it."""
        known = self.instances.get(instance_type)
        if known is None and instance_type in self.estimated:
            return float(self.estimated[instance_type]["price"])
        return known


@cache
def read_prices(file: Path = PRICES_FILE) -> Prices:
    """The table as it stands in the file."""
    return Prices(**json.loads(file.read_text(encoding="utf-8")))
