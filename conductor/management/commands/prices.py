"""`manage.py prices`: list the price book. `manage.py prices METER AMOUNT CURRENCY --per hour`: set a price."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from conductor.lib.clock import now, parse_rfc3339, rfc3339
from conductor.lib.errors import Invalid
from conductor.metering.prices import FINEST, set_price
from conductor.metering.selectors import prices
from conductor.tenancy.actors import Actor

PER = {
    "second": ("seconds", 1),
    "minute": ("seconds", 60),
    "hour": ("seconds", 3600),
    "byte": ("bytes", 1),
    "MB": ("bytes", 10**6),
    "GB": ("bytes", 10**9),
}
"""What an amount may be said for: the unit that its meter must have, and how many of them."""


class Command(BaseCommand):
    help = "List the prices of metered quantities, or set one. What was used keeps the price it had."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("meter", nargs="?", help="as incidents.role_seconds")
        parser.add_argument("amount", nargs="?")
        parser.add_argument("currency", nargs="?", help="ISO 4217, as USD")
        parser.add_argument("--per", choices=PER, help="what the amount is for; left out: one of the meter's unit")
        parser.add_argument("--from", dest="valid_from", metavar="RFC3339", help="from when on; left out: from now")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["meter"] is None:
            self._list()
            return
        if options["currency"] is None:
            raise CommandError("Name the meter, an amount and a currency.")
        moment = now()
        try:
            price = set_price(
                meter=options["meter"],
                unit_price=_for_one(options["meter"], options["amount"], options["per"]),
                currency=options["currency"],
                valid_from=parse_rfc3339(options["valid_from"]) if options["valid_from"] else moment,
                actor=Actor.system("Operator", channel="cli"),
                now=moment,
            )
        except Invalid as invalid:
            raise CommandError(" ".join(f"{name}: {' '.join(said)}" for name, said in invalid.fields.items())) from None
        except ValueError as why:
            raise CommandError(str(why)) from None
        self.stdout.write(f"{price} for each unit, from {rfc3339(price.valid_from)} on.")

    def _list(self) -> None:
        found = prices()
        for price in found:
            self.stdout.write(f"{price} from {rfc3339(price.valid_from)}")
        if not found:
            self.stdout.write("No price is set: costs are shown as quantities.")


def _for_one(meter: str, amount: str, per: str | None) -> Decimal:
    """Return the price of one second or byte, rounded to what the book can hold."""
    try:
        price = Decimal(amount)
    except InvalidOperation:
        raise ValueError(f"{amount} is no amount.") from None
    if per is None or not price.is_finite():
        return price
    unit, count = PER[per]
    if not meter.endswith(f"_{unit}"):
        raise ValueError(f"{meter} is not counted in {unit}, so it has no price per {per}.")
    return (price / count).quantize(FINEST)
