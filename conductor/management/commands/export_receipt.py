"""`manage.py export_receipt --tenant northwind RECEIPT [--output FOLDER]`: a receipt in formats that others verify.

Also `--trust-root FILE`, alone or with a receipt: what a verifier must trust.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from conductor.ledger import selectors
from conductor.ledger.export import sigstore, tlog_proof
from conductor.ledger.keys.dsse import Envelope
from conductor.ledger.keys.keyring import Keyring, keyring
from conductor.ledger.models import Receipt
from conductor.ledger.verify.verification import signer_of
from conductor.lib.errors import Refused
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import tenant_id_for_slug


class Command(BaseCommand):
    help = "Write a receipt as Sigstore bundle, tlog-proof, DSSE envelope and public key; and the trust root."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("receipt", nargs="?", type=UUID, help="the receipt's id")
        parser.add_argument("--tenant", required=True, help="the tenant's short name")
        parser.add_argument("--output", type=Path, default=Path(), help="folder to write to")
        parser.add_argument("--trust-root", type=Path, metavar="FILE", help="write what a verifier must trust")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant_id = tenant_id_for_slug(options["tenant"])
        if tenant_id is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        with tenant_scope(tenant_id):
            ring = keyring()
            if options["receipt"]:
                self._export(options["receipt"], options["output"], ring)
            if options["trust_root"]:
                root = sigstore.trust_root(tenant_id=tenant_id, keyring=ring)
                self._write(options["trust_root"], json.dumps(root, indent=2) + "\n")

    def _export(self, receipt_id: UUID, folder: Path, ring: Keyring) -> None:
        receipt = Receipt.objects.filter(id=receipt_id).first()
        if receipt is None:
            raise CommandError(f"There is no receipt {receipt_id}.")
        try:
            bundle = sigstore.bundle(receipt=receipt, keyring=ring)
            proof = tlog_proof.write(selectors.inclusion_proof(receipt=receipt))
        except Refused as why:
            raise CommandError(why.detail) from why
        envelope = Envelope.from_dict(receipt.envelope or {})
        folder.mkdir(parents=True, exist_ok=True)
        stem = folder / f"receipt-{receipt_id}"
        self._write(Path(f"{stem}.sigstore.json"), json.dumps(bundle, indent=2) + "\n")
        self._write(Path(f"{stem}.tlog-proof"), proof)
        self._write(Path(f"{stem}.dsse.json"), envelope.to_bytes().decode())
        self._write(Path(f"{stem}.pub.pem"), signer_of(envelope=envelope, keyring=ring).key.pem)

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        self.stdout.write(f"wrote {path}")
