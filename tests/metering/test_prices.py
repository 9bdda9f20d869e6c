"""What was used costs what was in force when it was used; whoever operates the installation sets the prices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from conductor.console.format.metered import metered, priced_words, totals
from conductor.ledger.models import Receipt
from conductor.lib.errors import Invalid
from conductor.metering.lifecycle import record
from conductor.metering.models import MeterEvent, PriceBook
from conductor.metering.prices import set_price
from conductor.metering.selectors import CostLine, cost_of, prices_in_force
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.models import Tenant

HOUR = timedelta(hours=1)
ROLE, STEP, KEPT = "incidents.role_seconds", "engine.step_seconds", "evidence.artifact_bytes"
SUBJECT = "incidents.incident:1"

Put = Callable[..., PriceBook]
Use = Callable[..., None]


@pytest.fixture
def put(tenant: Tenant, now: datetime) -> Put:
    """`put(ROLE, "0.01", at=now)`: a price, set at `told`."""

    def set_at(meter: str, unit_price: str, *, at: datetime, currency: str = "USD", told: datetime = now) -> PriceBook:
        return set_price(
            meter=meter,
            unit_price=Decimal(unit_price),
            currency=currency,
            valid_from=at,
            actor=Actor.system("Operator", channel="cli"),
            now=told,
        )

    return set_at


@pytest.fixture
def use(tenant: Tenant, scope: None) -> Use:
    def metered_at(meter: str, quantity: int, at: datetime) -> None:
        record(tenant_id=tenant.id, meter=meter, quantity=quantity, subject=SUBJECT, key=f"{meter}:{at:%s}", now=at)

    return metered_at


def costs(**given: object) -> list[CostLine]:
    return cost_of(events=MeterEvent.objects.filter(subject=SUBJECT), **given)  # type: ignore[arg-type]


def test_each_hour_costs_what_was_in_force_then(put: Put, use: Use, now: datetime) -> None:
    put(ROLE, "0.01", at=now)
    put(ROLE, "0.05", at=now + 10 * HOUR)
    use(ROLE, 3600, now + HOUR)
    use(ROLE, 3600, now + 10 * HOUR)

    assert costs() == [CostLine(ROLE, Decimal(7200), Decimal(216), "USD")]
    assert totals(costs()) == "$216"


def test_what_was_used_before_any_price_is_missing_and_not_zero(put: Put, use: Use, now: datetime) -> None:
    put(ROLE, "0.01", at=now)
    use(ROLE, 60, now - HOUR)
    use(ROLE, 100, now)
    use(KEPT, 5_000_000, now)

    kept, with_price, without = costs()
    assert (kept.amount, kept.currency) == (None, "")
    assert (with_price.quantity, with_price.amount) == (100, 1)
    assert (without.quantity, without.amount) == (60, None)
    assert f"{metered(kept)}: {priced_words(kept)}" == "5.0 MB of evidence: no price is set"


def test_two_currencies_are_two_lines_and_two_totals(put: Put, use: Use, now: datetime) -> None:
    put(ROLE, "0.01", at=now)
    put(ROLE, "0.1", at=now + HOUR, currency="SEK")
    use(ROLE, 100, now)
    use(ROLE, 100, now + HOUR)

    assert [(line.currency, line.amount) for line in costs()] == [("SEK", 10), ("USD", 1)]
    assert totals(costs()) == "10 SEK and $1"


def test_what_is_under_way_is_added_at_the_price_of_now(put: Put, use: Use, now: datetime) -> None:
    put(ROLE, "0.01", at=now)
    use(ROLE, 100, now)

    running = {ROLE: Decimal(50), STEP: Decimal(3)}
    assert costs(running=running, now=now + HOUR) == [
        CostLine(STEP, Decimal(3), None, ""),
        CostLine(ROLE, Decimal(150), Decimal("1.5"), "USD"),
    ]


def test_the_first_price_may_begin_in_the_past_and_the_next_may_not(put: Put, use: Use, now: datetime) -> None:
    use(ROLE, 100, now - 2 * HOUR)
    put(ROLE, "0.01", at=now - 3 * HOUR)
    assert [line.amount for line in costs()] == [1]

    for begins in (now - HOUR, now):
        with pytest.raises(Invalid) as refused:
            put(ROLE, "9", at=begins)
        assert "begins after" in refused.value.fields["valid_from"][0]
    assert [line.amount for line in costs()] == [1]
    assert put(ROLE, "9", at=now + HOUR).unit_price == 9


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("meter", {"meter": "incidents.role_hours"}),
        ("meter", {"meter": "seconds"}),
        ("unit_price", {"unit_price": "-0.01"}),
        ("unit_price", {"unit_price": "NaN"}),
        ("unit_price", {"unit_price": "1e9"}),
        ("unit_price", {"unit_price": "1e-16"}),
        ("currency", {"currency": "usd"}),
        ("currency", {"currency": "dollars"}),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(put: Put, now: datetime, field: str, given: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        put(given.get("meter", ROLE), given.get("unit_price", "1"), at=now, currency=given.get("currency", "USD"))

    assert list(refused.value.fields) == [field]
    assert PriceBook.objects.count() == 0


def test_the_book_itself_refuses_less_than_nothing(tenant: Tenant, now: datetime) -> None:
    with pytest.raises(IntegrityError, match="price_not_negative"), transaction.atomic():
        PriceBook.objects.create(meter=ROLE, unit_price=-1, valid_from=now)


def test_a_price_is_a_receipt_in_every_ledger(put: Put, tenant: Tenant, other_tenant: Tenant, now: datetime) -> None:
    put(KEPT, "0.00000000002", at=now)

    for each in (tenant, other_tenant):
        with tenant_scope(each.id):
            receipt = Receipt.objects.get(action="metering.price.set")
        assert receipt.body == {
            "meter": KEPT,
            "unit_price": "0.00000000002",
            "currency": "USD",
            "valid_from": "2026-11-20T11:00:00Z",
        }


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("prices", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_sets_a_price_per_hour_and_lists_the_book(tenant: Tenant) -> None:
    assert "No price is set" in run()

    run("incidents.role_seconds", "90", "USD", "--per", "hour", "--from", "2026-01-01T00:00:00Z")
    run("evidence.artifact_bytes", "0.02", "USD", "--per", "GB")

    assert "incidents.role_seconds 0.025 USD from 2026-01-01T00:00:00Z" in run()
    assert "evidence.artifact_bytes 0.00000000002 USD" in run()
    assert [price.meter for price in prices_in_force(now=datetime.now().astimezone())] == [KEPT, ROLE]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("incidents.role_seconds", "90"), "a currency"),
        (("incidents.role_seconds", "much", "USD"), "no amount"),
        (("incidents.role_seconds", "1", "USD", "--per", "GB"), "not counted in bytes"),
        (("incidents.role_seconds", "1", "USD", "--from", "yesterday"), "yesterday"),
        (("incidents.role_seconds", "-1", "XX"), "currency: "),
    ],
)
def test_the_command_says_what_is_wrong(tenant: Tenant, arguments: tuple[str, ...], why: str) -> None:
    with pytest.raises(CommandError, match=why):
        run(*(["--", *arguments] if "-1" in arguments else arguments))
    assert PriceBook.objects.count() == 0
