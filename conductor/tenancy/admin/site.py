"""The admin site: open to members who may manage adapters, inside their active tenant's scope."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url


class TenantAdminSite(AdminSite):
    """Shows the active tenant's rows. TenantMiddleware opens its scope for every admin page."""

    site_header = site_title = "Administration"
    index_title = "Administration"
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the signed-in member may manage the active tenant's adapters."""
        actor = getattr(request, "actor", None)
        return actor is not None and "manage_adapters" in actor.permissions

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send who is not signed in to the console's own page; who is, and may not enter, is told so."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next", "/admin/"), resolve_url(settings.LOGIN_URL))
