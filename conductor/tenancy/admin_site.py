"""The admin site: open to members who may manage adapters, inside their active tenant's scope."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.http import HttpRequest


class TenantAdminSite(AdminSite):
    """Shows the active tenant's rows. TenantMiddleware opens its scope for every admin page."""

    site_header = site_title = "Maestro Conductor admin"
    index_title = "Adapters, people and tokens"
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the signed-in member may manage the active tenant's adapters."""
        actor = getattr(request, "actor", None)
        return actor is not None and "manage_adapters" in actor.permissions
