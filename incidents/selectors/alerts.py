"""The ledger of alerts: every one that came in, with its disposition."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from conductor.lib.errors import NotFound
from incidents.models import AlertRecord, Incident, Outcome


def alerts(*, outcome: str = "", before: UUID | None = None, limit: int = 50) -> tuple[list[AlertRecord], UUID | None]:
    """Return at most `limit` alerts, newest first, and the id to ask for older ones with. One query."""
    found = _visible().select_related("incident").order_by("-id")
    if outcome:
        found = found.filter(outcome=outcome)
    if before is not None:
        found = found.filter(id__lt=before)
    rows = list(found[: limit + 1])
    page = rows[:limit]
    return page, page[-1].id if len(rows) > limit else None


def alerts_waiting() -> int:
    """Return how many alerts nobody has decided about: each is a gap in the ledger."""
    return AlertRecord.objects.filter(outcome=Outcome.PENDING).count()


def alert_by_id(*, alert_id: UUID) -> AlertRecord:
    """Return the alert; raise NotFound."""
    found = _visible().select_related("incident").filter(id=alert_id).first()
    if found is None:
        raise NotFound("There is no such alert.")
    return found


def _visible() -> QuerySet[AlertRecord]:
    """Alerts of a private incident are seen by those who see it."""
    return AlertRecord.objects.filter(Q(incident=None) | Q(incident__in=Incident.objects.all()))
