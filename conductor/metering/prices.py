"""Prices: the verb that puts one in force. They are the installation's, so whoever operates it sets them."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from conductor.ledger.receipts import append
from conductor.lib.clock import rfc3339
from conductor.lib.errors import Invalid
from conductor.lib.refs import ref
from conductor.metering.models import PriceBook
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_refs

METER = re.compile(r"[a-z]+(\.[a-z_]+)*\.[a-z_]+_(seconds|bytes)")
CURRENCY = re.compile(r"[A-Z]{3}")
FINEST = Decimal(1).scaleb(-15)
"""The smallest price that the book can hold."""


def set_price(
    *, meter: str, unit_price: Decimal, currency: str, valid_from: datetime, actor: Actor, now: datetime
) -> PriceBook:
    """Put a price for one unit of `meter` in force from `valid_from` on; every tenant's ledger has a receipt of it.

    Raise Invalid, naming each field that is wrong. What has been priced keeps its price: where a price is in force
    already, a new one begins after now and after every other. The first one may begin in the past: what was used
    since then, and had no price, has this one.
    """
    with transaction.atomic():
        _refuse_wrong(meter, unit_price, currency, valid_from, now)
        price = PriceBook.objects.create(meter=meter, unit_price=unit_price, currency=currency, valid_from=valid_from)
        _tell_every_ledger(price, actor, now)
    return price


def _refuse_wrong(meter: str, unit_price: Decimal, currency: str, valid_from: datetime, now: datetime) -> None:
    wrong: dict[str, list[str]] = {}
    if not METER.fullmatch(meter):
        wrong["meter"] = ["A meter is a dotted name that ends in its unit, as incidents.role_seconds."]
    if not unit_price.is_finite() or unit_price < 0 or unit_price >= 10**9:
        wrong["unit_price"] = ["A price is zero or more, and less than a billion for each second or byte."]
    elif unit_price and unit_price < FINEST:
        wrong["unit_price"] = [f"A price for each second or byte has {-FINEST.adjusted()} decimals at most."]
    if not CURRENCY.fullmatch(currency):
        wrong["currency"] = ["A currency is three capital letters (ISO 4217), as USD."]
    newest = PriceBook.objects.filter(meter=meter).order_by("-valid_from").first()
    if newest is not None and valid_from <= max(newest.valid_from, now):
        since = rfc3339(max(newest.valid_from, now))
        wrong["valid_from"] = [f"{meter} has a price already: a new one begins after {since}."]
    if wrong:
        raise Invalid(fields=wrong)


def _tell_every_ledger(price: PriceBook, actor: Actor, now: datetime) -> None:
    body = {
        "meter": price.meter,
        "unit_price": f"{price.unit_price.normalize():f}",
        "currency": price.currency,
        "valid_from": rfc3339(price.valid_from),
    }
    for tenant in tenant_refs():
        with tenant_scope(tenant.id):
            append(
                tenant_id=tenant.id,
                action="metering.price.set",
                subject=ref("conductor.price", price.id),
                subject_name=str(price),
                actor=actor,
                body=body,
                now=now,
            )
