"""What subjects have cost, each quantity at the price that was in force when it was used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum

from conductor.metering.models import MeterEvent, PriceBook


@dataclass(frozen=True)
class CostLine:
    """What was used of one meter at prices of one currency; or what of it has no price."""

    meter: str
    quantity: Decimal
    amount: Decimal | None
    """None when no price was in force: shown as missing, never as zero."""
    currency: str
    """Empty without a price."""


def priced(events: QuerySet[MeterEvent]) -> QuerySet[Any]:
    """Add `unit_price` and `currency`, those in force when each was used; NULL where there was no price."""
    prices = PriceBook.objects.filter(meter=OuterRef("meter"), valid_from__lte=OuterRef("at")).order_by("-valid_from")
    return events.annotate(
        unit_price=Subquery(prices.values("unit_price")[:1]), currency=Subquery(prices.values("currency")[:1])
    )


def cost_of(
    *, events: QuerySet[MeterEvent], running: Mapping[str, Decimal] | None = None, now: datetime | None = None
) -> list[CostLine]:
    """Return what `events` cost, by meter and currency; the lines without a price come last of their meter.

    `running` is what is being used and not metered yet, by meter: it is added at the prices of `now`. One query,
    two with `running`.
    """
    rows = (
        priced(events)
        .order_by()
        .values("meter", "currency")
        .annotate(used=Sum("quantity"), amount=Sum(F("quantity") * F("unit_price")))
    )
    lines = {(row["meter"], row["currency"] or ""): (row["used"], row["amount"]) for row in rows}
    if running and now is not None:
        book = {price.meter: price for price in prices_in_force(now=now)}
        for meter, quantity in running.items():
            price = book.get(meter)
            key = (meter, price.currency if price else "")
            used, amount = lines.get(key, (Decimal(), Decimal() if price else None))
            more = quantity * price.unit_price if price else None
            lines[key] = (used + quantity, None if amount is None or more is None else amount + more)
    ordered = sorted(lines, key=lambda key: (key[0], key[1] == "", key[1]))
    return [CostLine(meter, *lines[meter, currency], currency) for meter, currency in ordered]


def prices_in_force(*, now: datetime) -> list[PriceBook]:
    """Return the price of each meter that is in force, by meter. One query."""
    begun = PriceBook.objects.filter(valid_from__lte=now).order_by("meter", "-valid_from")
    return list(begun.distinct("meter"))


def prices() -> list[PriceBook]:
    """Return every price there was, is and will be, by meter and time. One query."""
    return list(PriceBook.objects.order_by("meter", "valid_from"))
