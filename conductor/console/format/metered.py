"""What was metered, in words: for pages, postmortems, chat and exports. Every meter of the house is here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from conductor.console.format.values import byte_size, duration, money
from conductor.metering.selectors import CostLine

METERS: Mapping[str, Callable[[Decimal], str]] = {
    "incidents.role_seconds": lambda seconds: f"{duration(float(seconds))} of people's time in roles",
    "engine.step_seconds": lambda seconds: f"{duration(float(seconds))} of workflow steps",
    "incidents.document_bytes": lambda size: f"{byte_size(int(size))} of documents",
    "evidence.artifact_bytes": lambda size: f"{byte_size(int(size))} of evidence",
}
"""How a metered quantity reads; a meter that is not here is named."""


def metered(line: CostLine) -> str:
    """Return how much of what was used: `2h 10m of people's time in roles`."""
    words = METERS.get(line.meter)
    quantity = line.quantity.normalize()
    return words(quantity) if words else f"{quantity:f} of {line.meter}"


def priced_words(line: CostLine) -> str:
    """Return what it costs: `$41.20`, or that nobody has set a price."""
    return money(line.amount, currency=line.currency) if line.amount is not None else "no price is set"


def totals(lines: Iterable[CostLine]) -> str:
    """Return the sum of what has a price, currency by currency: `$72 and 30 SEK`; empty where nothing has one."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        if line.amount is not None:
            sums[line.currency] = sums.get(line.currency, Decimal()) + line.amount
    return " and ".join(money(amount, currency=currency) for currency, amount in sorted(sums.items()))
