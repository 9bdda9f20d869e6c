"""Slack's workspaces and people on the tenant's admin pages. Every change goes through a verb, none is a bare save."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chatops.models.workspace import SlackIdentity, SlackInstallation
from chatops.slack.workspace.identities import unlink_identity
from chatops.slack.workspace.lifecycle import link_workspace, revoke_workspace
from conductor.lib.clock import now
from conductor.lib.errors import Refused

if TYPE_CHECKING:
    Form = forms.ModelForm[Any]
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class _ThroughVerbs(ModelAdmin):
    """Rights come from the member's role in the active tenant; refusals are told, not raised. Nothing is deleted."""

    permission = ""

    def _holds(self, request: HttpRequest) -> bool:
        actor = getattr(request, "actor", None)
        return actor is not None and self.permission in actor.permissions

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._holds(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._holds(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._holds(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._holds(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Refused as refused:
            complaints = [why for each in refused.fields.values() for why in each]
            messages.error(request, " ".join([refused.detail, *complaints]))
            return redirect(request.path)


@admin.register(SlackInstallation)
class SlackInstallationAdmin(_ThroughVerbs):
    """Workspaces that speak for the tenant."""

    permission = "manage_adapters"
    list_display = ("team_name", "team_id", "installed_at", "revoked_at")
    fields = ("team_id", "team_name", "bot_token_reference", "installed_at", "revoked_at")
    readonly_fields = ("installed_at", "revoked_at")
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # Slack's own grant connects one, or the operator (manage.py link_slack)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "team_id") if obj else tuple(self.readonly_fields)

    def save_model(
        self, request: HttpRequest, obj: SlackInstallation, form: forms.ModelForm[Any], change: bool
    ) -> None:
        linked = link_workspace(
            tenant_id=request.tenant.id,  # type: ignore[attr-defined]
            team_id=obj.team_id,
            team_name=obj.team_name,
            bot_token_reference=obj.bot_token_reference,
            actor=request.actor,  # type: ignore[attr-defined]
            now=now(),
        )
        obj.pk = linked.pk

    @admin.action(description="Disconnect the chosen workspaces")
    def revoke(self, request: HttpRequest, chosen: QuerySet[SlackInstallation]) -> HttpResponse | None:
        """Stop listening to them; what they did stays on record."""
        actor = request.actor  # type: ignore[attr-defined]
        revoked = sum(revoke_workspace(installation=each, actor=actor, now=now()) for each in chosen)
        self.message_user(request, f"{revoked} of {len(chosen)} disconnected.")
        return None


@admin.register(SlackIdentity)
class SlackIdentityAdmin(_ThroughVerbs):
    """Which member a Slack user is. Members link themselves; admins look, and end a link."""

    permission = "manage_members"
    list_display = ("slack_user_id", "team_id", "user", "proven_by", "linked_at")
    actions = ("unlink",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return obj is None and self._holds(request)

    @admin.action(description="End the chosen links")
    def unlink(self, request: HttpRequest, chosen: QuerySet[SlackIdentity]) -> HttpResponse | None:
        """Let those Slack users name nobody."""
        actor = request.actor  # type: ignore[attr-defined]
        ended = sum(unlink_identity(identity=each, actor=actor, now=now()) for each in chosen)
        self.message_user(request, f"{ended} of {len(chosen)} links ended.")
        return None
