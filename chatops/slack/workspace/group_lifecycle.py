"""Verbs on what is remembered of a workspace's user groups: Slack's word, kept for a while. No act, no receipt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chatops.models.group import SlackGroup


def note_group(*, tenant_id: UUID, team_id: str, said: str, people: Sequence[str], now: datetime) -> None:
    """Remember who is in the group, by Slack's ids. Needs the tenant's scope."""
    facts = {"slack_user_ids": list(people), "asked_at": now, "failed_at": None, "error": "", "nearest": ""}
    SlackGroup.objects.update_or_create(tenant_id=tenant_id, team_id=team_id, said=said, defaults=facts)


def note_group_failed(
    *, tenant_id: UUID, team_id: str, said: str, error: str, now: datetime, nearest: str = ""
) -> None:
    """Remember that Slack did not say who is in the group, and why; whom it named before stays known."""
    facts = {"failed_at": now, "error": error[:80], "nearest": nearest[:120]}
    SlackGroup.objects.update_or_create(tenant_id=tenant_id, team_id=team_id, said=said, defaults=facts)
