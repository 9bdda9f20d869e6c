"""Let a member in without password and identity provider: `manage.py break_glass ana@example.com --reason "…"`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from conductor.access.lifecycle.break_glass import LIFETIME, issue_break_glass
from conductor.lib.clock import now
from conductor.lib.errors import Refused


class Command(BaseCommand):
    help = "Print a link that signs a member in once, within 15 minutes. Receipts of their organisations name it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="The address that the member signs in with")
        parser.add_argument("--reason", required=True, help="Why, for the receipts")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            token = issue_break_glass(email=options["email"], reason=options["reason"], now=now())
        except Refused as refused:
            raise CommandError(refused.detail) from refused
        self.stdout.write(f"{settings.CONDUCTOR_BASE_URL}{reverse('break_glass', args=[token])}")
        self.stderr.write(f"Works once, for {LIFETIME.seconds // 60} minutes. Give it to nobody but its member.")
