"""SlackInstallation, SlackIdentity, SlackOAuthState: whose workspace, who is who in it, and installs under way."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from conductor.tenancy.models import TenantModel


class SlackInstallation(TenantModel):
    """A Slack workspace that speaks for a tenant. A revoked one stays, without its token: who and when is history."""

    team_id = models.CharField(max_length=40)
    team_name = models.CharField(max_length=120)
    enterprise_id = models.CharField(max_length=40, blank=True)
    app_id = models.CharField(max_length=40, blank=True)
    bot_user_id = models.CharField(max_length=40, blank=True)
    bot_scopes = models.JSONField(default=list, blank=True)
    """What the workspace granted; empty when a token was referred to by hand, which then is taken to hold all."""
    bot_token_reference = models.CharField(max_length=300, blank=True)
    """`env:NAME` or `file:/path` of the bot token; empty: it is sealed here, or there is none and nothing is posted."""
    bot_token_sealed = models.TextField(blank=True, editable=False)
    """The bot token that Slack gave at the installation, as a JWE (adapters.secrets)."""
    opens_channels = models.BooleanField(default=True)
    """Whether each incident gets a channel of its own."""
    installed_by = models.CharField(max_length=120, blank=True)
    installed_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_why = models.CharField(max_length=40, blank=True)
    """by hand, app_uninstalled, tokens_revoked, granted elsewhere, or the error with which Slack refused the token."""
    is_granted = models.BooleanField(default=False, editable=False)
    """Whether Slack's own OAuth grant proved that the workspace is the tenant's; else the operator said so."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "team_id"], name="slack_installation_unique"),
            models.UniqueConstraint(
                fields=["team_id"], condition=models.Q(revoked_at=None), name="slack_team_speaks_for_one"
            ),
        ]

    def __str__(self) -> str:
        return self.team_name

    @property
    def has_token(self) -> bool:
        """Whether Slack can be asked for anything: posts, modals, channels."""
        return bool(self.revoked_at is None and (self.bot_token_sealed or self.bot_token_reference))


class ProvenIdentities(models.Manager["SlackIdentity"]):
    """Those that name somebody."""

    def get_queryset(self) -> models.QuerySet[SlackIdentity]:
        return super().get_queryset().exclude(proven_by="")


class SlackIdentity(TenantModel):
    """Which member a Slack user is. One that nobody has proven names nobody, and `objects` does not show it."""

    team_id = models.CharField(max_length=40)
    slack_user_id = models.CharField(max_length=40)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    linked_at = models.DateTimeField()
    proven_by = models.CharField(max_length=10, blank=True, editable=False)
    """`member`: they confirmed it, signed in, by a link that only the Slack user got; `operator`; empty: an admin's
    word of before, which the member has still to confirm."""

    objects = ProvenIdentities()
    ever = models.Manager["SlackIdentity"]()

    class Meta:
        base_manager_name = "ever"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "team_id", "slack_user_id"], name="slack_identity_unique")
        ]
        verbose_name_plural = "Slack identities"

    def __str__(self) -> str:
        return self.slack_user_id


class SlackOAuthState(TenantModel):
    """An installation that somebody began. Its row is consumed once, by the same person in the same session."""

    state_digest = models.CharField(max_length=64)
    session_digest = models.CharField(max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "state_digest"], name="slack_oauth_state_unique")
        ]

    def __str__(self) -> str:
        return f"installation by {self.user}"
