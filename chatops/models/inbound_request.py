"""SlackReceipt: every request from Slack, kept before any work is done on it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conductor.tenancy.models import TenantModel


class SlackReceipt(TenantModel):
    """A request from Slack, stored before any work is done on it, answered once."""

    class State(models.TextChoices):
        RECEIVED = "RECEIVED", "Received"
        DONE = "DONE", "Done"
        FAILED = "FAILED", "Failed"

    class Kind(models.TextChoices):
        COMMAND = "command", "Command"
        ACTION = "action", "Button or menu"
        VIEW = "view", "Modal"
        SHORTCUT = "shortcut", "Message shortcut"
        EVENT = "event", "Event"

    dedupe_key = models.CharField(max_length=200)
    """`cmd:{team}:{trigger_id}`, `ev:{team}:{event_id}`, …: Slack's repeats of one request carry the same."""
    kind = models.CharField(max_length=12, choices=Kind.choices)
    team_id = models.CharField(max_length=40)
    slack_user_id = models.CharField(max_length=40)
    channel_id = models.CharField(max_length=40, blank=True)
    message_ts = models.CharField(max_length=40, blank=True)
    """For an event that brought a message: which, so that a mark on it later finds its words."""
    payload = models.JSONField()
    """The parsed fields without Slack's deprecated verification token."""
    payload_digest = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RECEIVED)
    answer = models.JSONField(null=True)
    """What is answered: a message, or for a modal what becomes of it. Beside a `view`: what is said if it fails."""
    view = models.JSONField(null=True)
    """The modal that this request asks for; opened while Slack waits, never later."""
    view_opened_at = models.DateTimeField(null=True)
    spooled_at = models.DateTimeField(null=True)
    """When it came, if that was while the database was away: what it does is marked as reconstructed."""
    attempts = models.PositiveSmallIntegerField(default=0)
    received_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    words_forgotten_at = models.DateTimeField(null=True)
    """When payload, answer and view were dropped (chatops.slack.outbound.forgetting)."""

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "dedupe_key"], name="slack_receipt_once")]
        indexes: ClassVar = [
            models.Index(
                fields=["tenant", "received_at"], condition=models.Q(state="RECEIVED"), name="slack_receipt_open"
            ),
            models.Index(
                fields=["tenant", "channel_id", "message_ts"],
                condition=~models.Q(message_ts=""),
                name="slack_receipt_message",
            ),
            models.Index(
                fields=["tenant", "received_at"],
                condition=models.Q(words_forgotten_at=None),
                name="slack_receipt_words",
            ),
        ]

    def __str__(self) -> str:
        return self.dedupe_key
