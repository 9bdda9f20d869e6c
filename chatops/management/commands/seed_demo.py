"""`manage.py seed_demo`: the demonstration's tenants, people, topology and history. Safe to run again."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chatops.demo.seed import seed
from conductor.ledger.keys.keys import FileKeys
from conductor.lib.clock import now


class Command(BaseCommand):
    help = "Seed the demonstration tenants (refused in production)."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demonstration does not belong in production.")
        FileKeys(settings.CONDUCTOR_KEYS_DIR).create()
        seed(now=now(), progress=lambda line: self.stdout.write(f"  {line}"))
