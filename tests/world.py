"""The people and tenants that every test knows.

Northwind: Ana (admin), Ben (responder), Cora (commander), Cleo (auditor). Globex: Max (admin), a stranger to Northwind.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.contrib.auth.models import User

from conductor.access.lifecycle.addresses import confirm_address
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.lifecycle import add_environment, add_member, create_tenant
from conductor.tenancy.models import Environment, Tenant

NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
NORTHWIND = UUID("01934a00-0000-7000-8000-000000000001")
GLOBEX = UUID("01934a00-0000-7000-8000-000000000002")
PEOPLE = {
    "ana": ("Ana", "Admin", NORTHWIND, "ADMIN"),
    "ben": ("Ben", "Responder", NORTHWIND, "RESPONDER"),
    "cora": ("Cora", "Commander", NORTHWIND, "COMMANDER"),
    "cleo": ("Cleo", "Auditor", NORTHWIND, "AUDITOR"),
    "max": ("Max", "Stranger", GLOBEX, "ADMIN"),
}


def people_the_world() -> None:
    """Create both tenants, their environments and their people. Runs once, in the template database."""
    for tenant_id, slug, name in ((NORTHWIND, "northwind", "Northwind Payments"), (GLOBEX, "globex", "Globex")):
        with tenant_scope(tenant_id):
            tenant = create_tenant(tenant_id=tenant_id, slug=slug, name=name, now=NOW)
            for kind in Environment.Kind.values:
                add_environment(tenant=tenant, slug=kind.lower(), name=kind.capitalize(), kind=kind)
    for username, (first, last, tenant_id, role) in PEOPLE.items():
        user = User.objects.create_user(
            username, f"{username}@example.test", f"{username}-password", first_name=first, last_name=last
        )
        confirm_address(user=user, email=user.email)
        with tenant_scope(tenant_id):
            add_member(tenant=Tenant.objects.get(id=tenant_id), user=user, role=role, now=NOW)
