"""The ledger of alerts: every one that came in, with its disposition."""

from __future__ import annotations

from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.urls import reverse

from conductor.lib.errors import NotFound
from incidents.models.alert import AlertRecord, AlertSource, Outcome
from incidents.models.incident import Incident


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


def alert_sources() -> list[AlertSource]:
    """Return every alert source, live ones first. One query."""
    return list(AlertSource.objects.select_related("tenant").order_by(F("disabled_at").asc(nulls_first=True), "name"))


def alert_source(*, name: str) -> AlertSource:
    """Return the alert source, live or ended; raise NotFound."""
    found = AlertSource.objects.filter(name=name).first()
    if found is None:
        raise NotFound("There is no such alert source.")
    return found


def path_of_source(source: AlertSource) -> str:
    """Return where the sender posts to, below the console's address."""
    slug = source.tenant.slug
    if source.shape == AlertSource.Shape.EVENTS:
        return reverse("hooks:events", args=[slug])
    return reverse("hooks:alerts", args=[slug, source.name])


def _visible() -> QuerySet[AlertRecord]:
    """Alerts of a private incident are seen by those who see it."""
    return AlertRecord.objects.filter(Q(incident=None) | Q(incident__in=Incident.objects.all()))
