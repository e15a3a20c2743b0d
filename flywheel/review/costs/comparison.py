"""Both sides' lines beside each other, per stack and in all."""

from collections.abc import Iterable

from flywheel.review.assembly import Environment
from flywheel.review.costs.at_rest import at_rest
from flywheel.review.costs.by_use import predictions, retraining
from flywheel.review.costs.line import Estimate, Line, Unknown
from flywheel.review.costs.prices import Prices, read_prices
from flywheel.review.intrinsics import Resolver
from flywheel.review.sections import (
    Assumption,
    CostLine,
    Costs,
    CostTotal,
    Money,
    PriceTable,
    StackCosts,
    Unpriced,
)
from flywheel.settings import CostSettings

Key = tuple[str, str, str, str]


def costs(
    before: Environment | None,
    after: Environment,
    assumed: CostSettings,
    *,
    prices: Prices | None = None,
) -> Costs:
    """What both sides cost by the same prices and the same assumptions.

    Args:
        before: None where there is nothing yet.
        after: The environment that is reviewed.
        assumed: How much is stored, how long jobs take: what no template says.
        prices: The table; None: the one of this repository.
    """
    table = prices or read_prices()
    old, _ = _sorted_out(before, table, assumed) if before else ([], [])
    new, unknown = _sorted_out(after, table, assumed)
    merged = _merged(old, new)
    stacks = []
    for stack in dict.fromkeys([*after.stacks, *(before.stacks if before else ())]):
        lines = tuple(line for key, line in merged if key[0] == stack)
        if lines:
            stacks.append(
                StackCosts(
                    stack=stack,
                    before=_money(old, stack) if before and stack in before.stacks else None,
                    after=_money(new, stack) if stack in after.stacks else None,
                    lines=lines,
                )
            )
    return Costs(
        prices=PriceTable(date=table.date, source=f"{table.source} ({table.region})"),
        assumptions=tuple(_assumptions(assumed)),
        total=CostTotal(before=_money(old) if before else None, after=_money(new)),
        stacks=tuple(stacks),
        unpriced=tuple(Unpriced(path=each.path, type=each.type, why=each.why) for each in unknown),
    )


def _sorted_out(
    environment: Environment, prices: Prices, assumed: CostSettings
) -> tuple[list[Line], list[Unknown]]:
    estimate = Estimate(environment, Resolver(environment), prices, assumed)
    found = [*at_rest(estimate), *retraining(estimate), *predictions(estimate)]
    lines = [each for each in found if isinstance(each, Line)]
    unknown = [each for each in found if isinstance(each, Unknown)]
    return lines, sorted(set(unknown), key=lambda each: (each.path, each.why))


def _merged(old: Iterable[Line], new: Iterable[Line]) -> list[tuple[Key, CostLine]]:
    """One line for what both sides have, the dearest first."""
    sides = ({_key(line): line for line in old}, {_key(line): line for line in new})
    merged = []
    for key in sides[0].keys() | sides[1].keys():
        was, now = sides[0].get(key), sides[1].get(key)
        line = now or was
        assert line is not None  # noqa: S101  (the key is of one of them)
        shown = CostLine(
            path=line.path,
            what=line.what,
            kind=line.kind,
            quantity=round(line.quantity, 6),
            unit=line.unit,
            price=line.price,
            before=round(was.amount, 6) if was else None,
            after=round(now.amount, 6) if now else None,
        )
        merged.append((key, shown))
    return sorted(merged, key=lambda pair: (-max(pair[1].after or 0, pair[1].before or 0), pair[0]))


def _key(line: Line) -> Key:
    return line.stack, line.path, line.what, line.kind


def _money(lines: Iterable[Line], stack: str | None = None) -> Money:
    amounts = {"at_rest_month": 0.0, "per_retraining": 0.0, "per_million_predictions": 0.0}
    for line in lines:
        if stack in (None, line.stack):
            amounts[line.kind] += line.amount
    return Money(**{kind: round(amount, 6) for kind, amount in amounts.items()})


def _assumptions(assumed: CostSettings) -> Iterable[Assumption]:
    for name, field in CostSettings.model_fields.items():
        yield Assumption(
            setting=f"review.costs.{name}",
            value=float(getattr(assumed, name)),
            meaning=(field.description or "").replace("\n", " "),
        )
