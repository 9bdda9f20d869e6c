"""What a subject has cost so far."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from conductor.lib.refs import Ref
from conductor.metering.models import MeterEvent, PriceBook


@dataclass(frozen=True)
class CostLine:
    """One meter's share of a cost."""

    meter: str
    quantity: Decimal
    amount: Decimal | None
    """NULL when no price was in force: shown as missing, never as zero."""
    currency: str


def cost_of(*, subjects: list[Ref]) -> list[CostLine]:
    """Return the usage of `subjects` by meter, priced by the newest price of each meter. Two queries."""
    used = (
        MeterEvent.objects.filter(subject__in=subjects)
        .values("meter")
        .annotate(total=Sum("quantity"))
        .order_by("meter")
    )
    prices = {price.meter: price for price in PriceBook.objects.order_by("valid_from")}
    lines = []
    for row in used:
        price = prices.get(row["meter"])
        amount = row["total"] * price.unit_price if price else None
        lines.append(CostLine(row["meter"], row["total"], amount, price.currency if price else ""))
    return lines
