"""OutboxMessage, SlackPace: what is to be said to Slack, and when Slack will hear it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from conductor.tenancy.models import TenantModel


class Lane(models.IntegerChoices):
    """Which goes first. A limit that one lane runs into never holds up a lane before it."""

    PAGE = 1, "Page"
    RESPONSE = 2, "Response"
    DIGEST = 3, "Digest"


class OutboxMessage(TenantModel):
    """One call to Slack, written in the transaction of the act that it tells of, made afterwards by a worker.

    It is made at least once: a worker that dies between Slack's answer and our note of it makes the call again.
    """

    class State(models.TextChoices):
        PENDING = "PENDING", "Waiting"
        SENT = "SENT", "Sent"
        DEAD = "DEAD", "Given up"

    lane = models.PositiveSmallIntegerField(choices=Lane.choices)
    team_id = models.CharField(max_length=40)
    channel_id = models.CharField(max_length=40, blank=True)
    """Where it goes, for the pace of one message a second; empty for calls that post nothing."""
    method = models.CharField(max_length=60)
    """A method of Slack's Web API, or `response_url`."""
    arguments = models.JSONField()
    follow_up = models.CharField(max_length=40, blank=True)
    """What is done with Slack's answer, by name (chatops.channels.FOLLOW_UPS)."""
    subject = models.CharField(max_length=120, blank=True)
    """Ref of what it is about."""
    dedupe_key = models.CharField(max_length=200, blank=True)
    """Said once per key, however often it is asked for."""
    coalesce_key = models.CharField(max_length=200, blank=True)
    """Of those that wait with the same key only the latest is said."""
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    leased_until_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    words_forgotten_at = models.DateTimeField(null=True)
    """When the arguments were dropped (chatops.slack.outbound.forgetting)."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "dedupe_key"], condition=~Q(dedupe_key=""), name="slack_outbox_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "coalesce_key"],
                condition=~Q(coalesce_key="") & Q(state="PENDING", leased_until_at__isnull=True),
                name="slack_outbox_latest",
            ),
            models.CheckConstraint(condition=Q(lane__in=Lane.values), name="slack_outbox_lane_known"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["tenant", "lane", "created_at"], condition=Q(state="PENDING"), name="slack_outbox_waiting"
            ),
            models.Index(fields=["tenant", "created_at"], condition=Q(state="DEAD"), name="slack_outbox_dead"),
            models.Index(
                fields=["tenant", "created_at"], condition=Q(words_forgotten_at=None), name="slack_outbox_words"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.channel_id}".strip()


class SlackPace(TenantModel):
    """Until when a bucket is closed: a channel for a second after each message, a method for Slack's Retry-After."""

    team_id = models.CharField(max_length=40)
    bucket = models.CharField(max_length=120)
    """`channel:C0…`, or `method:chat.postMessage` with the lane that ran into the limit."""
    lane = models.PositiveSmallIntegerField(default=Lane.PAGE)
    """The first lane that it closes; those before it go on."""
    free_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "team_id", "bucket", "lane"], name="slack_pace_unique")
        ]

    def __str__(self) -> str:
        return self.bucket
