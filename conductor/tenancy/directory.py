"""The few facts that must be known before a tenant's scope is open: which tenant a name or a person means.

Each is a SECURITY DEFINER function of the owner's that returns ids and names only (migration 0002),
because row-level security shows the application's role no tenant at all until one is chosen. Inside a scope they
answer nothing: from one tenant no other can be looked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

NOBODY = UUID(int=0)


@dataclass(frozen=True)
class TenantRef:
    """A tenant, as much of it as may be known without its scope."""

    id: UUID
    slug: str


@dataclass(frozen=True)
class UserTenant:
    """A tenant that a person belongs to, and as what."""

    id: UUID
    slug: str
    name: str
    role: str


def tenant_id_for_slug(slug: str) -> UUID | None:
    """Return the id of the tenant with that slug, or None."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT conductor_tenant_id(%s)", [slug])
        row = cursor.fetchone()
    return row[0] if row else None


def tenant_id_or_nobody(slug: str) -> UUID:
    """Return the id of the tenant with that slug, or of a tenant that does not exist.

    For whoever is not signed in: in the scope of nobody the same queries find nothing, and take as long.
    """
    return tenant_id_for_slug(slug) or NOBODY


def tenant_refs() -> list[TenantRef]:
    """Return every tenant, by slug. For sweeps, which then open each scope in turn."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, slug FROM conductor_tenants()")
        return [TenantRef(*row) for row in cursor.fetchall()]


def tenants_of_user(user_id: int) -> list[UserTenant]:
    """Return the tenants that the user is a member of, by name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, slug, name, role FROM conductor_user_tenants(%s)", [user_id])
        return [UserTenant(*row) for row in cursor.fetchall()]
