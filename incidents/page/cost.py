"""What an incident has cost up to now, the time of those who still hold a role included."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db.models import Max

from conductor.metering.selectors import CostLine, cost_of
from incidents.models.choices import OVER
from incidents.models.history import StatusTransition
from incidents.models.incident import Incident
from incidents.models.people import RoleAssignment
from incidents.record.metered import ROLE_SECONDS, metered_for


def cost_so_far(*, incident: Incident, now: datetime) -> list[CostLine]:
    """Return the cost by meter. Time in a role is metered when it ends; until then it is counted here. Four queries."""
    return cost_of(events=metered_for(incident=incident), running=_running(incident, now), now=now)


def _running(incident: Incident, now: datetime) -> dict[str, Decimal]:
    if not incident.is_active:
        return {}
    reopened = StatusTransition.objects.filter(incident=incident, from_status__in=OVER).aggregate(
        at=Max("occurred_at")
    )["at"]
    held = RoleAssignment.objects.filter(incident=incident, ended_at=None).values_list("assumed_at", flat=True)
    since = [max(each, reopened) if reopened else each for each in held]
    seconds = sum(max((now - each).total_seconds(), 0.0) for each in since)
    return {ROLE_SECONDS: Decimal(str(seconds))} if since else {}
