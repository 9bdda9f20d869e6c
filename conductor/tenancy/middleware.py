"""Opens the tenant's transaction round every view that names one, and finds out who is asking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponseBase

from conductor.tenancy.actors import actor_for_user
from conductor.tenancy.authentication import of_session
from conductor.tenancy.directory import tenant_id_for_slug, tenants_of_user
from conductor.tenancy.models import Tenant
from conductor.tenancy.scope import tenant_scope

SESSION_KEY = "conductor_tenant"
"""Slug of the tenant that the person looked at last; the admin pages, which name none, use it."""

API_PREFIX = "/api/"
ADMIN_PREFIX = "/admin/"

View = Callable[..., HttpResponseBase]


class TenantMiddleware:
    """Runs views with a `tenant` argument inside that tenant's scope, with `request.tenant` and `request.actor`.

    A name that is nobody's tenant, and a tenant that the signed-in person does not belong to, are both 404:
    a stranger learns nothing. The API authenticates by token, not by cookie, inside the scope.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.tenant = None  # type: ignore[attr-defined]
        request.tenants = []  # type: ignore[attr-defined]
        request.actor = None  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        if not (kwargs.get("tenant") or request.path.startswith(ADMIN_PREFIX)):
            return None
        # Who is asking, and where they belong, is known only before the scope is open: inside, other people and
        # other tenants do not exist.
        if request.user.is_authenticated:
            request.tenants = tenants_of_user(request.user.pk)  # type: ignore[attr-defined]
        slug = kwargs.get("tenant") or self._slug_for_admin(request)
        if not slug:
            return None
        tenant_id = tenant_id_for_slug(slug)
        if tenant_id is None:
            raise Http404("no such tenant")
        with tenant_scope(tenant_id):
            self._identify(request, tenant_id)
            stranger = request.user.is_authenticated and request.actor is None  # type: ignore[attr-defined]
            if stranger and not request.path.startswith(API_PREFIX):
                raise Http404("no such tenant")
            response = view(request, *args, **kwargs)
            # Rendered here, because after this block the tenant's rows are out of sight again.
            render = getattr(response, "render", None)
            return render() if callable(render) and not getattr(response, "is_rendered", True) else response

    def _identify(self, request: HttpRequest, tenant_id: UUID) -> None:
        tenant = Tenant.objects.get(id=tenant_id)
        request.tenant = tenant  # type: ignore[attr-defined]
        if not request.user.is_authenticated:
            return
        proven = of_session(request, request.user)
        actor = actor_for_user(user=request.user, tenant=tenant, channel="console", authentication=proven)
        request.actor = actor  # type: ignore[attr-defined]
        if actor and request.session.get(SESSION_KEY) != tenant.slug:
            request.session[SESSION_KEY] = tenant.slug

    def _slug_for_admin(self, request: HttpRequest) -> str:
        mine = [tenant.slug for tenant in request.tenants]  # type: ignore[attr-defined]
        remembered = request.session.get(SESSION_KEY, "")
        return remembered if remembered in mine else (mine[0] if mine else "")
