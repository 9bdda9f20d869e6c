"""SlackGroup: who is in a workspace's user group, as Slack last said."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from conductor.tenancy.models import TenantModel


class SlackGroup(TenantModel):
    """The people of a user group, kept so that a page need not wait for Slack. Asked for anew when it has grown old."""

    team_id = models.CharField(max_length=40)
    said = models.CharField(max_length=120)
    """How it was named: Slack's id, `S0614TZR7`, or its handle, `@oncall`."""
    slack_user_ids = models.JSONField(default=list)
    asked_at = models.DateTimeField(null=True, blank=True)
    """When Slack last said who is in it; null: never."""
    failed_at = models.DateTimeField(null=True, blank=True)
    """When Slack was asked since and did not say; null after it has."""
    error = models.CharField(max_length=80, blank=True)
    """Slack's code for why it did not."""
    nearest = models.CharField(max_length=120, blank=True)
    """The handle that may have been meant, where there is no such group."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "team_id", "said"], name="slack_group_named_once")
        ]

    def __str__(self) -> str:
        return self.said
