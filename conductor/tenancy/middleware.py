"""Opens the tenant's transaction round every view that names one, and finds out who is asking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseBase

from conductor.lib.clock import now
from conductor.tenancy.actors import actor_of_member, membership_of
from conductor.tenancy.database.scope import tenant_scope
from conductor.tenancy.database.viewing import viewing_as
from conductor.tenancy.directory import tenant_id_for_slug, tenants_of_user
from conductor.tenancy.models import Tenant
from conductor.tenancy.sessions import proof, second_step
from conductor.tenancy.sessions.authentication import of_session
from conductor.tenancy.sessions.bearer import tenant_asked_for

SESSION_KEY = "conductor_tenant"
"""Slug of the tenant that the person looked at last; the admin pages, which name none, use it."""

API_PREFIX = "/api/"
ADMIN_PREFIX = "/admin/"

View = Callable[..., HttpResponseBase]


class TenantMiddleware:
    """Runs views with a `tenant` argument inside that tenant's scope, with `request.tenant` and `request.actor`.

    A name that is nobody's tenant is treated as one that the person does not belong to, so that a stranger learns
    nothing: 404 to those who are signed in, and the way to sign in to those who are not. The API authenticates by
    token, not by cookie, inside the scope; where there is none it has to refuse the same way.
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
        if request.path.startswith(API_PREFIX):
            tenant_id = self._tenant_of_token(request, kwargs.get("tenant", ""))
        else:
            tenant_id = self._tenant_of_member(request, kwargs.get("tenant", ""))
            if tenant_id is None and "tenant" in kwargs:
                return redirect_to_login(request.get_full_path())
        if tenant_id is None:
            return None
        with tenant_scope(tenant_id):
            self._identify(request, tenant_id)
            if (stopped := self._stop_without_second_step(request)) is not None:
                return stopped
            with viewing_as(request.actor):  # type: ignore[attr-defined]
                response = view(request, *args, **kwargs)
                # Rendered here, because after this block the tenant's rows are out of sight again.
                render = getattr(response, "render", None)
                return render() if callable(render) and not getattr(response, "is_rendered", True) else response

    def _tenant_of_token(self, request: HttpRequest, slug: str) -> UUID | None:
        """The named tenant, if the token says that it is of that one. The API's own door checks whether it is good."""
        tenant_id = tenant_id_for_slug(slug) if slug else None
        return tenant_id if tenant_id == tenant_asked_for(request) else None

    def _tenant_of_member(self, request: HttpRequest, slug: str) -> UUID | None:
        """The named tenant, on admin pages the active one; None for who is not signed in. Raise Http404 to strangers.

        Who is asking, and where they belong, must be known before the scope is open: inside it, other people and
        other tenants do not exist. A stranger's tenant is not even looked up, so that no time tells it from nobody's.
        """
        if not (slug or request.path.startswith(ADMIN_PREFIX)) or not request.user.is_authenticated:
            return None
        mine = tenants_of_user(request.user.pk)
        request.tenants = mine  # type: ignore[attr-defined]
        slug = slug or request.session.get(SESSION_KEY, "")
        named = next((each.id for each in mine if each.slug == slug), None)
        if request.path.startswith(ADMIN_PREFIX):
            return named or (mine[0].id if mine else None)
        if named is None:
            raise Http404("no such tenant")
        return named

    def _stop_without_second_step(self, request: HttpRequest) -> HttpResponseBase | None:
        """Where the tenant requires a second step that this session lacks: the page that leads to it, and no actor."""
        actor, tenant = request.actor, request.tenant  # type: ignore[attr-defined]
        if actor is None or not second_step.is_missing(tenant=tenant, proven=actor.authentication, now=now()):
            return None
        request.actor = None  # type: ignore[attr-defined]
        return second_step.lead_to_it(request, tenant)

    def _identify(self, request: HttpRequest, tenant_id: UUID) -> None:
        user = request.user if request.user.is_authenticated and not request.path.startswith(API_PREFIX) else None
        membership = membership_of(user=user, tenant_id=tenant_id) if user else None
        tenant = membership.tenant if membership else Tenant.objects.get(id=tenant_id)
        request.tenant = tenant  # type: ignore[attr-defined]
        if user is None or membership is None:
            return
        actor = actor_of_member(
            membership,
            user=user,
            channel="console",
            authentication=of_session(request, user),
            proof=proof.of_session(request, user),
        )
        request.actor = actor  # type: ignore[attr-defined]
        if actor and request.session.get(SESSION_KEY) != tenant.slug:
            request.session[SESSION_KEY] = tenant.slug
