"""IncidentChannel, CapturedMessage: where an incident is worked on, and which messages are on its timeline."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from conductor.tenancy.models import TenantModel
from incidents.models.incident import Incident


class IncidentChannel(TenantModel):
    """The one channel of an incident, with the headline message that is kept current in it."""

    class State(models.TextChoices):
        OPENING = "OPENING", "Opening"
        OPEN = "OPEN", "Open"
        SHARED = "SHARED", "Shared with outsiders"
        ARCHIVED = "ARCHIVED", "Archived"
        FAILED = "FAILED", "Could not be opened"

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="+")
    team_id = models.CharField(max_length=40)
    channel_id = models.CharField(max_length=40, blank=True)
    """Empty until Slack has made it."""
    name = models.CharField(max_length=80)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPENING)
    """Nothing is posted to one that is SHARED or ARCHIVED."""
    headline_ts = models.CharField(max_length=40, blank=True)
    headline_digest = models.CharField(max_length=64, blank=True)
    """Of the headline that was queued last: an act that does not change it queues nothing."""
    created_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "incident"], name="slack_channel_of_incident"),
            models.UniqueConstraint(
                fields=["tenant", "team_id", "channel_id"], condition=~Q(channel_id=""), name="slack_channel_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.name}"


class CapturedMessage(TenantModel):
    """A message that stands on an incident's timeline: its later edits and deletion are told there."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="+")
    team_id = models.CharField(max_length=40)
    channel_id = models.CharField(max_length=40)
    channel_name = models.CharField(max_length=80)
    ts = models.CharField(max_length=40)
    author_name = models.CharField(max_length=200)
    text_digest = models.CharField(max_length=64)
    captured_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "team_id", "channel_id", "ts"], name="slack_message_captured_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel_id}:{self.ts}"
