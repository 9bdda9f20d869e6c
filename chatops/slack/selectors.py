"""Who a request from Slack comes from, and which requests, messages and channels are still open."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Q

from chatops.models.channel import IncidentChannel
from chatops.models.inbound_request import SlackReceipt
from chatops.models.outbox import OutboxMessage, SlackPace
from chatops.models.workspace import SlackIdentity
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment

FIRST_PATIENCE = timedelta(seconds=5)
"""A request younger than this may still be at work in the process that took it."""
FOLLOWED_FOR = timedelta(hours=1)
"""So long after its end a sweep still brings an incident's headline up to date."""
MAX_ATTEMPTS = 7
"""After so many a request is given up, and its author is told."""


def tenant_of_team(team_id: str) -> UUID | None:
    """Return the tenant that the workspace speaks for, or None. One query, and no scope is needed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT chatops_tenant_of_team(%s)", [team_id])
        row = cursor.fetchone()
    return row[0] if row else None


def slack_user_of(*, team_id: str, user_id: int) -> str:
    """Return the member's id in the workspace; empty if they are not linked there."""
    found = SlackIdentity.objects.filter(team_id=team_id, user_id=user_id).order_by("-linked_at").first()
    return found.slack_user_id if found else ""


def open_receipts(*, now: datetime, limit: int) -> list[SlackReceipt]:
    """Return requests whose next attempt is due, oldest first. Needs the tenant's scope.

    Attempts after the first are due 5 s, 15 s, 45 s, 2, 7 and 20 minutes after the request came, so that all of
    them lie within the half hour in which Slack takes an answer.
    """
    due = Q(attempts__gte=MAX_ATTEMPTS)
    for attempts in range(1, MAX_ATTEMPTS):
        due |= Q(attempts=attempts, received_at__lte=now - FIRST_PATIENCE * 3 ** (attempts - 1))
    return list(SlackReceipt.objects.filter(due, state=SlackReceipt.State.RECEIVED).order_by("received_at")[:limit])


def slack_users_of_roles(*, channel: IncidentChannel) -> list[str]:
    """Return the Slack users who hold a role in the channel's incident."""
    holders = RoleAssignment.objects.filter(incident=channel.incident, ended_at=None)
    ids = list(dict.fromkeys(holders.order_by("role").values_list("user_id", flat=True)))
    found = (slack_user_of(team_id=channel.team_id, user_id=each) for each in ids)
    return [each for each in found if each]


def followed_incidents(*, now: datetime) -> list[UUID]:
    """Return the incidents whose channel is kept current: the active ones and those resolved within the last hour."""
    lately = Q(resolved_at__gte=now - FOLLOWED_FOR)
    active = Incident.objects.active().values_list("id", flat=True)
    return [*active, *Incident.objects.filter(lately).values_list("id", flat=True)]


def next_due(*, now: datetime) -> float | None:
    """Return in how many seconds the next waiting call is due; None when nothing waits."""
    waiting = OutboxMessage.objects.filter(state=OutboxMessage.State.PENDING)
    due = waiting.order_by("due_at").values_list("due_at", flat=True).first()
    if due is None:
        return None
    paces = SlackPace.objects.filter(free_at__gt=now).order_by("free_at").values_list("free_at", flat=True).first()
    moment = max(due, paces) if paces else due
    return max((moment - now).total_seconds(), 0.0)
