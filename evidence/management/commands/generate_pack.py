"""`manage.py generate_pack EVB-0001 --tenant northwind`: make a pack here and now, and write it to a folder."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from conductor.engine.models import Run
from conductor.engine.run.executor import advance
from conductor.ledger import blobs
from conductor.ledger.log.sequencer import sequence
from conductor.lib.clock import now
from conductor.lib.errors import Refused
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_for_slug
from evidence.bundles.naming import pack_name
from evidence.bundles.selectors import bundle_by_id
from evidence.bundles.verification import BAD, verify_bundle
from evidence.models import Pack
from evidence.packs.lifecycle import request_pack

ROUNDS = 10
"""How often the run is advanced: it waits for the sequencer between its last two steps."""


class Command(BaseCommand):
    help = "Make the Evidence Pack of a sealed bundle without a worker, and write its PDF and ZIP to a folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("bundle", help="EVB-0001")
        parser.add_argument("--tenant", required=True, help="short name of the tenant")
        parser.add_argument("--output", type=Path, default=Path(), help="folder; the current one by default")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant_id = tenant_id_for_slug(options["tenant"])
        if tenant_id is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        try:
            with tenant_scope(tenant_id):
                bundle = bundle_by_id(options["bundle"])
                pack = request_pack(bundle=bundle, actor=Actor.system(channel="cli"), now=now())
        except Refused as refused:
            raise CommandError(refused.detail) from refused
        self._make(tenant_id, pack)
        with tenant_scope(tenant_id):
            pack = Pack.objects.select_related("bundle", "run").get(id=pack.id)
            self._write(pack, options["output"])

    def _make(self, tenant_id: UUID, pack: Pack) -> None:
        assert pack.run_id is not None
        for _round in range(ROUNDS):
            sequence(tenant_id=tenant_id, now=now())
            with tenant_scope(tenant_id):
                # Here nobody waits for the worker's clock: what it waits for was done in the line above.
                Run.objects.filter(id=pack.run_id, status=Run.Status.WAITING).update(wake_at=now())
            status = advance(tenant_id=tenant_id, run_id=pack.run_id, worker="generate_pack", now=now())
            if status in Run.OVER:
                return

    def _write(self, pack: Pack, folder: Path) -> None:
        if pack.status != Pack.Status.READY or pack.verdict is None:
            raise CommandError(f"The pack is not ready: {pack.error or 'see its run ' + str(pack.run)}.")
        for digest, suffix in ((pack.pdf_digest, "pdf"), (pack.zip_digest, "zip")):
            path = folder / f"{pack_name(pack)}.{suffix}"
            path.write_bytes(blobs.read(tenant_id=pack.tenant_id, digest=digest))
            self.stdout.write(str(path))
        self.stdout.write(str(pack.verdict["verdict"]))
        report = verify_bundle(pack.bundle)
        if report.is_broken:
            faults = [f"{link.title}: {link.detail}" for link in report.links if link.state == BAD]
            raise CommandError("\n".join([*faults, *map(str, report.differences)]), returncode=1)
