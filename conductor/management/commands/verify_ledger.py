"""`manage.py verify_ledger [--tenant northwind]`: check every receipt and checkpoint; exit 1 on any fault."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from conductor.ledger.sequencer import keys
from conductor.ledger.verification import verify_ledger
from conductor.tenancy.directory import tenant_refs
from conductor.tenancy.scope import tenant_scope

SHOWN = 20


class Command(BaseCommand):
    help = "Verify signatures, numbering, Merkle roots and checkpoints of the ledger."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", help="the tenant's short name; every tenant by default")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["tenant"]
        tenants = [tenant for tenant in tenant_refs() if wanted in {None, tenant.slug}]
        if not tenants:
            raise CommandError(f"There is no tenant {wanted}.")
        faults = 0
        for tenant in tenants:
            with tenant_scope(tenant.id):
                report = verify_ledger(tenant_id=tenant.id, keys=keys())
            verdict = "ok" if not report.faults else f"{len(report.faults)} FAULTS"
            self.stdout.write(
                f"{tenant.slug}: {report.receipts} receipts, {report.checkpoints} checkpoints, "
                f"{report.pending} not yet sequenced: {verdict}"
            )
            for fault in report.faults[:SHOWN]:
                self.stdout.write(f"  {fault}")
            faults += len(report.faults)
        if faults:
            raise CommandError(f"{faults} faults", returncode=1)
