"""What an environment costs, by list prices and assumptions that the settings hold."""

from flywheel.review.costs.comparison import costs
from flywheel.review.costs.prices import PRICES_FILE, Prices, read_prices
from flywheel.review.costs.refresh import refresh

__all__ = ["PRICES_FILE", "Prices", "costs", "read_prices", "refresh"]
