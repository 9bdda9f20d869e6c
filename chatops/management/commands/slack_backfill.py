"""`manage.py slack_backfill`: record what was said while the database was away. The sweep does so too."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chatops.slack.inbound.outage_backfill import import_spool
from chatops.tasks import finish
from conductor.lib.clock import now


class Command(BaseCommand):
    """Imports the spool of this machine and carries out what was in it."""

    help = "Record the Slack commands that were spooled while the database was away."

    def handle(self, *args: Any, **options: Any) -> None:
        report = import_spool(now())
        done = sum(finish(tenant_id=tenant, receipt_id=receipt, now=now()) for tenant, receipt in report.stored)
        self.stdout.write(f"{len(report.stored)} recorded, {done} of them carried out; {report.set_aside} set aside.")
        if report.waiting:
            raise CommandError(f"{report.waiting} still wait: the database is away.")
