"""When the next update of an incident is due, and which ones were missed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from conductor.lib.clock import parse_rfc3339
from incidents.models.choices import OVER, EventKind
from incidents.models.history import StatusTransition, TimelineEvent
from incidents.models.incident import Incident
from incidents.response.policy import Cadence

MOST_MISSES = 500
"""More than this many misses of one silence are not listed: a watch that slept for weeks says so in fewer words."""


@dataclass(frozen=True)
class Watch:
    """The silence that an incident is in."""

    since: datetime
    """The latest update, or the declaration, or the reopening."""
    gap: timedelta
    missed: list[datetime]
    """When updates were due that did not come, oldest first."""
    next_due: datetime


def watch(*, incident: Incident, cadence: Cadence, now: datetime) -> Watch:
    """Return the silence that an active incident is in at `now`. Two queries."""
    opened = StatusTransition.objects.filter(incident=incident, from_status__in=["", *OVER]).order_by("-seq").first()
    began = opened.occurred_at if opened is not None else incident.declared_at
    latest = (
        TimelineEvent.objects.filter(incident=incident, kind=EventKind.UPDATE_POSTED, recorded_at__gte=began)
        .order_by("-seq")
        .first()
    )
    since = latest.recorded_at if latest is not None else began
    gap = cadence.gap(severity=incident.severity, status=incident.status)
    promised = (latest.data or {}).get("next_at") if latest is not None else None
    first = parse_rfc3339(promised) if promised else since + gap
    missed: list[datetime] = []
    due = first
    while due <= now and len(missed) < MOST_MISSES:
        missed.append(due)
        due += gap
    return Watch(since, gap, missed, due)
