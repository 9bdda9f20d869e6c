"""What a tenant demands of notaries, on its admin pages: one page to read, propose and approve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from adapters.models.adapter import NotaryPolicy
from adapters.notaries import demands
from adapters.notaries.policy import approve_notary_policy, propose_notary_policy
from conductor.console.refusals.errors import refusal
from conductor.lib.clock import now
from conductor.lib.errors import Refused
from conductor.tenancy.actors import Actor, require

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[NotaryPolicy]
else:
    ModelAdmin = admin.ModelAdmin

PERMISSION = "manage_adapters"
LIST = "admin:adapters_notarypolicy_changelist"


@admin.register(NotaryPolicy)
class NotaryPolicyAdmin(ModelAdmin):
    """Only the list: a row is history, and is neither changed nor deleted."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        actor: Actor | None = getattr(request, "actor", None)
        return actor is not None and PERMISSION in actor.permissions

    def has_view_permission(self, request: HttpRequest, obj: NotaryPolicy | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: NotaryPolicy | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: NotaryPolicy | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        actor: Actor = request.actor  # type: ignore[attr-defined]
        try:
            require(actor=actor, permission=PERMISSION)
            if request.method == "POST":
                return self._write(request, actor)
        except Refused as refused:
            return refusal(request, refused)
        rows = list(NotaryPolicy.objects.order_by("-proposed_at")[:50])
        context = {
            "site_title": self.admin_site.site_title,
            "opts": self.opts,
            "title": "Notary policy",
            "demand": demands.demand_at(now()),
            "waiting": next((row for row in rows if row.in_force_at is None and row.replaced_at is None), None),
            "rows": rows,
            "modes": NotaryPolicy.Mode.choices,
            "actor": actor,
        }
        return TemplateResponse(request, "admin/adapters/notarypolicy/change_list.html", context)

    def _write(self, request: HttpRequest, actor: Actor) -> HttpResponse:
        if approved := request.POST.get("approve", ""):
            policy = _policy(approved)
            approve_notary_policy(policy=policy, actor=actor, now=now())
            messages.success(request, "In force from now on.")
            return redirect(LIST)
        needed = request.POST.get("needed", "")
        row = propose_notary_policy(
            tenant_id=request.tenant.id,  # type: ignore[attr-defined]
            mode=request.POST.get("mode", ""),
            needed=int(needed) if needed.isdecimal() and len(needed) < 4 else 0,
            actor=actor,
            now=now(),
        )
        messages.success(request, "In force from now on." if row.in_force_at else "It waits for a second person.")
        return redirect(LIST)


def _policy(name: str) -> NotaryPolicy:
    try:
        return NotaryPolicy.objects.get(id=UUID(name))
    except (ValueError, NotaryPolicy.DoesNotExist):
        raise Http404("no such proposal") from None
