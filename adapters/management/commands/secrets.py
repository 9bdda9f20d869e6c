"""`manage.py secrets status|verify|rotate|destroy|new-kek`: the keys that seal tenants' secrets."""

from __future__ import annotations

import base64
import secrets as random
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from adapters.models.adapter import DataKey, Secret
from adapters.ports.protocols import AdapterError
from adapters.secrets import is_sealed_with_kek
from adapters.secrets.data_keys import destroy_data_keys, rewrap_data_keys, rotate_data_key, verify_secrets
from adapters.secrets.keks import KEK_VARIABLE, complaint_about_kek, keks
from adapters.secrets.places import sealed_places
from conductor.lib.clock import now
from conductor.lib.errors import Refused
from conductor.tenancy.actors import Actor
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.directory import TenantRef, tenant_refs

OPERATOR = Actor.system("Operator", channel="cli")


class Command(BaseCommand):
    help = "Keys and secrets of adapters. Each act is a receipt in its tenant's log; no value is ever printed."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        for name, says in (
            ("status", "what seals what, and with which key-encryption key"),
            ("verify", "open every secret; exit with 1 if any does not open"),
            ("rotate", "wrap the data keys with the first key-encryption key"),
            ("destroy", "destroy one tenant's data keys, and with them its sealed secrets, for good"),
        ):
            verb = verbs.add_parser(name, help=says)
            verb.add_argument(
                "--tenant", default="", metavar="SLUG", help="this tenant only", required=name == "destroy"
            )
            if name == "rotate":
                verb.add_argument("--data-keys", action="store_true", help="new data keys too; every value is resealed")
            if name == "destroy":
                verb.add_argument("--reason", required=True, help="kept in the receipt")
                verb.add_argument("--confirm", required=True, metavar="SLUG", help="the tenant's name once more")
        verbs.add_parser("new-kek", help=f"print 32 random bytes for {KEK_VARIABLE}")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        if verb == "new-kek":
            self.stdout.write(base64.urlsafe_b64encode(random.token_bytes(32)).decode())
            return
        failed = 0
        for tenant in _tenants(options["tenant"]):
            try:
                failed += getattr(self, f"_{verb}")(tenant, options)
            except (Refused, AdapterError) as why:
                failed += 1
                self.stderr.write(f"{tenant.slug}: {why}")
        if verb == "status" and (complaint := complaint_about_kek()):
            self.stdout.write(f"warning: {complaint}")
        if failed:
            raise CommandError(f"{failed} failed")

    def _status(self, tenant: TenantRef, options: Any) -> int:
        with tenant_scope(tenant.id):
            keys, sealed = list(DataKey.objects.order_by("version")), sealed_places(tenant.id)
            references = Secret.objects.exclude(reference="").count()
        legacy = sum(_is_legacy(each.sealed) for each in sealed)
        self.stdout.write(
            f"{tenant.slug}: {references} references, {len(sealed)} sealed"
            + (f", {legacy} of them with the installation's own key: run rotate --data-keys" if legacy else "")
        )
        first = next(iter(keks()), None)
        for key in keys:
            state = "destroyed" if key.destroyed_at else "retired" if key.retired_at else "seals"
            stale = (
                ""
                if first is None or key.kek_id.startswith(first.id) or key.destroyed_at
                else ", not the first: rotate"
            )
            self.stdout.write(f"  data key {key.version} {state}, wrapped by {key.kek_id}{stale}")
        return 0

    def _verify(self, tenant: TenantRef, options: Any) -> int:
        with tenant_scope(tenant.id):
            verdict = verify_secrets(tenant_id=tenant.id, actor=OPERATOR, now=now())
        for each in verdict.unopened:
            self.stdout.write(f"{tenant.slug}: {each.label}: {each.why}")
        self.stdout.write(f"{tenant.slug}: {verdict.opened} of {verdict.opened + len(verdict.unopened)} open")
        return len(verdict.unopened)

    def _rotate(self, tenant: TenantRef, options: Any) -> int:
        told: dict[str, Any] = {"tenant_id": tenant.id, "actor": OPERATOR, "now": now()}
        with tenant_scope(tenant.id):
            if options["data_keys"]:
                self.stdout.write(f"{tenant.slug}: {rotate_data_key(**told)} values sealed again")
            self.stdout.write(f"{tenant.slug}: {rewrap_data_keys(**told)} data keys wrapped again")
        return 0

    def _destroy(self, tenant: TenantRef, options: Any) -> int:
        if options["confirm"] != tenant.slug:
            raise CommandError(f"--confirm must be {tenant.slug}: nothing was destroyed")
        with tenant_scope(tenant.id):
            count = destroy_data_keys(tenant_id=tenant.id, reason=options["reason"], actor=OPERATOR, now=now())
        self.stdout.write(f"{tenant.slug}: {count} data keys destroyed; their sealed secrets are gone for good")
        return 0


def _is_legacy(sealed: str) -> bool:
    try:
        return is_sealed_with_kek(sealed)
    except AdapterError:
        return False  # not readable at all: verify says so


def _tenants(slug: str) -> Iterator[TenantRef]:
    found = [each for each in tenant_refs() if slug in ("", each.slug)]
    if slug and not found:
        raise CommandError(f"there is no tenant {slug}")
    yield from found
