"""`manage.py verify_ledger [--tenant northwind] [--checkpoint FILE] [--files]`: check everything; exit 1 on a fault."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from conductor.ledger.keys.keyring import Keyring, keyring
from conductor.ledger.keys.keys import KeyUnavailable
from conductor.ledger.keys.providers import provider
from conductor.ledger.log import checkpoint
from conductor.ledger.verify.verification import verify_ledger
from conductor.tenancy.database.scope import snapshot_scope
from conductor.tenancy.directory import tenant_refs

SHOWN = 20


class Command(BaseCommand):
    help = "Verify the ledger's signatures, numbering, Merkle roots and checkpoints, and the records it vouches for."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", help="the tenant's short name; every tenant by default")

        parser.add_argument(
            "--checkpoint", action="append", default=[], type=Path, metavar="FILE", help="a checkpoint kept elsewhere"
        )
        parser.add_argument("--files", action="store_true", help="read stored files too and compare their digests")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["tenant"]
        tenants = [tenant for tenant in tenant_refs() if wanted in {None, tenant.slug}]
        if not tenants:
            raise CommandError(f"There is no tenant {wanted}.")
        ring = keyring()
        kept = _notes(options["checkpoint"], {str(tenant.id) for tenant in tenants})
        faults = self._compare_with_provider(ring)
        for tenant in tenants:
            with snapshot_scope(tenant.id):
                report = verify_ledger(
                    tenant_id=tenant.id, keyring=ring, kept=kept.get(str(tenant.id), []), read_files=options["files"]
                )
            verdict = "ok" if not report.faults else f"{len(report.faults)} FAULTS"
            self.stdout.write(
                f"{tenant.slug}: {report.receipts} receipts, {report.checkpoints} checkpoints, {report.tiles} tiles, "
                f"{report.pending} not yet sequenced: {verdict}"
            )
            for each in report.records:
                unread = f"; not read: {each.unread} (--files reads them)" if each.unread else ""
                self.stdout.write(f"  {each.looked_at} {each.what} compared with what was signed{unread}")
            for fault in report.faults[:SHOWN]:
                self.stdout.write(f"  {fault}")
            faults += len(report.faults)
        if faults:
            raise CommandError(f"{faults} faults", returncode=1)

    def _compare_with_provider(self, ring: Keyring) -> int:
        """A ledger that was rewritten with other keys is consistent in itself, so ask whose keys they are."""
        try:
            strangers = ring.strangers(provider())
        except KeyUnavailable as why:
            self.stdout.write(f"keys: not compared with those at hand ({why})")
            return 0
        for fault in strangers:
            self.stdout.write(f"keys: {fault}")
        return len(strangers)


def _notes(files: list[Path], tenants: Collection[str]) -> dict[str, list[str]]:
    """Return the checkpoints by the id of the tenant whose log they name; raise CommandError for a file that is none.

    Editors and terminals leave other line ends and blank lines at the end: they are not part of a note, and no fault
    of the ledger's.
    """
    found: dict[str, list[str]] = {}
    for path in files:
        try:
            note = path.read_text(encoding="utf-8").strip() + "\n"  # reading turns \r\n into \n
            origin = checkpoint.parse(checkpoint.parse_note(note.encode()).text).origin
        except (OSError, UnicodeDecodeError) as why:
            raise CommandError(f"{path} cannot be read: {why}") from why
        except checkpoint.CheckpointRefused as why:
            raise CommandError(f"{path} is not a checkpoint: {why}. Nothing was verified.") from why
        tenant = origin.rpartition("/")[2]
        if tenant not in tenants:
            raise CommandError(
                f"{path} is of the log {origin}, which is not among those to verify. Nothing was verified."
            )
        found.setdefault(tenant, []).append(note)
    return found
