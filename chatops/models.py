"""SlackInstallation, SlackIdentity, SlackReceipt: whose workspace, who is who, and every request before its work."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from conductor.tenancy.models import TenantModel


class SlackInstallation(TenantModel):
    """A Slack workspace that speaks for a tenant."""

    team_id = models.CharField(max_length=40, unique=True)
    team_name = models.CharField(max_length=120)
    bot_token_reference = models.CharField(max_length=300, blank=True)
    """`env:NAME` or `file:/path` of the bot token; empty: commands are answered, nothing else is posted."""
    installed_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.team_name


class SlackIdentity(TenantModel):
    """Which member a Slack user is."""

    team_id = models.CharField(max_length=40)
    slack_user_id = models.CharField(max_length=40)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    linked_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "team_id", "slack_user_id"], name="slack_identity_unique")
        ]
        verbose_name_plural = "Slack identities"

    def __str__(self) -> str:
        return self.slack_user_id


class SlackReceipt(TenantModel):
    """A request from Slack, stored before any work is done on it, answered once."""

    class State(models.TextChoices):
        RECEIVED = "RECEIVED", "Received"
        DONE = "DONE", "Done"
        FAILED = "FAILED", "Failed"

    dedupe_key = models.CharField(max_length=200)
    """`cmd:{team}:{trigger_id}`: Slack's repeats of one request carry the same."""
    kind = models.CharField(max_length=12)
    """command, action, view, event."""
    team_id = models.CharField(max_length=40)
    slack_user_id = models.CharField(max_length=40)
    channel_id = models.CharField(max_length=40, blank=True)
    payload = models.JSONField()
    """The parsed fields without Slack's deprecated verification token."""
    payload_digest = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RECEIVED)
    answer = models.JSONField(null=True)
    """The message that was answered: {"response_type", "text", "blocks"}."""
    attempts = models.PositiveSmallIntegerField(default=0)
    received_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "dedupe_key"], name="slack_receipt_once")]
        indexes: ClassVar = [
            models.Index(
                fields=["tenant", "received_at"], condition=models.Q(state="RECEIVED"), name="slack_receipt_open"
            )
        ]

    def __str__(self) -> str:
        return self.dedupe_key
