"""`manage.py rotate_key seal|log`: put a new key in force; or `--compromised SHA256 --since TIME --reason WHY`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from conductor.ledger.keys.keys import LOG, SEAL, FileKeys, KeyUnavailable
from conductor.ledger.keys.providers import provider
from conductor.ledger.keys.rotation import NoNewKey, candidate, declare_compromised, rotate_key
from conductor.ledger.models import SigningKey
from conductor.lib.clock import now, parse_rfc3339, rfc3339
from conductor.lib.errors import Refused
from conductor.tenancy.actors import Actor

PURPOSES = {"seal": SEAL, "log": LOG}


class Command(BaseCommand):
    help = "Replace a signing key, or declare one compromised. Both are receipts in every tenant's log."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("purpose", choices=PURPOSES)
        parser.add_argument("--compromised", metavar="SHA256", help="fingerprint of a key that others may have")
        parser.add_argument("--since", metavar="RFC3339", help="what it signed from then on is not believed")
        parser.add_argument("--reason", default="", help="kept in the receipt")

    def handle(self, *args: Any, **options: Any) -> None:
        purpose = PURPOSES[options["purpose"]]
        try:
            if options["compromised"]:
                self._declare(purpose, options)
            else:
                self._rotate(purpose)
        except (Refused, KeyUnavailable, ValueError) as why:
            raise CommandError(str(why)) from why

    def _rotate(self, purpose: str) -> None:
        held = provider()
        try:
            new = candidate(purpose=purpose, provider=held)
        except NoNewKey:
            if not isinstance(held, FileKeys):
                raise
            new = held.add(purpose)
        actor = Actor.system("Operator", channel="cli")
        row = rotate_key(purpose=purpose, new=new, provider=held, actor=actor, now=now())
        self.stdout.write(f"{row.get_purpose_display().lower()} key {row.number} is in force from {_when(row)} on:")
        self.stdout.write(f"sha256:{row.fingerprint_digest}")
        self.stdout.write("Publish this fingerprint. The old key has signed its last; remove it where it is kept.")

    def _declare(self, purpose: str, options: dict[str, Any]) -> None:
        fingerprint = options["compromised"].removeprefix("sha256:").lower()
        key = SigningKey.objects.filter(purpose=purpose, fingerprint_digest=fingerprint).first()
        if key is None or not options["since"] or not options["reason"]:
            raise CommandError("Name a key that was in force, --since and --reason.")
        moment = parse_rfc3339(options["since"])
        actor = Actor.system("Operator", channel="cli")
        declare_compromised(key=key, moment=moment, reason=options["reason"], actor=actor, now=now())
        self.stdout.write(f"{options['purpose']} key {key.number} counts as compromised from {rfc3339(moment)} on.")
        if key.valid_to is None:
            self.stdout.write("It is in force, so nothing is sequenced until you run rotate_key.")


def _when(row: SigningKey) -> str:
    return rfc3339(row.valid_from) if row.valid_from else "the beginning"
