"""`manage.py init_keys`: create the signing keys where there are none, and print their fingerprints."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from conductor.ledger.keys.keys import FileKeys


class Command(BaseCommand):
    help = "Create the seal and log keys (0600) unless they exist; print what an auditor compares with."

    def handle(self, *args: Any, **options: Any) -> None:
        provider = FileKeys(settings.CONDUCTOR_KEYS_DIR)
        provider.create()
        self.stdout.write(f"seal key sha256:{provider.seal().public.fingerprint}")
        self.stdout.write(f"log key  sha256:{provider.log().public.fingerprint}")
