"""What a subject has cost so far."""

from __future__ import annotations

from collections.abc import Mapping
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


def cost_of(*, subjects: list[Ref], running: Mapping[str, Decimal] | None = None) -> list[CostLine]:
    """Return the usage of `subjects` by meter, priced by the newest price of each meter. Two queries.

    `running` is what is being used and not metered yet, by meter: it is added to what was.
    """
    used: dict[str, Decimal] = dict(
        MeterEvent.objects.filter(subject__in=subjects).values_list("meter").annotate(total=Sum("quantity"))
    )
    for meter, quantity in (running or {}).items():
        used[meter] = used.get(meter, Decimal()) + quantity
    prices = {price.meter: price for price in PriceBook.objects.order_by("valid_from")}
    lines = []
    for meter, total in sorted(used.items()):
        price = prices.get(meter)
        amount = total * price.unit_price if price else None
        lines.append(CostLine(meter, total, amount, price.currency if price else ""))
    return lines
